//! A carrier's OPTIONS: is squelch there, and would it take a call?

use crate::pair::{CARRIER, GATEWAY, Pair, config};
use bytes::Bytes;
use squelch_call::{GatewayConfig, Input};
use squelch_sip::{ConnectionId, Protocol, TransportInput};
use std::time::Duration;

fn options(from: &str, number: u32) -> Bytes {
    format!(
        "OPTIONS sip:squelch@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKo{number}\r\n\
         From: <sip:ping@carrier.example>;tag=1\r\nTo: <sip:squelch@192.0.2.2>\r\nCall-ID: o{number}\r\n\
         CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\r\n"
    )
    .into()
}

/// The answer to the carrier's OPTIONS.
fn asked(pair: &mut Pair, number: u32) -> String {
    pair.inject(CARRIER, GATEWAY, options(CARRIER, number));
    pair.run(Duration::from_secs(1));
    let call_id = format!("Call-ID: o{number}\r\n");
    let answers: Vec<_> = pair
        .wire
        .iter()
        .filter(|(_, to, _)| to.to_string() == CARRIER)
        .map(|(_, _, bytes)| String::from_utf8(bytes.to_vec()).unwrap())
        .filter(|text| text.contains(&call_id))
        .collect();
    let [answer] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    answer.clone()
}

#[track_caller]
fn assert_sent_elsewhere(answer: &str) {
    assert!(answer.starts_with("SIP/2.0 503"), "{answer}");
    let after = answer
        .lines()
        .find_map(|line| line.strip_prefix("Retry-After: "));
    let seconds: u32 = after.expect("Retry-After").trim().parse().unwrap();
    assert!((1..=10).contains(&seconds), "{answer}");
}

#[test]
fn a_gateway_with_room_says_200_and_what_it_takes() {
    let mut pair = Pair::new(config());
    let answer = asked(&mut pair, 1);
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    assert!(
        answer.contains("\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS"),
        "{answer}"
    );
    assert!(
        answer.contains("\r\nAccept: application/sdp\r\n"),
        "{answer}"
    );
    pair.run(Duration::from_secs(60));
    assert!(pair.records.is_empty() && pair.gateway.is_idle());
}

fn limited(change: impl FnOnce(&mut GatewayConfig)) -> GatewayConfig {
    let mut config = config();
    change(&mut config);
    config
}

#[test]
fn a_full_gateway_and_a_full_trunk_say_503_until_a_call_ends() {
    for config in [
        limited(|config| config.limits.max_calls = 1),
        limited(|config| config.trunks[0].max_calls = Some(1)),
    ] {
        let (mut pair, dialog) = Pair::established(config);
        assert_sent_elsewhere(&asked(&mut pair, 1));
        pair.carrier.bye(pair.now, dialog, None);
        pair.run(Duration::from_secs(1));
        assert!(asked(&mut pair, 2).starts_with("SIP/2.0 200"));
    }
}

#[test]
fn a_draining_gateway_says_503_but_serves_the_calls_it_has() {
    let (mut pair, dialog) = Pair::established(config());
    pair.input(Input::Drain);
    assert_sent_elsewhere(&asked(&mut pair, 1));
    let ok = pair.wire.iter().rev().find_map(|(_, to, bytes)| {
        let text = String::from_utf8(bytes.to_vec()).ok()?;
        (to.to_string() == CARRIER
            && text.contains(" INVITE\r\n")
            && text.starts_with("SIP/2.0 200"))
        .then_some(text)
    });
    let ok = ok.expect("the call's 200");
    let header = |name: &str| {
        let line = ok.lines().find(|line| line.starts_with(name));
        line.expect("a header").to_owned()
    };
    let inside = format!(
        "OPTIONS sip:squelch@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER};branch=z9hG4bKin\r\n\
         {}\r\n{}\r\n{}\r\n{} OPTIONS\r\nMax-Forwards: 70\r\n\r\n",
        header("From"),
        header("To"),
        header("Call-ID"),
        header("CSeq").trim_end_matches(" INVITE")
    );
    pair.inject(CARRIER, GATEWAY, inside.into());
    pair.run(Duration::from_secs(1));
    let answer = String::from_utf8(pair.wire.last().unwrap().2.to_vec()).unwrap();
    assert!(
        answer.starts_with("SIP/2.0 200") && answer.contains(" OPTIONS\r\n"),
        "{answer}"
    );
    pair.carrier.bye(pair.now, dialog, None);
    pair.run(Duration::from_secs(1));
    assert!(pair.drained);
}

#[test]
fn a_stranger_hears_nothing_over_udp_and_tcp() {
    let mut pair = Pair::new(config());
    pair.inject("192.0.2.9:5060", GATEWAY, options("192.0.2.9:5060", 1));
    pair.run(Duration::from_secs(40));
    assert_eq!(pair.wire.len(), 1, "something was sent back");
    assert_eq!(pair.gateway.counters().strangers, 1);
    let connection = ConnectionId::Accepted(1);
    pair.input(Input::Sip(TransportInput::Accepted {
        connection,
        protocol: Protocol::Tcp,
        local: GATEWAY.parse().unwrap(),
        remote: "192.0.2.9:40000".parse().unwrap(),
    }));
    let bytes = options("192.0.2.9:40000", 2);
    pair.input(Input::Sip(TransportInput::StreamBytes {
        connection,
        bytes: &bytes,
    }));
    pair.run(Duration::from_secs(40));
    assert_eq!(pair.closed, [connection]);
    assert_eq!(pair.gateway.counters().strangers, 2);
    assert!(pair.gateway.is_idle());
}
