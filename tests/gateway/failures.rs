//! OpenAI says no, says nothing, or says something that can't be used.

use crate::pair::{ANSWER, OFFER, Pair, config};
use squelch_call::{Input, Route};
use squelch_media::detect::{Fault, Finding, Pace, Variant, What};
use squelch_media::{BridgeStats, MediaEvent, Side};
use squelch_sip::{Body, Event, Rejection};
use std::time::Duration;

fn ringing() -> Pair {
    let mut pair = Pair::new(config());
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    pair
}

#[test]
fn the_next_route_is_tried_when_the_first_is_down() {
    let mut config = config();
    let second = config.openai.routes[0].clone();
    config.openai.routes = vec![
        Route {
            sip_uri: "sip:proj_test@down.example;transport=udp".into(),
            ..second.clone()
        },
        second,
    ];
    let mut pair = Pair::new(config);
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    let dialog = pair.openai_dialog();
    pair.openai.reject(pair.now, dialog, Rejection::status(486));
    pair.assert_over("failed", "openai_busy");
    let noted = &pair.records[0].events[0];
    assert_eq!(
        (noted.event, noted.detail.as_str()),
        ("route_failed", "route 1: no such name")
    );
}

#[test]
fn an_answer_that_was_not_offered_ends_the_call_on_both_legs() {
    for answer in [
        ANSWER.replace("0 101", "9 101"),
        ANSWER.replace("192.0.2.3", "198.51.100.1"),
        "nonsense".into(),
    ] {
        let mut pair = ringing();
        pair.openai_answers(&answer);
        assert_eq!(pair.refused_with(), Some(503), "{answer}");
        assert!(
            pair.openai_events
                .iter()
                .any(|event| matches!(event, Event::Bye { .. })),
            "{answer}"
        );
        pair.assert_over("failed", "openai_bad_answer");
    }
}

#[test]
fn an_answer_without_content_type_is_read() {
    let mut pair = ringing();
    let dialog = pair.openai_dialog();
    let body = Body {
        content_type: String::new(),
        bytes: ANSWER.to_owned().into(),
    };
    pair.openai.answer(pair.now, dialog, body);
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.plans.len(), 1);
}

pub(crate) fn found() -> Finding {
    Finding {
        fault: Fault::G711AsPcm16,
        variant: Variant {
            what: What::Pcm16,
            order: None,
            rate_hz: Some(24_000),
            pace: Pace::Continuous,
        },
        from: Duration::from_secs(5),
        detected_at: Duration::from_millis(5_060),
        to: None,
        confidence: 0.99,
    }
}

#[test]
fn static_that_stays_ends_the_call_with_a_reason() {
    let (mut pair, _) = Pair::established(config());
    let call = pair.live[0];
    pair.input(Input::Media {
        call,
        event: MediaEvent::Fault {
            side: Side::Openai,
            finding: found(),
        },
    });
    pair.run(Duration::from_secs(11));
    let said = pair.carrier_events.iter().find_map(|event| match event {
        Event::Bye { reason, .. } => reason.clone(),
        _ => None,
    });
    assert_eq!(
        said.and_then(|reason| reason.text).as_deref(),
        Some("static")
    );
    assert_eq!(pair.records[0].guard.faults, ["g711_as_pcm16"]);
    pair.assert_over("failed", "static");
}

#[test]
fn static_that_goes_leaves_the_call_up() {
    let (mut pair, _) = Pair::established(config());
    let call = pair.live[0];
    pair.input(Input::Media {
        call,
        event: MediaEvent::Fault {
            side: Side::Openai,
            finding: found(),
        },
    });
    pair.run(Duration::from_secs(5));
    pair.input(Input::Media {
        call,
        event: MediaEvent::Cleared {
            side: Side::Openai,
            finding: found(),
        },
    });
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.live.len(), 1);
}

#[test]
fn a_leg_that_falls_silent_ends_the_call() {
    let (mut pair, _) = Pair::established(config());
    let call = pair.live[0];
    let mut stats = BridgeStats::default();
    for _ in 0..40 {
        stats.carrier.last_packet = Some(pair.now);
        pair.input(Input::MediaStats {
            call,
            stats: Box::new(stats),
            last: false,
        });
        pair.run(Duration::from_secs(1));
    }
    pair.assert_over("failed", "media_timeout");
}
