//! Speech gets through, both ways, and everybody goes home.

use super::{assistant_samples, call_of, caller_samples, heard, likeness, setup, voices};
use squelch_sim::check::static_time;
use squelch_sim::peer::carrier::State;
use squelch_sim::peer::openai;
use squelch_sim::sound::Law;
use squelch_sim::world::World;
use std::time::{Duration, Instant};

/// Where both voices speak: loud, and not at the beginning.
const SPOKEN: usize = 8_000;

fn speech_gets_through(laws: Vec<Law>) {
    let mut world = World::new(Instant::now(), setup());
    let mut plan = World::plan(voices::caller());
    plan.laws = laws;
    plan.hang_up_after = Some(Duration::from_secs(4));
    let call = world.call(plan);
    world.run(Duration::from_secs(3));
    let openai = world.heard_by_openai().expect("a call").samples();
    world.run(Duration::from_secs(40));
    let caller = heard(&world, call);
    let to_caller = likeness(&assistant_samples(), SPOKEN, &caller);
    let to_openai = likeness(&caller_samples(), SPOKEN, &openai);
    assert!(to_caller > 0.99, "OpenAI to caller: {to_caller}");
    assert!(to_openai > 0.99, "caller to OpenAI: {to_openai}");
    assert_eq!(static_time(&caller), Duration::ZERO);
    assert_eq!(world.carrier_state(call), Some(State::Over));
    let [record] = world.records() else {
        panic!("{:?}", world.records());
    };
    assert_eq!(
        (record.result, record.reason),
        ("completed", "carrier_hangup")
    );
    assert!(record.guard.faults.is_empty(), "{:?}", record.guard.faults);
    assert!(record.legs.carrier.packets > 190 && record.legs.openai.packets > 190);
    assert!(world.gateway().is_idle(), "something was left behind");
}

#[test]
fn speech_gets_through_both_ways_in_mu_law() {
    speech_gets_through(vec![Law::Mu]);
}

#[test]
fn speech_gets_through_both_ways_in_a_law() {
    speech_gets_through(vec![Law::A]);
}

#[test]
fn speech_gets_through_where_openai_takes_another_law_than_the_carrier() {
    let mut setup = setup();
    setup.openai.laws = vec![Law::Mu];
    let mut world = World::new(Instant::now(), setup);
    let mut plan = World::plan(voices::caller());
    plan.laws = vec![Law::A];
    let call = world.call(plan);
    world.run(Duration::from_secs(4));
    let to_caller = likeness(&assistant_samples(), SPOKEN, &heard(&world, call));
    let openai = world.heard_by_openai().expect("a call").samples();
    let to_openai = likeness(&caller_samples(), SPOKEN, &openai);
    assert!(
        to_caller > 0.99 && to_openai > 0.99,
        "{to_caller} {to_openai}"
    );
    let first = |recording: &squelch_sim::peer::recording::Recording| {
        recording
            .packets()
            .last()
            .expect("packets")
            .header
            .payload_type
    };
    assert_eq!(first(world.heard_by_carrier(call).expect("a call")), 8);
    assert_eq!(first(world.heard_by_openai().expect("a call")), 0);
}

#[test]
fn openai_hangs_up() {
    let (mut world, call) = call_of(setup(), 2);
    world.openai_hangs_up();
    world.run(Duration::from_secs(40));
    assert_eq!(world.carrier_state(call), Some(State::Over));
    assert_eq!(world.records()[0].reason, "openai_hangup");
    assert!(
        world
            .openai()
            .calls()
            .all(|call| call.state == openai::State::Over)
    );
}

#[test]
fn a_caller_that_gives_up_before_the_answer_costs_nothing() {
    let mut setup = setup();
    // Nobody accepts the call.
    setup.gateway.openai.session = None;
    let mut world = World::new(Instant::now(), setup);
    let mut plan = World::plan(voices::caller());
    plan.cancel_after = Some(Duration::from_secs(2));
    let call = world.call(plan);
    world.run(Duration::from_secs(60));
    assert_eq!(world.carrier_state(call), Some(State::Over));
    assert_eq!(world.records()[0].reason, "cancelled");
    assert!(
        world
            .openai()
            .calls()
            .all(|call| call.state == openai::State::Over)
    );
    assert!(world.gateway().is_idle());
}

#[test]
fn three_minutes_pass_without_a_fault_and_the_same_seed_gives_the_same_trace() {
    let traces: Vec<u64> = (0..2)
        .map(|_| {
            let (world, _) = call_of(setup(), 180);
            let bridge = world.bridges().next().expect("a call that is up");
            assert_eq!(bridge.stats().openai.lost, 0);
            assert!(bridge.stats().openai.packets > 8_990);
            world.trace()
        })
        .collect();
    assert_eq!(traces[0], traces[1]);
    let mut other = setup();
    other.seed = [8; 32];
    let (world, _) = call_of(other, 180);
    assert_ne!(world.trace(), traces[0]);
}

#[test]
fn a_stop_ends_the_call_after_the_time_given() {
    let mut setup = setup();
    setup.gateway.limits.drain = Duration::from_secs(5);
    let (mut world, call) = call_of(setup, 2);
    world.drain();
    world.run(Duration::from_secs(4));
    assert_eq!(world.carrier_state(call), Some(State::Up), "it may go on");
    let second = world.call(World::plan(voices::caller()));
    world.run(Duration::from_secs(6));
    assert!(world.is_drained());
    assert_eq!(world.carrier_state(call), Some(State::Over));
    assert_eq!(world.carrier_state(second), Some(State::Over));
    let mut reasons: Vec<_> = world.records().iter().map(|r| r.reason).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["drained", "draining"]);
}

#[test]
fn the_callers_keys_arrive() {
    let script = squelch_pcap::Reader::new(&include_bytes!("../../../pcap-samples/dtmf.pcap")[..]);
    let packets: Vec<_> = script.expect("a capture").map_while(Result::ok).collect();
    let with_keys = packets
        .iter()
        .find(|p| p.payload.len() == 16 && p.payload[0] == 0x80 && p.payload[1] & 0x7F == 101);
    let ssrc = &with_keys.expect("keys").payload[8..12];
    let ssrc = u32::from_be_bytes(ssrc.try_into().expect("four"));
    let choice = squelch_pcap::replay::Choice::Ssrc(ssrc);
    let schedule = squelch_pcap::replay::schedule(packets, choice).expect("a stream");
    let script = squelch_sim::peer::carrier::Script::from_capture(&schedule);
    let length = script.duration();
    let mut world = World::new(Instant::now(), setup());
    world.call(World::plan(script));
    world.run(length + Duration::from_secs(1));
    let heard = world.heard_by_openai().expect("a call").packets().to_vec();
    let mut keys: Vec<u8> = heard
        .iter()
        .filter(|packet| packet.header.payload_type == 101 && packet.payload[1] & 0x80 != 0)
        .map(|packet| packet.payload[0])
        .collect();
    keys.dedup();
    assert_eq!(keys, [1, 5, 9, 11], "1, 5, 9, # (RFC 4733 table 3)");
}

#[test]
fn a_call_is_listed_for_as_long_as_it_lasts() {
    let (mut world, _) = call_of(setup(), 3);
    let listed: Vec<_> = world.gateway().calls().collect();
    let [call] = &listed[..] else {
        panic!("{listed:?}");
    };
    assert_eq!((call.state, call.trunk.as_str()), ("up", "carrier"));
    assert_eq!(call.from, "+1555***4567");
    assert!(call.answered_at.is_some() && call.faults.is_empty());
    assert!(call.openai.packets > 90, "{}", call.openai.packets);
    world.openai_hangs_up();
    world.run(Duration::from_secs(40));
    assert_eq!(world.gateway().calls().count(), 0);
}
