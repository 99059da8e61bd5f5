//! Bad networks: speech is no static, and static stays static.

use super::{call_of, heard, setup, tools};
use squelch_media::Side;
use squelch_sim::check::StaticMeter;
use squelch_sim::impair::Impairment;
use std::time::Duration;

const BAD: Impairment = Impairment {
    loss: 0.05,
    duplicate: 0.02,
    delay: Duration::from_millis(20),
    // More than a packet's time: packets overtake one another.
    jitter: Duration::from_millis(30),
    reorder: 0.0,
};

#[test]
fn speech_over_a_bad_network_is_no_fault() {
    let (mut world, _) = call_of(setup(), 0);
    for side in Side::ALL {
        world.impair(side, BAD);
    }
    world.run(Duration::from_secs(60));
    assert!(world.gateway().counters().faults.is_empty());
    let stats = world.bridges().next().expect("a call").stats();
    for leg in [stats.carrier, stats.openai] {
        let lost = leg.lost as f64 / leg.expected as f64;
        assert!((0.02..0.08).contains(&lost), "{lost} lost");
        assert!(leg.reordered > 0 && leg.duplicates > 0);
        assert!(leg.mos < 4.3, "{}", leg.mos);
    }
}

#[test]
fn static_over_a_bad_network_is_found_all_the_same() {
    let (mut world, call) = call_of(setup(), 3);
    world.impair(Side::Openai, BAD);
    world.application_sends(&tools());
    world.run(Duration::from_secs(5));
    assert!(world.gateway().counters().faults[&("openai", "g711_as_pcm16")] >= 1);
    let total = StaticMeter::measure(&heard(&world, call)).total();
    assert!(total <= Duration::from_millis(300), "{total:?}");
}

#[test]
fn a_leg_that_falls_silent_ends_the_call() {
    let (mut world, _) = call_of(setup(), 2);
    world.impair(Side::Openai, Impairment::loss(1.0));
    world.run(Duration::from_secs(70));
    assert_eq!(world.records()[0].reason, "media_timeout");
}
