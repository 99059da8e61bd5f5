//! Who and what is let in.

use crate::pair::{OFFER, Pair, config};
use proptest::prelude::*;
use squelch_call::Input;
use squelch_sip::Event;
use std::time::Duration;

fn refused(offer: Option<&str>, change: impl FnOnce(&mut Pair)) -> (Pair, u16) {
    let mut pair = Pair::new(config());
    change(&mut pair);
    pair.call(offer);
    pair.run(Duration::from_secs(1));
    let status = pair.refused_with().expect("a refusal");
    assert!(pair.openai_events.is_empty(), "OpenAI heard of it");
    (pair, status)
}

#[test]
fn nothing_in_common_is_488_with_a_warning() {
    let (mut pair, status) = refused(Some(&OFFER.replace("0 8 101", "9 101")), |_| {});
    assert_eq!(status, 488);
    let warned = pair
        .wire
        .iter()
        .any(|(_, _, bytes)| String::from_utf8_lossy(bytes).contains("\r\nWarning: 305 "));
    assert!(warned, "no Warning");
    pair.assert_over("rejected", "no_common_format");
}

#[test]
fn a_broken_sdp_is_488() {
    let (mut pair, status) = refused(
        Some(&OFFER.replace("m=audio 30000", "m=audio 99999")),
        |_| {},
    );
    assert_eq!(status, 488);
    pair.assert_over("rejected", "bad_sdp");
}

#[test]
fn media_are_sent_to_no_address_outside_the_trunks_networks() {
    for address in ["198.51.100.1", "224.0.0.1", "0.0.0.0", "127.0.0.1"] {
        let offer = OFFER.replace("c=IN IP4 192.0.2.1", &format!("c=IN IP4 {address}"));
        let (mut pair, status) = refused(Some(&offer), |_| {});
        assert_eq!(status, 488, "{address}");
        pair.assert_over("rejected", "media_address");
    }
}

#[test]
fn no_port_left_is_503() {
    let (mut pair, status) = refused(Some(OFFER), |pair| pair.ports = 0);
    assert_eq!(status, 503);
    pair.assert_over("rejected", "no_ports");
}

#[test]
fn a_draining_gateway_takes_no_call_and_keeps_the_one_it_has() {
    let (mut pair, dialog) = Pair::established(config());
    pair.input(Input::Drain);
    assert!(!pair.drained);
    pair.call(Some(OFFER));
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.refused_with(), Some(503));
    assert_eq!(pair.live.len(), 1);
    pair.carrier.bye(pair.now, dialog, None);
    pair.run(Duration::from_secs(1));
    assert!(pair.drained);
}

#[test]
fn draining_ends_calls_after_its_limit() {
    let (mut pair, _) = Pair::established(config());
    pair.input(Input::Drain);
    pair.assert_over("interrupted", "drained");
    assert!(pair.drained);
}

#[test]
fn while_the_last_figures_are_waited_for_a_drained_gateway_asks_for_no_wake_up_in_the_past() {
    let (mut pair, _) = Pair::established(config());
    pair.mute_worker = true;
    pair.input(Input::Drain);
    // One step by hand: a world would spin as its owner does.
    pair.run(config().limits.drain - Duration::from_millis(1));
    pair.now += Duration::from_millis(2);
    let (now, wall) = (pair.now, pair.wall());
    pair.gateway.handle_timeout(now, wall);
    let next = pair.gateway.poll_timeout().expect("the wait for figures");
    assert!(next > now, "its owner would spin");
    pair.assert_over("interrupted", "drained");
}

#[test]
fn a_limit_of_calls_holds() {
    let mut config = config();
    config.limits.max_calls = 1;
    let (mut pair, _) = Pair::established(config);
    pair.call(Some(OFFER));
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.refused_with(), Some(503));
    assert_eq!(pair.live.len(), 1);
}

#[test]
fn a_trunks_rate_holds_and_recovers() {
    let mut config = config();
    config.trunks[0].max_calls_per_second = Some(2);
    let mut pair = Pair::new(config);
    for _ in 0..3 {
        pair.call(Some(OFFER));
    }
    pair.run(Duration::from_millis(100));
    let calls = |pair: &Pair| {
        pair.openai_events
            .iter()
            .filter(|event| matches!(event, Event::Invite { .. }))
            .count()
    };
    assert_eq!(calls(&pair), 2);
    pair.run(Duration::from_secs(1));
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    assert_eq!(calls(&pair), 3);
}

/// Headers the INVITE to OpenAI may carry; nothing of the carrier's is copied.
const ALLOWED: [&str; 14] = [
    "Via",
    "Max-Forwards",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Contact",
    "Allow",
    "Supported",
    "User-Agent",
    "X-Squelch-Call-ID",
    "Content-Type",
    "Content-Length",
    "Accept",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_of_the_carriers_headers_reaches_openai(name in "[A-Za-z][A-Za-z-]{0,20}", value in "[ -~]{0,60}", hops in 1..=255_u8) {
        let mut pair = Pair::new(config());
        pair.call_with(Some(OFFER), vec![(name, format!("planted{value}"))], hops);
        pair.run(Duration::from_millis(100));
        let invite = pair.wire.iter().find(|(_, to, _)| to.to_string() == crate::pair::OPENAI);
        prop_assume!(invite.is_some());
        let text = String::from_utf8(invite.unwrap().2.to_vec()).unwrap();
        prop_assert!(!text.contains("planted"));
        let head = text.split("\r\n\r\n").next().unwrap();
        for line in head.split("\r\n").skip(1) {
            let name = line.split(':').next().unwrap();
            prop_assert!(ALLOWED.contains(&name), "{line}");
            prop_assert!(!line.bytes().any(|byte| byte.is_ascii_control()), "{line:?}");
        }
        let wanted = format!("\r\nMax-Forwards: {}\r\n", hops - 1);
        prop_assert!(text.contains(&wanted), "{}", text);
    }
}

#[test]
fn a_call_of_ours_that_comes_back_is_482() {
    let (mut pair, dialog) = Pair::established(config());
    let Some(Event::Invite { invite, .. }) = pair.openai_events.first() else {
        panic!("{:?}", pair.openai_events)
    };
    let token = invite.headers.get("X-Squelch-Call-ID").unwrap().to_owned();
    let header = ("x-squelch-call-id".to_owned(), token);
    pair.call_with(Some(OFFER), vec![header], 70);
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.refused_with(), Some(482));
    assert_eq!(pair.records.pop().unwrap().reason, "loop");
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
}
