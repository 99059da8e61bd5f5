//! What the carrier is told when OpenAI's side fails: every row of the table, and what carriers do
//! with it. They fail over on 408, 480, 503 and 504, not on 486 and 603.

use crate::pair::{GATEWAY, OFFER, OPENAI, Pair, config};
use bytes::Bytes;
use squelch_call::{GatewayConfig, Input, Route};
use squelch_sip::{Event, Failure, Rejection};
use std::time::Duration;

/// The status the carrier got and the seconds it shall wait.
fn told(pair: &Pair) -> (u16, Option<u32>) {
    let refused = pair.carrier_events.iter().find_map(|event| match event {
        Event::Rejected {
            failure:
                Failure::Status {
                    status,
                    retry_after,
                    ..
                },
            ..
        } => Some((*status, *retry_after)),
        _ => None,
    });
    refused.expect("a refusal")
}

/// The carrier got this status, with Retry-After if and only if it is 503, and there is a record.
#[track_caller]
fn assert_told(pair: &mut Pair, status: u16, reason: &str, why: &str) {
    let (got, retry_after) = told(pair);
    assert_eq!(got, status, "{why}");
    match retry_after {
        Some(seconds) => assert!(status == 503 && (1..=10).contains(&seconds), "{why}"),
        None => assert_ne!(status, 503, "{why}: no Retry-After"),
    }
    pair.assert_over("failed", reason);
}

#[test]
fn each_final_status_of_openais_becomes_one_of_the_tables() {
    for status in 300..=699 {
        let (told, reason) = match status {
            408 => (408, "openai_timeout"),
            480 => (480, "openai_unavailable"),
            486 => (486, "openai_busy"),
            488 => (488, "openai_not_acceptable"),
            603 => (603, "openai_declined"),
            500..=599 => (503, "openai_unreachable"),
            _ => (503, "openai_refused"),
        };
        let mut pair = Pair::new(config());
        pair.call(Some(OFFER));
        pair.run(Duration::from_millis(100));
        let dialog = pair.openai_dialog();
        pair.openai
            .reject(pair.now, dialog, Rejection::status(status));
        pair.run(Duration::from_secs(1));
        assert_told(&mut pair, told, reason, &status.to_string());
    }
}

#[test]
fn a_redirection_is_not_followed() {
    let mut pair = Pair::new(config());
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    // What OpenAI's endpoint would not write: a Contact that names somebody else.
    let invite = pair
        .wire
        .iter()
        .rev()
        .find(|(_, to, _)| to.to_string() == OPENAI);
    let invite = String::from_utf8(invite.expect("an INVITE").2.to_vec()).unwrap();
    let mut moved = "SIP/2.0 302 Moved Temporarily\r\n".to_owned();
    for line in invite.split("\r\n") {
        let name = line.split(':').next().unwrap();
        let tag = if name == "To" { ";tag=x" } else { "" };
        if ["Via", "From", "To", "Call-ID", "CSeq"].contains(&name) {
            moved.push_str(&format!("{line}{tag}\r\n"));
        }
    }
    moved.push_str("Contact: <sip:victim@192.0.2.9:5060>\r\nContent-Length: 0\r\n\r\n");
    let dialog = pair.openai_dialog();
    pair.inject(OPENAI, GATEWAY, Bytes::from(moved));
    pair.run(Duration::from_secs(1));
    assert_eq!(told(&pair).0, 503);
    // Its endpoint, which knows nothing of that answer, ends its side.
    pair.openai.reject(pair.now, dialog, Rejection::status(302));
    assert_told(&mut pair, 503, "openai_refused", "302");
    let elsewhere = pair
        .wire
        .iter()
        .any(|(_, to, _)| to.to_string() == "192.0.2.9:5060");
    assert!(!elsewhere, "the victim was called");
}

fn routed(uris: &[&str]) -> GatewayConfig {
    let mut config = config();
    let known = config.openai.routes[0].clone();
    let route = |uri: &&str| Route {
        sip_uri: (*uri).into(),
        ..known.clone()
    };
    config.openai.routes = uris.iter().map(route).collect();
    config
}

#[test]
fn a_name_a_connection_and_a_certificate_that_fail_are_503() {
    for (uris, why) in [
        (&["sip:p@nowhere.example;transport=tls"][..], "DNS"),
        (&["sip:p@192.0.2.3:5061;transport=tls"], "TLS"),
        (&["sip:p@192.0.2.3:5060;transport=tcp"], "TCP"),
        (
            &[
                "sip:p@nowhere.example;transport=udp",
                "sip:p@192.0.2.3:5061;transport=tls",
            ],
            "no route left",
        ),
    ] {
        let mut pair = Pair::new(routed(uris));
        pair.call(Some(OFFER));
        pair.run(Duration::from_secs(2));
        assert_told(&mut pair, 503, "openai_unreachable", why);
    }
}

#[test]
fn a_leg_that_says_nothing_is_503_and_one_that_rings_for_ever_480() {
    let mut pair = Pair::new(config());
    pair.call(Some(OFFER));
    pair.run(Duration::from_secs(20));
    assert_told(&mut pair, 503, "setup_timeout", "silence");

    let mut pair = Pair::new(config());
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    let dialog = pair.openai_dialog();
    pair.openai.provisional(pair.now, dialog, 180, None);
    pair.run(Duration::from_secs(70));
    assert_told(&mut pair, 480, "ring_timeout", "ringing");
}

#[test]
fn a_full_and_a_draining_gateway_say_503_and_when_to_come_back() {
    for drain in [false, true] {
        let mut config = config();
        config.limits.max_calls = 1;
        let (mut pair, _) = Pair::established(config);
        if drain {
            pair.input(Input::Drain);
        }
        pair.call(Some(OFFER));
        pair.run(Duration::from_secs(1));
        let (status, retry_after) = told(&pair);
        assert_eq!(status, 503);
        assert!(retry_after.is_some_and(|seconds| (1..=10).contains(&seconds)));
        assert_eq!(pair.live.len(), 1, "the standing call goes on");
        let reason = pair.records[0].reason;
        assert_eq!(reason, if drain { "draining" } else { "full" });
    }
}
