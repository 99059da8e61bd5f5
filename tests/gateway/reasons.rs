//! Why a leg ends is told on the other one (RFC 3326).

use crate::pair::{ANSWER, OFFER, Pair, config};
use squelch_call::{EndReason, Input};
use squelch_media::{BridgeStats, MediaEvent, Side};
use squelch_sip::{Event, Reason};
use std::time::Duration;

fn reason(protocol: &str, cause: u16, text: Option<&str>) -> Reason {
    Reason {
        protocol: protocol.into(),
        cause,
        text: text.map(str::to_owned),
    }
}

/// The reason of the BYE or CANCEL that was heard.
fn heard(events: &[Event]) -> Option<Reason> {
    events.iter().find_map(|event| match event {
        Event::Bye { reason, .. } | Event::Cancelled { reason, .. } => reason.clone(),
        _ => None,
    })
}

#[test]
fn a_byes_reason_crosses_to_the_other_leg_both_ways() {
    let said = reason("Q.850", 31, Some("normal, \"unspecified\""));
    let (mut pair, dialog) = Pair::established(config());
    pair.carrier.bye(pair.now, dialog, Some(said.clone()));
    pair.run(Duration::from_secs(1));
    assert_eq!(heard(&pair.openai_events), Some(said.clone()));
    pair.assert_over("completed", "carrier_hangup");

    let (mut pair, _) = Pair::established(config());
    let dialog = pair.openai_dialog();
    pair.openai.bye(pair.now, dialog, Some(said.clone()));
    pair.run(Duration::from_secs(1));
    assert_eq!(heard(&pair.carrier_events), Some(said));
    let noted = pair.records[0].events.iter().any(|event| {
        event.event == "bye_reason" && event.detail.starts_with("openai said Q.850 31")
    });
    assert!(noted, "{:?}", pair.records[0].events);
    pair.assert_over("completed", "openai_hangup");
}

/// A call that OpenAI lets ring.
fn ringing() -> (Pair, squelch_sip::DialogId) {
    let mut pair = Pair::new(config());
    let dialog = pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    let at_openai = pair.openai_dialog();
    pair.openai.provisional(pair.now, at_openai, 180, None);
    pair.run(Duration::from_millis(100));
    (pair, dialog)
}

#[test]
fn a_cancels_reason_crosses_too() {
    let said = reason("SIP", 200, Some("Call completed elsewhere"));
    let (mut pair, dialog) = ringing();
    pair.carrier.cancel(pair.now, dialog, Some(said.clone()));
    pair.run(Duration::from_secs(1));
    assert_eq!(heard(&pair.openai_events), Some(said));
    pair.assert_over("rejected", "cancelled");
}

#[test]
fn what_cannot_be_understood_does_not_cross() {
    let own = reason("Q.850", 16, Some("carrier_hangup"));
    let long = "x".repeat(1_000);
    for (said, passed) in [
        (None, own.clone()),
        (Some(reason("X.int", 16, None)), own.clone()),
        (Some(reason("Q.850", 128, None)), own.clone()),
        (Some(reason("SIP", 60, None)), own),
        (
            Some(reason("q.850", 16, Some(&long))),
            reason("Q.850", 16, long.get(..64)),
        ),
        (
            Some(reason("SIP", 487, Some("a\u{7}b\u{e9}\u{1f600}c"))),
            // A control character is a space already on the carrier's wire.
            reason("SIP", 487, Some("a bc")),
        ),
    ] {
        let (mut pair, dialog) = Pair::established(config());
        pair.carrier.bye(pair.now, dialog, said.clone());
        pair.run(Duration::from_secs(1));
        assert_eq!(heard(&pair.openai_events), Some(passed), "{said:?}");
    }
}

/// How a call comes to an end that neither leg asked for, and the reason of its end.
type Story = (EndReason, fn() -> Pair);

#[test]
fn each_end_of_our_own_names_its_cause_on_both_legs() {
    let stories: [Story; 5] = [
        (EndReason::MaxCall, || {
            let mut config = config();
            config.limits.max_call = Duration::from_secs(10);
            let (mut pair, _) = Pair::established(config);
            pair.run(Duration::from_secs(11));
            pair
        }),
        (EndReason::Drained, || {
            let (mut pair, _) = Pair::established(config());
            pair.input(Input::Drain);
            pair.run(Duration::from_secs(40));
            pair
        }),
        (EndReason::MediaTimeout, || {
            let (mut pair, _) = Pair::established(config());
            let call = pair.live[0];
            pair.run(Duration::from_secs(31));
            pair.input(Input::MediaStats {
                call,
                stats: Box::new(BridgeStats::default()),
                last: false,
            });
            pair.run(Duration::from_secs(1));
            pair
        }),
        (EndReason::Static, || {
            let (mut pair, _) = Pair::established(config());
            let call = pair.live[0];
            pair.input(Input::Media {
                call,
                event: MediaEvent::Fault {
                    side: Side::Openai,
                    finding: crate::failures::found(),
                },
            });
            pair.run(Duration::from_secs(11));
            pair
        }),
        (EndReason::OpenaiBadAnswer, || {
            let mut pair = Pair::new(config());
            pair.call(Some(OFFER));
            pair.run(Duration::from_millis(100));
            pair.openai_answers(&ANSWER.replace("0 101", "9 101"));
            pair
        }),
    ];
    for (ending, story) in stories {
        let mut pair = story();
        let said = reason("Q.850", ending.q850(), Some(ending.name()));
        assert_eq!(heard(&pair.openai_events), Some(said.clone()), "{ending:?}");
        // Before the answer the carrier gets a status.
        if ending != EndReason::OpenaiBadAnswer {
            assert_eq!(heard(&pair.carrier_events), Some(said), "{ending:?}");
        }
        pair.assert_over(ending.result().name(), ending.name());
    }
}

#[test]
fn a_call_nobody_answers_is_cancelled_with_its_cause() {
    let (mut pair, _) = ringing();
    pair.run(Duration::from_secs(70));
    assert_eq!(
        heard(&pair.openai_events),
        Some(reason("Q.850", 19, Some("ring_timeout")))
    );
    pair.assert_over("failed", "ring_timeout");
}

#[test]
fn causes_are_q850s() {
    for ending in EndReason::ALL {
        assert!((1..=127).contains(&ending.q850()), "{ending:?}");
    }
    // The codes that switches act upon (ITU-T Q.850 table 1).
    for (ending, cause) in [
        (EndReason::OpenaiHangup, 16),
        (EndReason::OpenaiBusy, 17),
        (EndReason::RingTimeout, 19),
        (EndReason::OpenaiDeclined, 21),
        (EndReason::SetupTimeout, 102),
    ] {
        assert_eq!(ending.q850(), cause, "{ending:?}");
    }
}
