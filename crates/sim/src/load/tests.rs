//! Both sides of a load test with each other, under virtual time.

mod rig;

use std::time::Duration;

use super::*;
use crate::impair::Impairment;
use rig::{Rig, callee, caller, speech};
use squelch_media::srtp::Suite;
use squelch_sip::sdp::Direction;

#[test]
fn calls_begin_at_their_rate_play_their_script_and_hear_its_echo() {
    let mut plan = caller(speech(3_000));
    plan.schedule.calls = Some(5);
    let outcomes = Rig::new(plan, callee(Says::Echo)).run();
    assert_eq!(outcomes.len(), 5);
    for (n, outcome) in (0..).zip(&outcomes) {
        assert_eq!(outcome.failure, None);
        assert_eq!(outcome.began, Duration::from_millis(100 * n));
        assert_eq!(outcome.status, Some(200));
        assert_eq!(outcome.talked, Some(Duration::from_secs(3)));
        assert_eq!(outcome.sent, 150);
        let transport = outcome.transport.unwrap();
        // The last is still under way when the call ends.
        assert!(
            transport.received >= 148 && transport.lost == 0,
            "{transport:?}"
        );
        assert_eq!(transport.jitter, Duration::ZERO);
        let media_start = outcome.media_start.unwrap();
        assert!(media_start < Duration::from_millis(40), "{media_start:?}");
    }
}

#[test]
fn no_more_than_so_many_calls_are_there_at_once() {
    let mut plan = caller(speech(1_000));
    plan.schedule.calls = Some(6);
    plan.schedule.rate = 1_000.0;
    plan.concurrent = Some(2);
    let mut rig = Rig::new(plan, callee(Says::Echo));
    let outcomes = rig.run();
    assert_eq!(outcomes.len(), 6);
    assert_eq!(rig.most_at_once, 2);
    assert!(outcomes.iter().all(|outcome| outcome.failure.is_none()));
}

#[test]
fn encrypted_calls_hear_each_other_as_well() {
    let mut plan = caller(speech(1_000));
    plan.suites = vec![Suite::AesCm128HmacSha1_80];
    let outcomes = Rig::new(plan, callee(Says::Echo)).run();
    assert_eq!(outcomes[0].failure, None);
    assert!(outcomes[0].transport.unwrap().received >= 48);
}

#[test]
fn the_same_seed_loses_the_same_packets() {
    let lost = |seed| {
        let mut plan = caller(speech(10_000));
        plan.seed = seed;
        plan.impairment = Some(Impairment {
            loss: 0.1,
            reorder: 0.05,
            ..Impairment::default()
        });
        let outcome = Rig::new(plan, callee(Says::Echo)).run().remove(0);
        let transport = outcome.transport.unwrap();
        assert!((25..80).contains(&transport.lost), "{transport:?}");
        assert!(transport.reordered > 5, "{transport:?}");
        (transport.lost, transport.reordered)
    };
    assert_eq!(lost(1), lost(1));
    assert_ne!(lost(1), lost(2));
}

#[test]
fn a_call_longer_than_its_script_plays_it_again_without_a_seam() {
    let mut plan = caller(speech(1_000));
    plan.talk = Some(Duration::from_secs(5));
    let outcome = Rig::new(plan, callee(Says::Echo)).run().remove(0);
    // One more is due at the very end.
    assert_eq!(outcome.sent, 251);
    let transport = outcome.transport.unwrap();
    assert_eq!((transport.lost, transport.reordered), (0, 0));
    assert_eq!(transport.jitter, Duration::ZERO, "timestamps go on");
}

#[test]
fn holds_of_the_capture_are_offered_again() {
    let mut plan = caller(speech(4_000));
    let turn = |at_s, direction| Turn {
        at: Duration::from_secs(at_s),
        direction,
    };
    plan.parts[0].turns = vec![turn(1, Direction::Inactive), turn(3, Direction::SendRecv)];
    let outcome = Rig::new(plan, callee(Says::Echo)).run().remove(0);
    assert_eq!(outcome.failure, None);
    assert!(
        (95..=105).contains(&outcome.sent),
        "half of 200: {}",
        outcome.sent
    );
}

#[test]
fn each_refusal_is_told_by_its_status() {
    let mut far = callee(Says::Echo);
    far.misbehaviour = Some(AnswerMisbehaviour::Reject(486));
    let outcome = Rig::new(caller(speech(1_000)), far).run().remove(0);
    assert_eq!(outcome.failure, Some(Failure::Refused));
    assert_eq!(outcome.status, Some(486));
    assert_eq!(outcome.sent, 0);
}

#[test]
fn who_rings_for_ever_is_cancelled() {
    let mut far = callee(Says::Echo);
    far.misbehaviour = Some(AnswerMisbehaviour::NoAnswer);
    let mut plan = caller(speech(1_000));
    plan.ring = Duration::from_secs(5);
    let outcome = Rig::new(plan, far).run().remove(0);
    assert_eq!(outcome.failure, Some(Failure::NoAnswer));
    assert_eq!(outcome.status, Some(487));
    assert!(outcome.ended < Duration::from_secs(6));
}

#[test]
fn an_answer_that_is_nonsense_fails_the_call_and_hangs_it_up() {
    let mut far = callee(Says::Echo);
    far.misbehaviour = Some(AnswerMisbehaviour::BadAnswer);
    let mut rig = Rig::new(caller(speech(1_000)), far);
    let outcome = rig.run().remove(0);
    assert_eq!(outcome.failure, Some(Failure::BadAnswer));
    assert_eq!(rig.far_outcomes.len(), 1, "the far end was told BYE");
}

#[test]
fn silence_where_audio_is_due_is_a_failure() {
    let outcome = Rig::new(caller(speech(1_000)), callee(Says::Nothing))
        .run()
        .remove(0);
    assert_eq!(outcome.failure, Some(Failure::NoMedia));
    let mut plan = caller(speech(1_000));
    plan.back = Return::Nothing;
    let outcome = Rig::new(plan, callee(Says::Nothing)).run().remove(0);
    assert_eq!(outcome.failure, None);
}

#[test]
fn a_far_end_that_hangs_up_early_is_told() {
    let mut far = callee(Says::Echo);
    far.talk = Some(Duration::from_millis(700));
    let outcome = Rig::new(caller(speech(3_000)), far).run().remove(0);
    assert_eq!(outcome.failure, Some(Failure::EndedEarly));
    assert!(outcome.talked.unwrap() < Duration::from_secs(1));
}

#[test]
fn each_misbehaviour_of_ours_is_seen_by_the_far_end() {
    let run = |misbehaviour| {
        let mut plan = caller(speech(2_000));
        plan.misbehaviour = Some(misbehaviour);
        let mut far = callee(Says::Echo);
        far.ring = Duration::from_millis(500);
        let mut rig = Rig::new(plan, far);
        let ours = rig.run().remove(0);
        (ours, rig)
    };
    let (ours, rig) = run(Misbehaviour::Abandon);
    assert_eq!((ours.failure, ours.status), (None, Some(487)));
    assert_eq!(rig.far_outcomes[0].status, Some(487));

    let (ours, rig) = run(Misbehaviour::NoAck);
    assert_eq!(ours.failure, None);
    assert_eq!(rig.far_outcomes[0].failure, Some(Failure::Protocol));

    let (ours, rig) = run(Misbehaviour::NoBye);
    assert_eq!(ours.failure, None);
    assert!(rig.far_outcomes.is_empty(), "nobody told it");

    let (ours, rig) = run(Misbehaviour::ReinviteStorm);
    assert_eq!(ours.failure, None);
    assert!(rig.reinvites > 20, "{}", rig.reinvites);
}

#[test]
fn a_run_that_is_stopped_hangs_up_and_begins_nothing() {
    let mut plan = caller(speech(60_000));
    plan.schedule.calls = Some(100);
    let mut rig = Rig::new(plan, callee(Says::Echo));
    rig.run_until(Duration::from_millis(950));
    rig.stop();
    let outcomes = rig.run();
    assert_eq!(outcomes.len(), 10);
    assert!(outcomes.iter().all(|outcome| outcome.failure.is_none()));
    assert_eq!(rig.far_outcomes.len(), 10, "each was told");
}

#[test]
fn nobody_there_is_no_response() {
    let mut rig = Rig::new(caller(speech(1_000)), callee(Says::Echo));
    rig.dark = true;
    let outcome = rig.run().remove(0);
    assert_eq!(outcome.failure, Some(Failure::NoResponse));
    assert_eq!(outcome.status, None);
}
