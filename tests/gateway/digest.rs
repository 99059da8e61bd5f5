//! Passwords on both legs: asked of a trunk that has one, given to OpenAI's side where a route has one.

use crate::pair::{ANSWER, CARRIER, GATEWAY, OFFER, OPENAI, Pair, config};
use bytes::Bytes;
use squelch_call::{GatewayConfig, TrunkDigest};
use squelch_sip::digest::Algorithm;
use squelch_sip::{Body, Credentials, DigestVerdict, Event, Failure, Rejection};
use std::time::Duration;

fn credentials(username: &str, password: &str) -> Credentials {
    Credentials::new(username, "squelch", password).unwrap()
}

fn guarded(algorithms: &[Algorithm]) -> GatewayConfig {
    let mut config = config();
    config.trunks[0].digest = Some(TrunkDigest {
        credentials: credentials("carrier", "right"),
        algorithms: algorithms.to_vec(),
    });
    config
}

/// The carrier calls with these.
fn call(pair: &mut Pair, given: Option<Credentials>) {
    let mut invite = pair.invite_of(Some(OFFER), Vec::new(), 70);
    invite.credentials = given;
    pair.place(invite);
    pair.run(Duration::from_secs(1));
}

fn calls_at_openai(pair: &Pair) -> usize {
    let invites = pair.openai_events.iter();
    invites
        .filter(|event| matches!(event, Event::Invite { .. }))
        .count()
}

fn counted(pair: &Pair, verdict: DigestVerdict) -> u64 {
    let digest = &pair.gateway.counters().digest;
    digest.get(&(0, verdict)).copied().unwrap_or(0)
}

/// The last message to the carrier.
fn said(pair: &Pair) -> String {
    let to_carrier = |(_, to, _): &&(_, std::net::SocketAddr, Bytes)| to.to_string() == CARRIER;
    let last = pair.wire.iter().rev().find(to_carrier).expect("an answer");
    String::from_utf8(last.2.to_vec()).unwrap()
}

#[test]
fn a_trunk_that_knows_its_password_calls_and_hangs_up() {
    for algorithm in Algorithm::ALL {
        let mut pair = Pair::new(guarded(&[algorithm]));
        let mut invite = pair.invite_of(Some(OFFER), Vec::new(), 70);
        invite.credentials = Some(credentials("carrier", "right"));
        let dialog = pair.place(invite);
        pair.run(Duration::from_secs(1));
        assert_eq!(calls_at_openai(&pair), 1, "{algorithm:?}");
        assert_eq!(counted(&pair, DigestVerdict::Missing), 1);
        assert_eq!(counted(&pair, DigestVerdict::Right), 1);
        pair.openai_answers(ANSWER);
        pair.carrier.acknowledge(pair.now, dialog, None);
        pair.run(Duration::from_secs(1));
        pair.carrier.bye(pair.now, dialog, None);
        // One record, though there were two INVITEs.
        pair.assert_over("completed", "carrier_hangup");
    }
}

#[test]
fn an_invite_without_credentials_is_asked_for_them_and_is_no_call() {
    let mut pair = Pair::new(guarded(&[Algorithm::Sha256]));
    call(&mut pair, None);
    assert_eq!(pair.refused_with(), Some(401));
    let said = said(&pair);
    let asked: Vec<_> = said
        .lines()
        .filter(|l| l.starts_with("WWW-Authenticate"))
        .collect();
    let [asked] = asked.as_slice() else {
        panic!("{said}")
    };
    assert!(
        asked.contains("realm=\"squelch\"") && asked.contains("algorithm=SHA-256"),
        "{asked}"
    );
    assert!(!asked.contains("stale"), "{asked}");
    assert_eq!(calls_at_openai(&pair), 0);
    // Nothing is kept of it: whoever has no password fills no table.
    assert!(pair.records.is_empty() && pair.gateway.is_idle());
    let sent = pair
        .wire
        .iter()
        .filter(|(from, ..)| from.to_string() == GATEWAY);
    assert_eq!(sent.count(), 1, "no 100, no repetition");
}

#[test]
fn a_wrong_name_and_a_wrong_password_are_refused_alike_and_counted() {
    let mut answers = Vec::new();
    for (username, password) in [("carrier", "wrong"), ("nobody", "right")] {
        let mut pair = Pair::new(guarded(&[Algorithm::Sha256]));
        call(&mut pair, Some(credentials(username, password)));
        assert_eq!(pair.refused_with(), Some(403));
        assert_eq!(counted(&pair, DigestVerdict::Wrong), 1);
        assert_eq!(calls_at_openai(&pair), 0);
        let said = said(&pair);
        let own = |l: &&str| {
            !["Via", "From", "To", "Call-ID", "CSeq"]
                .iter()
                .any(|n| l.starts_with(n))
        };
        answers.push(said.lines().filter(own).collect::<Vec<_>>().join("\n"));
        pair.assert_over("rejected", "bad_credentials");
    }
    assert_eq!(answers[0], answers[1]);
}

/// The INVITE that was let in, as another call with the same credentials.
fn copy(pair: &Pair, number: u32) -> Bytes {
    let signed = pair.wire.iter().find_map(|(_, _, bytes)| {
        let text = String::from_utf8(bytes.to_vec()).ok()?;
        (text.starts_with("INVITE") && text.contains("Authorization: Digest")).then_some(text)
    });
    let lines = signed.expect("credentials on the wire");
    let lines = lines.split("\r\n").map(|line| {
        if line.starts_with("Call-ID") {
            format!("Call-ID: copy{number}")
        } else if line.starts_with("Via") {
            format!("Via: SIP/2.0/UDP {CARRIER};branch=z9hG4bKcopy{number}")
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\r\n").into()
}

#[test]
fn a_copy_of_an_invite_calls_nobody_now_or_later() {
    let mut pair = Pair::new(guarded(&[Algorithm::Sha256]));
    call(&mut pair, Some(credentials("carrier", "right")));
    pair.inject(CARRIER, GATEWAY, copy(&pair, 1));
    pair.run(Duration::from_secs(1));
    assert!(said(&pair).contains("stale=true"), "{}", said(&pair));
    assert_eq!(counted(&pair, DigestVerdict::Replayed), 1);
    pair.run(Duration::from_secs(300));
    pair.inject(CARRIER, GATEWAY, copy(&pair, 2));
    pair.run(Duration::from_secs(1));
    assert!(said(&pair).contains("stale=true"), "{}", said(&pair));
    assert_eq!(counted(&pair, DigestVerdict::Stale), 1);
    assert_eq!(calls_at_openai(&pair), 1);
}

#[test]
fn md5_is_taken_only_where_the_trunk_names_it() {
    let mut pair = Pair::new(guarded(&[Algorithm::Md5]));
    call(&mut pair, Some(credentials("carrier", "right")));
    assert_eq!(calls_at_openai(&pair), 1);
    let weak = copy(&pair, 1);
    let mut pair = Pair::new(guarded(&[Algorithm::Sha256]));
    pair.inject(CARRIER, GATEWAY, weak);
    pair.run(Duration::from_secs(1));
    assert!(said(&pair).starts_with("SIP/2.0 401"), "{}", said(&pair));
    assert_eq!(calls_at_openai(&pair), 0);
}

#[test]
fn the_right_password_from_elsewhere_gets_no_answer() {
    let mut pair = Pair::new(guarded(&[Algorithm::Sha256]));
    call(&mut pair, Some(credentials("carrier", "right")));
    let before = pair.wire.len();
    pair.inject("192.0.2.9:5060", GATEWAY, copy(&pair, 1));
    pair.run(Duration::from_millis(400));
    assert_eq!(pair.wire.len(), before + 1);
    assert_eq!(pair.gateway.counters().strangers, 1);
}

/// A call on a route with credentials, challenged by OpenAI's side.
fn challenged(realm: &str) -> Pair {
    let mut config = config();
    config.openai.routes[0].credentials = Some(credentials("squelch", "right"));
    let mut pair = Pair::new(config);
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    let challenge =
        format!("Digest realm=\"{realm}\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"");
    let rejection = Rejection {
        headers: vec![("WWW-Authenticate".into(), challenge)],
        ..Rejection::status(401)
    };
    let dialog = pair.openai_dialog();
    pair.openai.reject(pair.now, dialog, rejection);
    pair.run(Duration::from_millis(100));
    pair
}

#[test]
fn openais_challenge_is_answered_and_the_carrier_hears_nothing_of_it() {
    let mut pair = challenged("squelch");
    assert_eq!(calls_at_openai(&pair), 2);
    let refused = |event: &Event| matches!(event, Event::Rejected { .. });
    assert!(!pair.carrier_events.iter().any(refused));
    let dialog = pair.openai_dialog();
    pair.openai
        .answer(pair.now, dialog, Body::sdp(ANSWER.to_owned()));
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.live.len(), 1);
}

#[test]
fn another_realm_at_openai_is_a_refusal() {
    let mut pair = challenged("elsewhere");
    assert_eq!(calls_at_openai(&pair), 1);
    let told: Vec<_> = pair
        .wire
        .iter()
        .filter(|(_, to, bytes)| {
            to.to_string() == OPENAI && String::from_utf8_lossy(bytes).contains("Authorization")
        })
        .collect();
    assert!(told.is_empty(), "{told:?}");
    let refused = pair.carrier_events.iter().any(|event| {
        matches!(
            event,
            Event::Rejected {
                failure: Failure::Status { status: 503, .. },
                ..
            }
        )
    });
    assert!(refused);
    pair.assert_over("failed", "openai_refused");
}
