//! A carrier that speaks something else than OpenAI: speech gets through all the same, and so do loss and jitter.

use super::{assistant_samples, caller_samples, heard, likeness, setup, voices};
use squelch_media::{Format, SampleRate};
use squelch_sim::check::static_time;
use squelch_sim::peer::carrier::CallKey;
use squelch_sim::world::{Setup, World};
use std::time::{Duration, Instant};

/// Where both voices speak: loud, and not at the beginning.
const SPOKEN: usize = 8_000;

fn linear(mut setup: Setup) -> (World, CallKey) {
    setup.gateway.trunks[0].formats = vec![Format::L16(SampleRate::Hz8000)];
    let mut world = World::new(Instant::now(), setup);
    let mut plan = World::plan(voices::caller());
    plan.linear = true;
    plan.hang_up_after = Some(Duration::from_secs(4));
    let call = world.call(plan);
    (world, call)
}

#[test]
fn speech_gets_through_both_ways_between_l16_and_mu_law() {
    let (mut world, call) = linear(setup());
    world.run(Duration::from_secs(3));
    let openai = world.heard_by_openai().expect("a call").samples();
    world.run(Duration::from_secs(40));
    let caller = heard(&world, call);
    let to_caller = likeness(&assistant_samples(), SPOKEN, &caller);
    let to_openai = likeness(&caller_samples(), SPOKEN, &openai);
    assert!(to_caller > 0.99, "OpenAI to caller: {to_caller}");
    assert!(to_openai > 0.99, "caller to OpenAI: {to_openai}");
    assert_eq!(static_time(&caller), Duration::ZERO);
    let heard = world.heard_by_carrier(call).expect("a call").packets();
    assert!(
        heard.iter().all(|one| one.payload.len() == 320),
        "L16 in packets of 20 ms"
    );
    let [record] = world.records() else {
        panic!("{:?}", world.records());
    };
    assert_eq!(
        (record.legs.carrier.format, record.legs.openai.format),
        (Some("l16/8000"), Some("pcmu"))
    );
    assert!(record.guard.faults.is_empty(), "{:?}", record.guard.faults);
    let told = record
        .events
        .iter()
        .find(|one| one.event == "media_mismatch");
    assert_eq!(told, None);
    assert!(world.gateway().is_idle(), "something was left behind");
}
