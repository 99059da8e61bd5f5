//! The caller asks, and the model says nothing.

use super::{caller_samples, setup};
use squelch_sim::peer::carrier::Script;
use squelch_sim::peer::openai::Speech;
use squelch_sim::sound::Law;
use squelch_sim::world::World;
use std::time::{Duration, Instant};

#[test]
fn a_question_without_an_answer_is_told_and_ends_no_call() {
    let mut setup = setup();
    setup.openai.speech = Speech::from_8k(vec![0; 8_000]);
    let mut world = World::new(Instant::now(), setup);
    let mut asks = caller_samples();
    asks.resize(asks.len() + 30 * 8_000, 0);
    world.call(World::plan(Script::from_samples(&asks, Law::Mu)));
    world.run(Duration::from_secs(35));
    assert_eq!(
        world.gateway().counters().faults[&("openai", "dead_air")],
        1
    );
    world.openai_hangs_up();
    world.run(Duration::from_secs(40));
    let record = &world.records()[0];
    assert_eq!(record.guard.faults, ["dead_air"]);
    assert_eq!((record.result, record.guard.muted_ms), ("completed", 0));
    let told = record.events.iter().find(|event| event.event == "fault");
    let told = told.expect("a fault");
    assert!(
        told.detail
            .contains("dead_air (silence) from the openai leg"),
        "{told:?}"
    );
}
