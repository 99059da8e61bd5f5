//! OpenAI's leg is placed anew under the caller: where no update of the session cures its static, and where its
//! session comes to its hour.

use super::{CallKey, Duration, World, assistant_samples, caller_samples, heard, likeness, setup};
use squelch_call::{AtExpiry, OnStatic};
use squelch_sim::check::StaticMeter;
use squelch_sim::peer::openai::{ScheduledFault, SimFault, State};
use squelch_sim::world::Setup;
use std::time::Instant;

/// A world whose first `calls` calls at OpenAI turn to static after three seconds, whatever is said to them.
fn incurable(calls: u64) -> Setup {
    let mut setup = setup();
    setup.gateway.guard.on_static = vec![OnStatic::Mend, OnStatic::Redial, OnStatic::HangUp];
    setup.gateway.guard.hang_up_after = Some(Duration::from_secs(10));
    setup.openai.is_incurable = true;
    setup.openai.faulty_calls = calls;
    setup.openai.faults = vec![ScheduledFault {
        fault: SimFault::G711AsPcm16,
        at: Duration::from_secs(3),
    }];
    setup
}

fn called(setup: Setup, seconds: u64) -> (World, CallKey) {
    super::call_of(setup, seconds)
}

fn event_names(world: &World) -> Vec<&'static str> {
    let record = &world.records()[0];
    record.events.iter().map(|event| event.event).collect()
}

/// When an event came first, in milliseconds of the call.
fn at(world: &World, name: &str) -> u64 {
    let record = &world.records()[0];
    let found = record.events.iter().find(|event| event.event == name);
    found
        .unwrap_or_else(|| panic!("no {name}: {:?}", record.events))
        .at_ms
}

fn over(world: &mut World, call: CallKey) {
    world.carrier_hangs_up(call);
    world.run(Duration::from_secs(40));
    assert_eq!(world.records().len(), 1);
    assert!(world.gateway().is_idle());
}

#[test]
fn where_no_update_helps_a_fresh_leg_does_and_the_caller_stays_on_the_line() {
    let (mut world, call) = called(incurable(1), 20);
    let caller = heard(&world, call);
    let total = StaticMeter::measure(&caller).total();
    assert!(total <= Duration::from_millis(200), "static: {total:?}");
    let alike = likeness(&assistant_samples(), 8_000, &caller[12 * 8_000..]);
    assert!(alike > 0.99, "speech of the fresh leg: {alike}");
    let states: Vec<_> = world.openai().calls().map(|call| call.state).collect();
    assert_eq!(
        states,
        [State::Over, State::Answered],
        "the old leg is over"
    );
    let fresh = world.openai().calls().nth(1).expect("a second call").key;
    let told = world.openai().heard(fresh).expect("heard").samples();
    let alike = likeness(&caller_samples(), 8_000, &told);
    assert!(alike > 0.99, "the fresh leg hears the caller: {alike}");

    over(&mut world, call);
    let record = &world.records()[0];
    assert_eq!(
        (record.result, record.reason),
        ("completed", "carrier_hangup")
    );
    assert_eq!(record.openai_call_ids.len(), 2, "both of OpenAI's names");
    let steps = [
        "fault",
        "mending",
        "mend",
        "mend_failed",
        "redial",
        "redialled",
    ];
    let times: Vec<_> = steps.iter().map(|step| at(&world, step)).collect();
    assert!(times.is_sorted(), "{times:?}");
    let gap = at(&world, "redialled") - at(&world, "redial");
    assert!(gap < 1_000, "{gap} ms without a leg");
}

#[test]
fn the_carrier_s_stream_has_no_gap_while_the_leg_is_placed_anew() {
    let (world, call) = called(incurable(1), 20);
    let recording = world.heard_by_carrier(call).expect("a call");
    // One SSRC whose numbers and times go on; a packet of ours or of OpenAI's each 20 ms, but for a network's delay.
    let packets = recording.packets();
    for (before, after) in packets.iter().zip(&packets[1..]) {
        assert_eq!(after.header.ssrc, before.header.ssrc);
        assert_eq!(
            after.header.sequence,
            before.header.sequence.wrapping_add(1)
        );
        let pause = after.at - before.at;
        assert!(
            pause <= Duration::from_millis(60),
            "{pause:?} at {:?}",
            before.at
        );
    }
}

#[test]
fn static_on_the_fresh_leg_too_ends_the_call_with_a_reason() {
    let (mut world, call) = called(incurable(u64::MAX), 60);
    assert_eq!(world.records().len(), 1, "it ended by itself");
    let record = &world.records()[0];
    assert_eq!((record.result, record.reason), ("failed", "static"));
    let names = event_names(&world);
    let redials = names.iter().filter(|name| **name == "redial").count();
    assert_eq!(redials, 1, "{names:?}");
    let total = StaticMeter::measure(&heard(&world, call)).total();
    assert!(total <= Duration::from_millis(400), "{total:?}");
    world.run(Duration::from_secs(40));
    assert!(world.gateway().is_idle());
}

#[test]
fn without_redial_among_the_steps_no_second_leg_is_placed() {
    let mut setup = incurable(1);
    setup.gateway.guard.on_static = vec![OnStatic::Mend, OnStatic::HangUp];
    let (world, _) = called(setup, 40);
    assert_eq!(world.openai().calls().count(), 1);
    assert_eq!(world.records()[0].reason, "static");
}

#[test]
fn a_caller_who_hangs_up_in_the_midst_of_it_leaves_nothing_behind() {
    let (mut world, call) = called(incurable(1), 4);
    let mut redialling = false;
    for _ in 0..2_000 {
        world.run(Duration::from_millis(5));
        redialling = world.openai().calls().count() == 2;
        if redialling {
            break;
        }
    }
    assert!(redialling, "a second call is on its way");
    over(&mut world, call);
    assert_eq!(world.records()[0].reason, "carrier_hangup");
    assert!(world.openai().calls().all(|call| call.state == State::Over));
}

/// A session of seven minutes, so that a test sees it end.
fn expiring(at_expiry: AtExpiry) -> Setup {
    let mut setup = setup();
    setup.gateway.openai.at_expiry = at_expiry;
    setup.openai.session_length = Duration::from_secs(420);
    setup
}

/// As `called`, of a caller who only listens.
fn listening(setup: Setup, seconds: u64) -> (World, CallKey) {
    let mut world = World::new(Instant::now(), setup);
    let call = world.call(World::plan(super::silence()));
    world.run(Duration::from_secs(seconds));
    (world, call)
}

#[test]
fn a_session_that_expires_is_followed_by_another_one_before() {
    let (mut world, call) = listening(expiring(AtExpiry::Redial), 440);
    let caller = heard(&world, call);
    let alike = likeness(
        &assistant_samples(),
        8_000,
        &caller[425 * 8_000..439 * 8_000],
    );
    assert!(alike > 0.99, "{alike}");
    over(&mut world, call);
    let record = &world.records()[0];
    assert_eq!(
        (record.result, record.reason),
        ("completed", "carrier_hangup")
    );
    assert_eq!(record.openai_call_ids.len(), 2);
    let (warned, redial) = (at(&world, "session_expires"), at(&world, "redial"));
    assert!((115_000..=125_000).contains(&warned), "{warned}");
    assert!((355_000..=365_000).contains(&redial), "{redial}");
}

#[test]
fn a_session_that_expires_ends_the_call_where_that_is_asked_for() {
    let (mut world, _) = listening(expiring(AtExpiry::End), 365);
    world.run(Duration::from_secs(40));
    let record = &world.records()[0];
    assert_eq!(
        (record.result, record.reason),
        ("completed", "openai_expiry")
    );
}

#[test]
fn a_session_that_expires_is_openai_s_to_end_where_squelch_only_warns() {
    let (mut world, _) = listening(expiring(AtExpiry::Warn), 415);
    assert!(world.records().is_empty());
    world.run(Duration::from_secs(60));
    assert_eq!(world.records()[0].reason, "openai_hangup");
    assert!(event_names(&world).contains(&"session_expires"));
}

#[test]
fn sessions_that_are_said_to_expire_at_once_do_not_make_squelch_dial_for_ever() {
    let mut setup = expiring(AtExpiry::Redial);
    setup.openai.session_length = Duration::from_secs(30);
    let mut world = World::new(Instant::now(), setup);
    world.call(World::plan(squelch::demo::voices::caller()));
    world.run(Duration::from_secs(120));
    assert!(world.openai().calls().count() <= 2);
    assert!(
        world.gateway().is_idle(),
        "OpenAI ended the call, and nothing is left"
    );
}
