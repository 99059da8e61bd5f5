//! The seed: the session's format is lost in mid-call, and what becomes of it.

use super::{assistant_samples, call_of, formats, heard, level, likeness, setup, tools};
use squelch_media::GuardAction;
use squelch_sim::check::StaticMeter;
use squelch_sim::peer::openai::{Pacing, Packing, Profile, SimFault};
use squelch_sim::world::Setup;
use std::time::Duration;

/// A call of eight seconds whose format is lost after three.
fn clobbered(setup: Setup) -> (squelch_sim::world::World, Vec<i16>) {
    let (mut world, call) = call_of(setup, 3);
    assert!(world.application_sends(&tools()));
    world.run(Duration::from_secs(5));
    let heard = heard(&world, call);
    (world, heard)
}

#[test]
fn the_caller_hears_next_to_nothing_of_it() {
    let (mut world, heard) = clobbered(setup());
    let meter = StaticMeter::measure(&heard);
    assert!(
        meter.total() <= Duration::from_millis(200),
        "{:?}",
        meter.total()
    );
    assert!(
        level(&heard[5 * 8_000..7 * 8_000]) < 100.0,
        "comfort silence"
    );
    let told = world.told().join("\n");
    assert!(
        told.contains("session.updated") && told.contains("audio/pcm\""),
        "{told}"
    );
    world.openai_hangs_up();
    world.run(Duration::from_secs(40));
    let record = &world.records()[0];
    assert_eq!(record.guard.faults, ["g711_as_pcm16"]);
    assert!(record.guard.muted_ms > 4_000, "{}", record.guard.muted_ms);
    let fault = record.events.iter().find(|event| event.event == "fault");
    let at = fault.expect("a fault").at_ms;
    assert!((3_000..3_300).contains(&at), "found at {at} ms");
}

#[test]
fn with_look_back_the_caller_hears_less_by_the_hold() {
    let [none, two, four] = [0, 40, 80].map(|ms| {
        let mut setup = setup();
        setup.gateway.guard.hold = Duration::from_millis(ms);
        let (world, heard) = clobbered(setup);
        assert!(world.gateway().counters().faults[&("openai", "g711_as_pcm16")] >= 1);
        assert!(level(&heard[8_000..3 * 8_000]) > 300.0, "speech before it");
        StaticMeter::measure(&heard).total()
    });
    let slack = Duration::from_millis(20);
    assert!(two < none && four <= two, "{none:?} {two:?} {four:?}");
    for (heard, hold) in [(two, 40), (four, 80)] {
        let most = none.saturating_sub(Duration::from_millis(hold)) + slack;
        assert!(heard <= most, "{heard:?} of {none:?} with {hold} ms");
    }
}

#[test]
fn cracks_of_three_milliseconds_are_muted_as_well() {
    let mut setup = setup();
    setup.openai.pacing = Pacing::Bursts;
    let (world, heard) = clobbered(setup);
    let total = StaticMeter::measure(&heard).total();
    assert!(total <= Duration::from_millis(200), "{total:?}");
    assert!(world.gateway().counters().faults[&("openai", "g711_as_pcm16")] >= 1);
}

#[test]
fn a_guard_that_only_observes_lets_it_through_and_tells() {
    let mut setup = setup();
    setup.gateway.guard.action = GuardAction::Observe;
    let (world, heard) = clobbered(setup);
    let total = StaticMeter::measure(&heard).total();
    assert!(total > Duration::from_secs(3), "{total:?}");
    assert!(world.gateway().counters().faults[&("openai", "g711_as_pcm16")] >= 1);
}

#[test]
fn once_the_format_is_right_again_speech_is_heard_again() {
    let (mut world, call) = call_of(setup(), 3);
    world.application_sends(&tools());
    world.run(Duration::from_secs(2));
    world.application_sends(&formats("audio/pcmu"));
    world.run(Duration::from_secs(10));
    let heard = heard(&world, call);
    let after = &heard[7 * 8_000..];
    let likeness = likeness(&assistant_samples(), 8_000, after);
    assert!(likeness > 0.99, "{likeness}");
    world.openai_hangs_up();
    world.run(Duration::from_secs(40));
    let record = &world.records()[0];
    assert!(record.events.iter().any(|event| event.event == "cleared"));
    assert!(record.guard.muted_ms < 4_000, "{}", record.guard.muted_ms);
}

#[test]
fn static_that_lasts_ends_the_call_with_a_reason() {
    let mut setup = setup();
    setup.gateway.guard.on_static = vec![squelch_call::OnStatic::HangUp];
    setup.gateway.guard.hang_up_after = Some(Duration::from_secs(3));
    let (mut world, _) = clobbered(setup);
    world.run(Duration::from_secs(40));
    let record = &world.records()[0];
    assert_eq!((record.result, record.reason), ("failed", "static"));
}

#[test]
fn where_openai_keeps_sips_format_nothing_happens() {
    let mut setup = setup();
    setup.openai.profile = Profile::Current;
    let (world, heard) = clobbered(setup);
    assert_eq!(StaticMeter::measure(&heard).total(), Duration::ZERO);
    assert!(world.gateway().counters().faults.is_empty());
    assert!(level(&heard[5 * 8_000..7 * 8_000]) > 300.0, "speech");
}

#[test]
fn raw_pcm16_in_real_time_is_repaired() {
    let mut setup = setup();
    setup.openai.misreading = SimFault::Pcm16AsG711;
    setup.openai.packing = Packing::RealTime;
    let (world, heard) = clobbered(setup);
    let after = &heard[4 * 8_000..];
    let likeness = likeness(&assistant_samples(), 5 * 8_000, after);
    assert!(likeness > 0.9, "speech as it was said: {likeness}");
    let bridge = world.bridges().next().expect("a call");
    assert!(bridge.guard().repaired > Duration::from_secs(3));
}

#[test]
fn a_sixth_of_raw_pcm16_is_muted() {
    let mut setup = setup();
    setup.openai.misreading = SimFault::Pcm16AsG711;
    setup.openai.packing = Packing::Sixth;
    let (world, heard) = clobbered(setup);
    assert!(
        level(&heard[5 * 8_000..7 * 8_000]) < 100.0,
        "comfort silence"
    );
    let bridge = world.bridges().next().expect("a call");
    assert!(bridge.guard().muted > Duration::from_secs(3));
}

#[test]
fn raw_pcm16_is_only_told_where_the_guard_observes_and_muted_where_it_may_not_repair() {
    for (action, muted) in [(GuardAction::Observe, false), (GuardAction::Mute, true)] {
        let mut setup = setup();
        setup.openai.misreading = SimFault::Pcm16AsG711;
        setup.gateway.guard.action = action;
        let (world, heard) = clobbered(setup);
        let silent = level(&heard[5 * 8_000..7 * 8_000]) < 100.0;
        assert_eq!(silent, muted, "{action:?}");
        assert!(world.gateway().counters().faults[&("openai", "pcm16_as_g711")] >= 1);
        let bridge = world.bridges().next().expect("a call");
        assert_eq!(bridge.guard().repaired, Duration::ZERO);
    }
}
