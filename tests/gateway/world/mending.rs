//! The format is lost in mid-call, and squelch puts it right by a `session.update` of its own.

use super::{assistant_samples, call_of, heard, level, likeness, setup, tools};
use serde_json::json;
use squelch_call::OnStatic;
use squelch_sim::check::StaticMeter;
use squelch_sim::peer::openai::Profile;
use squelch_sim::world::{Setup, World};
use std::time::Duration;

fn mending() -> Setup {
    let mut setup = setup();
    setup.gateway.guard.on_static = vec![OnStatic::Mend, OnStatic::HangUp];
    setup
}

fn events(world: &World) -> Vec<&'static str> {
    world.records()[0]
        .events
        .iter()
        .map(|event| event.event)
        .collect()
}

/// Hangs up; the record is written.
fn over(world: &mut World) {
    world.openai_hangs_up();
    world.run(Duration::from_secs(40));
    assert_eq!(world.records().len(), 1);
}

#[test]
fn an_update_past_squelch_loses_the_format_and_the_caller_hears_speech_again() {
    let (mut world, call) = call_of(mending(), 3);
    assert!(world.application_sends(&tools()));
    world.run(Duration::from_secs(8));
    let heard = heard(&world, call);
    let total = StaticMeter::measure(&heard).total();
    assert!(total <= Duration::from_millis(200), "{total:?}");
    let after = &heard[5 * 8_000..];
    let likeness = likeness(&assistant_samples(), 8_000, after);
    assert!(likeness > 0.99, "{likeness}");
    over(&mut world);
    let record = &world.records()[0];
    assert_eq!(
        (record.result, record.reason),
        ("completed", "openai_hangup")
    );
    assert_eq!(record.guard.session_mended, 1);
    let events = events(&world);
    let order = [
        "sideband_open",
        "format_changed",
        "mending",
        "mend",
        "mended",
    ];
    let at = |name: &str| events.iter().position(|event| *event == name);
    let places: Vec<_> = order.iter().map(|name| at(name)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{events:?}"
    );
    assert_eq!(
        events.iter().filter(|event| **event == "mend").count(),
        1,
        "{events:?}"
    );
}

#[test]
fn without_mend_among_the_steps_nothing_is_said_to_openai() {
    let (mut world, _) = call_of(setup(), 3);
    world.application_sends(&tools());
    world.run(Duration::from_secs(5));
    over(&mut world);
    let events = events(&world);
    assert!(
        events.contains(&"format_changed") && !events.contains(&"mend"),
        "{events:?}"
    );
}

#[test]
fn a_healthy_call_is_let_be() {
    let mut setup = mending();
    setup.openai.profile = Profile::Current;
    let (mut world, call) = call_of(setup, 3);
    world.application_sends(&tools());
    world.run(Duration::from_secs(5));
    assert!(
        level(&heard(&world, call)[5 * 8_000..7 * 8_000]) > 300.0,
        "speech"
    );
    over(&mut world);
    let events = events(&world);
    assert!(
        !events.contains(&"mending") && !events.contains(&"fault"),
        "{events:?}"
    );
}

#[test]
fn a_prompt_that_openai_cant_read_is_told_in_the_record() {
    let mut setup = mending();
    setup.gateway.openai.session = Some(json!({
        "type": "realtime", "model": "gpt-realtime", "prompt": {"id": "pmpt_unreadable"},
    }));
    let (mut world, call) = call_of(setup, 6);
    let heard = heard(&world, call);
    let total = StaticMeter::measure(&heard).total();
    assert!(total <= Duration::from_millis(200), "{total:?}");
    over(&mut world);
    let record = &world.records()[0];
    let invalid = record
        .events
        .iter()
        .find(|event| event.event == "session_invalid");
    let detail = &invalid.expect("the reason is told").detail;
    assert!(detail.contains("prompt"), "{detail}");
}
