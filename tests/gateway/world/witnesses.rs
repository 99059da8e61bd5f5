//! What OpenAI says of a call, against what other calls said and what is heard.

use super::setup;
use squelch::demo::voices;
use squelch_sim::peer::openai::Speech;
use squelch_sim::world::World;
use std::time::{Duration, Instant};

/// The events of the record written last.
fn events(world: &World) -> Vec<(&'static str, String)> {
    let record = world.records().last().expect("a record");
    let events = record.events.iter();
    events
        .map(|event| (event.event, event.detail.clone()))
        .collect()
}

fn over(world: &mut World) {
    world.openai_hangs_up();
    world.run(Duration::from_secs(40));
}

#[test]
fn an_answer_that_openai_plays_and_nobody_hears_is_told() {
    let mut setup = setup();
    // Eight seconds of it are silence, and OpenAI says that it plays them.
    setup.openai.speech = Speech::from_8k(vec![0; 8 * 8_000]);
    let mut world = World::new(Instant::now(), setup);
    world.call(World::plan(voices::caller()));
    world.run(Duration::from_secs(8));
    assert_eq!(world.gateway().counters().disagreements["playback"], 1);
    over(&mut world);
    let events = events(&world);
    let told = events
        .iter()
        .find(|(event, _)| *event == "playback_disagrees");
    let (_, detail) = told.expect("told in the record");
    assert!(detail.contains("nothing of it was heard"), "{detail}");
}

#[test]
fn an_answer_that_is_heard_is_no_disagreement() {
    let mut world = World::new(Instant::now(), setup());
    world.call(World::plan(voices::caller()));
    world.run(Duration::from_secs(25));
    let counted = &world.gateway().counters().disagreements;
    assert!(counted.is_empty(), "{counted:?}");
}
