//! The signalling of a redial: what either peer may do while OpenAI's leg is placed anew.

use crate::failures::found;
use crate::pair::{ANSWER, OFFER, Pair, config};
use squelch_call::{Input, OnStatic};
use squelch_media::{Direction, MediaEvent, Side};
use squelch_sip::{Body, DialogId, Event, Rejection};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);

/// A call whose audio has just turned to static, with a second INVITE at OpenAI; the carrier's dialog, and OpenAI's
/// first one.
fn redialling() -> (Pair, DialogId, DialogId) {
    let mut config = config();
    config.guard.on_static = vec![OnStatic::Redial, OnStatic::HangUp];
    config.guard.hang_up_after = Some(Duration::from_secs(10));
    let (mut pair, dialog) = Pair::established(config);
    let first = pair.openai_dialog();
    pair.openai_events.clear();
    let call = pair.live[0];
    let event = MediaEvent::Fault {
        side: Side::Openai,
        finding: found(),
    };
    pair.input(Input::Media { call, event });
    pair.run(SHORT);
    assert_ne!(pair.openai_dialog(), first, "another INVITE");
    (pair, dialog, first)
}

fn hung_up(events: &[Event], dialog: DialogId) -> bool {
    let is_bye =
        |event: &Event| matches!(event, Event::Bye { dialog: ended, .. } if *ended == dialog);
    events.iter().any(is_bye)
}

#[test]
fn the_old_leg_is_told_why_and_the_carrier_s_stays_as_it_was() {
    let (mut pair, dialog, first) = redialling();
    let said = pair.openai_events.iter().find_map(|event| match event {
        Event::Bye { dialog, reason } if *dialog == first => reason.clone(),
        _ => None,
    });
    let said = said.expect("a BYE with its reason");
    assert_eq!(said.text.as_deref(), Some("static"));
    let meanwhile = pair.updates.last().expect("the media are told");
    assert_eq!(meanwhile.openai.direction, Direction::Inactive);
    pair.openai_answers(&ANSWER.replace("40000", "40002"));
    let plan = pair.updates.last().expect("the media are told again");
    assert_eq!(plan.openai.direction, Direction::SendRecv);
    assert_eq!((plan.openai.dialog, plan.carrier.dialog), (1, 0));
    assert_eq!(plan.carrier, pair.plans[0].carrier);
    assert_ne!(plan.openai.ssrc, pair.plans[0].openai.ssrc);
    assert!(!hung_up(&pair.carrier_events, dialog));
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
}

#[test]
fn a_carrier_may_hold_meanwhile_and_is_on_hold_afterwards() {
    let (mut pair, dialog, _) = redialling();
    let offer = Body::sdp(format!("{OFFER}a=sendonly\r\n"));
    assert!(pair.carrier.reinvite(pair.now, dialog, offer));
    pair.run(SHORT);
    let answered = |event: &Event| matches!(event, Event::Reinvited { .. });
    assert!(
        pair.carrier_events.iter().any(answered),
        "{:?}",
        pair.carrier_events
    );
    pair.openai_answers(ANSWER);
    let plan = pair.updates.last().expect("the media are told");
    assert_eq!(plan.carrier.direction, Direction::Inactive);
    assert_eq!(plan.openai.direction, Direction::SendRecv);
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
}

#[test]
fn openai_s_bye_of_the_old_leg_crosses_ours_and_ends_nothing() {
    let mut config = config();
    config.guard.on_static = vec![OnStatic::Redial];
    let (mut pair, dialog) = Pair::established(config);
    let (first, call) = (pair.openai_dialog(), pair.live[0]);
    let event = MediaEvent::Fault {
        side: Side::Openai,
        finding: found(),
    };
    // Both hang the old leg up in the same moment.
    pair.openai.bye(pair.now, first, None);
    pair.openai_events.clear();
    pair.input(Input::Media { call, event });
    pair.run(SHORT);
    pair.openai_answers(ANSWER);
    assert!(!hung_up(&pair.carrier_events, dialog));
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
}

#[test]
fn a_fresh_leg_that_is_refused_ends_the_call_with_its_reason() {
    for (status, reason) in [(486, "openai_busy"), (503, "openai_unreachable")] {
        let (mut pair, dialog, _) = redialling();
        let fresh = pair.openai_dialog();
        pair.openai
            .reject(pair.now, fresh, Rejection::status(status));
        pair.run(SHORT);
        assert!(hung_up(&pair.carrier_events, dialog), "{status}");
        pair.assert_over("failed", reason);
    }
}

#[test]
fn a_fresh_leg_that_nobody_answers_ends_the_call_in_bounded_time() {
    let (mut pair, dialog, _) = redialling();
    pair.run(Duration::from_secs(61));
    assert!(hung_up(&pair.carrier_events, dialog));
    pair.run(Duration::from_secs(1));
    let reason = pair.records[0].reason;
    assert!(
        ["setup_timeout", "ring_timeout"].contains(&reason),
        "{reason}"
    );
}

#[test]
fn the_carrier_hangs_up_meanwhile_and_the_fresh_leg_is_given_up() {
    let (mut pair, dialog, _) = redialling();
    pair.carrier.bye(pair.now, dialog, None);
    pair.run(SHORT);
    let given_up = |event: &Event| matches!(event, Event::Cancelled { .. } | Event::Bye { .. });
    assert!(pair.openai_events.iter().any(given_up));
    pair.assert_over("completed", "carrier_hangup");
}
