//! Calls whose media are encrypted, on one leg or both.

use super::{assistant_samples, caller_samples, heard, likeness, setup, voices};
use squelch_call::{CallRecord, Srtp};
use squelch_media::{DropReason, Side};
use squelch_sim::peer::Suite;
use squelch_sim::peer::carrier::{CallKey, CallPlan, State};
use squelch_sim::peer::openai::Security;
use squelch_sim::world::{Setup, World};
use std::time::{Duration, Instant};

/// Where both voices speak.
const SPOKEN: usize = 8_000;

/// A world over TLS with these terms.
fn terms(carrier: Srtp, openai: Srtp) -> Setup {
    let mut setup = setup().over_tls();
    setup.gateway.trunks[0].srtp = carrier;
    setup.gateway.openai.srtp = openai;
    setup
}

/// A carrier that offers these suites.
fn offering(suites: &[Suite]) -> CallPlan {
    let mut plan = World::plan_over_tls(voices::caller());
    plan.srtp = suites.to_vec();
    plan
}

fn placed(setup: Setup, plan: CallPlan, seconds: u64) -> (World, CallKey) {
    let mut world = World::new(Instant::now(), setup);
    let call = world.call(plan);
    world.run(Duration::from_secs(seconds));
    (world, call)
}

fn speech_got_through(world: &World, call: CallKey) {
    let to_caller = likeness(&assistant_samples(), SPOKEN, &heard(world, call));
    let openai = world.heard_by_openai().expect("a call").samples();
    let to_openai = likeness(&caller_samples(), SPOKEN, &openai);
    assert!(to_caller > 0.99, "OpenAI to caller: {to_caller}");
    assert!(to_openai > 0.99, "caller to OpenAI: {to_openai}");
}

fn dropped(world: &World, side: Side, reason: DropReason) -> u64 {
    let bridge = world.bridges().next().expect("a call");
    bridge.leg(side).dropped.get(reason)
}

/// The carrier hangs up; what is written of the call.
fn over(mut world: World, call: CallKey) -> CallRecord {
    world.carrier_hangs_up(call);
    // Connections stay a while for the next call.
    world.run(Duration::from_secs(600));
    assert!(world.gateway().is_idle(), "something was left behind");
    world.records().last().expect("a record").clone()
}

#[test]
fn a_plain_carrier_talks_to_openai_over_srtp() {
    let (world, call) = placed(
        terms(Srtp::Prefer, Srtp::Prefer),
        World::plan(voices::caller()),
        4,
    );
    speech_got_through(&world, call);
    let record = over(world, call);
    assert_eq!(
        (record.legs.carrier.srtp, record.legs.openai.srtp),
        (false, true)
    );
}

#[test]
fn both_legs_are_encrypted_with_each_suite_of_the_carriers() {
    for suite in Suite::ALL {
        let (world, call) = placed(terms(Srtp::Require, Srtp::Require), offering(&[suite]), 4);
        speech_got_through(&world, call);
        let record = over(world, call);
        assert_eq!(
            (record.legs.carrier.srtp, record.legs.openai.srtp),
            (true, true),
            "{suite:?}"
        );
        assert!(record.guard.faults.is_empty(), "{:?}", record.guard);
    }
}

#[test]
fn an_encrypted_carrier_is_heard_by_an_openai_that_takes_plain_rtp_alone() {
    let mut setup = terms(Srtp::Prefer, Srtp::Prefer);
    setup.openai.srtp = Security::Off;
    let (world, call) = placed(setup, offering(&Suite::ALL), 4);
    speech_got_through(&world, call);
    let record = over(world, call);
    assert_eq!(
        (record.legs.carrier.srtp, record.legs.openai.srtp),
        (true, false)
    );
    let noted = record
        .events
        .iter()
        .any(|event| event.event == "without_srtp");
    assert!(noted, "{:?}", record.events);
}

#[test]
fn plain_rtp_is_refused_where_srtp_is_required() {
    let (mut world, call) = placed(terms(Srtp::Require, Srtp::Prefer), offering(&[]), 2);
    assert_eq!(world.carrier_state(call), Some(State::Over));
    world.run(Duration::from_secs(600));
    let [record] = world.records() else {
        panic!("{:?}", world.records());
    };
    assert_eq!((record.result, record.reason), ("rejected", "srtp"));
    assert!(world.heard_by_openai().is_none(), "OpenAI was not called");
}

#[test]
fn an_openai_without_srtp_is_not_called_where_it_is_required() {
    let mut setup = terms(Srtp::Prefer, Srtp::Require);
    setup.openai.srtp = Security::Off;
    let (mut world, call) = placed(setup, offering(&[]), 2);
    assert_eq!(world.carrier_state(call), Some(State::Over));
    world.run(Duration::from_secs(600));
    assert_eq!(world.records()[0].reason, "openai_not_acceptable");
}

#[test]
fn a_new_key_in_the_midst_of_a_call_is_not_heard() {
    for suite in [Suite::AesCm128HmacSha1_80, Suite::AeadAes256Gcm] {
        let (mut world, call) = placed(terms(Srtp::Require, Srtp::Prefer), offering(&[suite]), 2);
        let before = world.heard_by_openai().expect("a call").packets().len();
        world.carrier_rekeys(call);
        world.run(Duration::from_secs(2));
        speech_got_through(&world, call);
        let after = world.heard_by_openai().expect("a call").packets().len();
        assert!(after - before >= 98, "{}", after - before);
        assert_eq!(
            dropped(&world, Side::Carrier, DropReason::Authentication),
            0
        );
        assert_eq!(world.not_authentic(call), 0);
        let record = over(world, call);
        let rekeyed = record.events.iter();
        let rekeyed = rekeyed.filter(|event| event.detail.ends_with("new keys"));
        assert_eq!(rekeyed.count(), 1, "{:?}", record.events);
        assert_eq!(record.legs.carrier.lost, 0);
    }
}

#[test]
fn a_peer_with_the_wrong_key_is_not_heard_and_counted() {
    for suite in [Suite::AesCm128HmacSha1_80, Suite::AeadAes128Gcm] {
        let mut plan = offering(&[suite]);
        plan.wrong_key = true;
        let (world, call) = placed(terms(Srtp::Prefer, Srtp::Prefer), plan, 3);
        let openai = world.heard_by_openai().expect("a call");
        let spoken = openai.samples().iter().any(|sample| sample.abs() > 100);
        assert!(!spoken, "OpenAI heard something");
        assert!(!openai.packets().is_empty(), "it gets silence");
        let refused = dropped(&world, Side::Carrier, DropReason::Authentication);
        assert!(refused > 140, "{refused}");
        assert_eq!(over(world, call).legs.carrier.packets, 0);
    }
}

#[test]
fn the_sequence_numbers_of_both_peers_wrap_unheard() {
    let mut setup = terms(Srtp::Require, Srtp::Require);
    setup.openai.first_sequence = Some(65_460);
    let mut plan = offering(&[Suite::AesCm128HmacSha1_80]);
    plan.first_sequence = Some(65_470);
    let (world, call) = placed(setup, plan, 6);
    speech_got_through(&world, call);
    for side in Side::ALL {
        let leg = world.bridges().next().expect("a call").leg(side);
        assert_eq!((leg.lost, leg.dropped.total()), (0, 0), "{side:?}");
        assert!(leg.packets > 280);
    }
}

#[test]
fn the_same_seed_gives_the_same_keys() {
    let trace = || {
        let (world, _) = placed(terms(Srtp::Prefer, Srtp::Prefer), offering(&Suite::ALL), 2);
        world.trace()
    };
    assert_eq!(trace(), trace());
}
