//! Nothing that one side writes becomes a header, a body line or a message on the other leg, but
//! the few fields that cross, and those inside their own grammar.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use crate::pair::{ANSWER, CARRIER, GATEWAY, OPENAI, Pair, config};

/// What a hostile field holds. No field that crosses has room for it: a user part and a quoted
/// string keep it escaped, all else is left behind.
const CANARY: &str = "X-Canary: sings";

/// Ways out of a field, each tried in front of the canary.
const WAYS_OUT: [&str; 14] = [
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    "\u{b}",
    "\0",
    "\u{2028}",
    "\u{85}",
    "%0d%0a",
    "%0D%0A%0D%0A",
    "\" <sip:x@y>\r\n",
    "\\\"\r\n",
    ">;tag=x\r\n",
    "\r\n\t",
];

/// A field's text: what is allowed there, a way out, the canary, and noise.
fn hostile() -> impl Strategy<Value = String> {
    let plain = "[a-zA-Z0-9.%\"\\\\<>;,=@:? ]{0,12}";
    let canary = prop_oneof![4 => Just(CANARY), 1 => Just("")];
    (plain, select(&WAYS_OUT[..]), canary, "[ -~]{0,8}")
        .prop_map(|(plain, way_out, canary, behind)| format!("{plain}{way_out}{canary}{behind}"))
}

/// The same, but without what ends a line: the message is likelier read, and the call placed.
fn within_a_line() -> impl Strategy<Value = String> {
    hostile().prop_map(|text| text.replace(['\r', '\n'], ""))
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![1 => hostile(), 2 => within_a_line(), 9 => Just(String::from("plain"))]
}

fn invite(fields: &[String; 10]) -> Bytes {
    let [
        display,
        user,
        tag,
        to,
        subject,
        agent,
        asserted,
        token,
        session,
        line,
    ] = fields;
    let sdp = format!(
        "v=0\r\no={session} 1 1 IN IP4 192.0.2.1\r\ns={session}\r\ni={line}\r\nc=IN IP4 192.0.2.1\r\n\
         t=0 0\r\na={line}\r\nm=audio 30000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n\
         a=fmtp:101 {line}\r\na=ptime:20\r\na=x-{line}\r\n"
    );
    let head = format!(
        "INVITE sip:+15550001@192.0.2.2 SIP/2.0\r\n\
         Via: SIP/2.0/UDP {CARRIER};branch=z9hG4bKx;rport\r\n\
         Max-Forwards: 70\r\n\
         From: \"{display}\" <sip:{user}@192.0.2.1>;tag=a;x={tag}\r\n\
         To: <sip:+15550001@192.0.2.2>;x={to}\r\n\
         Call-ID: injected\r\n\
         CSeq: 1 INVITE\r\n\
         Contact: <sip:c@{CARRIER}>\r\n\
         Subject: {subject}\r\n\
         User-Agent: {agent}\r\n\
         P-Asserted-Identity: <sip:{asserted}@192.0.2.1>\r\n\
         X-Squelch-Call-ID: {token}\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n",
        sdp.len()
    );
    Bytes::from(head + &sdp)
}

/// The messages that the gateway sent to a peer, the head of each split into lines with the body
/// behind: by the letter of RFC 3261, with no parser of ours.
fn sent_to(pair: &Pair, peer: &str) -> Vec<(Vec<String>, String)> {
    let sent = pair
        .wire
        .iter()
        .filter(|(from, to, _)| from.to_string() == GATEWAY && to.to_string() == peer);
    sent.map(|(.., bytes)| {
        let text = std::str::from_utf8(bytes).expect("squelch writes UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head has an end");
        let lines: Vec<String> = head.split("\r\n").map(str::to_owned).collect();
        for line in &lines {
            assert!(
                !line.contains(|c: char| c.is_control()) && !line.starts_with([' ', '\t']),
                "{line:?}"
            );
        }
        (lines, body.to_owned())
    })
    .collect()
}

fn name(line: &str) -> &str {
    line.split_once(':').expect("a header has a colon").0
}

/// The names of the headers behind the start line.
fn names(lines: &[String]) -> Vec<&str> {
    lines.iter().skip(1).map(|line| name(line)).collect()
}

/// The headers that squelch writes of itself on an INVITE to OpenAI, each once.
const OWN: [&str; 14] = [
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

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn a_carriers_invite_smuggles_nothing_to_openai() {
    let placed = Cell::new(0);
    let outcome = TestRunner::new(cases(500)).run(&prop::array::uniform10(field()), |fields| {
        let mut pair = Pair::new(config());
        pair.inject(CARRIER, GATEWAY, invite(&fields));
        pair.run(Duration::from_millis(100));
        let sent = sent_to(&pair, OPENAI);
        placed.set(placed.get() + usize::from(!sent.is_empty()));
        for (lines, body) in sent {
            prop_assert!(
                lines[0].starts_with("INVITE sip:proj_test@192.0.2.3:5060"),
                "{lines:?}"
            );
            let names = names(&lines);
            let once: BTreeSet<&str> = names.iter().copied().collect();
            prop_assert_eq!(once.len(), names.len(), "{:?}", lines);
            prop_assert!(once.iter().all(|name| OWN.contains(name)), "{lines:?}");
            for line in &lines {
                // The caller's user part crosses, escaped; its plain letters may be the canary's.
                prop_assert!(!line.contains(CANARY), "{line}");
                prop_assert!(
                    line.starts_with("From:") || !line.contains("sings"),
                    "{line}"
                );
            }
            prop_assert!(!body.contains("anary") && !body.contains("sings"), "{body}");
            let length = format!("Content-Length: {}", body.len());
            prop_assert!(lines.contains(&length), "{lines:?}");
        }
        Ok(())
    });
    outcome.unwrap();
    // Most of what is written here is malformed and refused; what is read must suffice to try.
    assert!(placed.get() > 25, "{} calls placed", placed.get());
}

/// The carrier's ACK, where it was sent a 200: without it no BYE goes out (RFC 3261 section 15).
fn acknowledge(pair: &mut Pair) {
    let sent = sent_to(pair, CARRIER);
    let ok = sent.iter().find(|(lines, _)| lines[0] == "SIP/2.0 200 OK");
    let to = ok.and_then(|(lines, _)| lines.iter().find(|line| line.starts_with("To:")));
    let Some(to) = to else { return };
    let ack = format!(
        "ACK sip:x@{GATEWAY} SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER};branch=z9hG4bKack\r\n\
         Max-Forwards: 70\r\nFrom: <sip:plain@192.0.2.1>;tag=a\r\n{to}\r\nCall-ID: injected\r\n\
         CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"
    );
    pair.inject(CARRIER, GATEWAY, ack.into());
    pair.run(Duration::from_millis(100));
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn openais_answer_and_bye_smuggle_nothing_to_the_carrier(fields in prop::array::uniform5(field())) {
        let mut pair = Pair::new(config());
        pair.inject(CARRIER, GATEWAY, invite(&std::array::from_fn(|_| "plain".to_owned())));
        pair.run(Duration::from_millis(100));
        let invites = sent_to(&pair, OPENAI);
        let (lines, _) = invites.first().expect("the call is placed");
        let kept: Vec<&str> = lines.iter().map(String::as_str).filter(|line| {
            ["Via", "From", "Call-ID", "CSeq"].iter().any(|kept| line.starts_with(&format!("{kept}:")))
        }).collect();
        let [reason, server, contact, session, why] = &fields;
        let sdp = ANSWER.replace("s=OAI", &format!("s={session}\r\ni={session}"));
        let ok = format!(
            "SIP/2.0 200 {reason}\r\n{}\r\nTo: <sip:proj_test@192.0.2.3>;tag=b\r\n\
             Contact: \"{contact}\" <sip:o@{OPENAI}>\r\nServer: {server}\r\nX-Request-ID: {server}\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            kept.join("\r\n"),
            sdp.len(),
        );
        pair.inject(OPENAI, GATEWAY, ok.into());
        pair.run(Duration::from_millis(100));
        acknowledge(&mut pair);
        let field = |name: &str| {
            let line = kept.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")[..]));
            line.expect("written above").to_owned()
        };
        let bye = format!(
            "BYE sip:x@{GATEWAY} SIP/2.0\r\nVia: SIP/2.0/UDP {OPENAI};branch=z9hG4bKy\r\n\
             Max-Forwards: 70\r\nFrom: <sip:proj_test@192.0.2.3>;tag=b\r\nTo: {}\r\nCall-ID: {}\r\n\
             CSeq: 7 BYE\r\nReason: Q.850;cause=16;text=\"{why}\"\r\nContent-Length: 0\r\n\r\n",
            field("From"), field("Call-ID"),
        );
        pair.inject(OPENAI, GATEWAY, bye.into());
        pair.run(Duration::from_millis(100));
        for (lines, body) in sent_to(&pair, CARRIER) {
            let names = names(&lines);
            let once: BTreeSet<&str> = names.iter().copied().collect();
            prop_assert_eq!(once.len(), names.len(), "{:?}", lines);
            prop_assert!(!names.contains(&"X-Canary") && !names.contains(&"X-Request-ID"), "{lines:?}");
            for line in &lines {
                // The words of a Reason cross, as a quoted string.
                prop_assert!(line.starts_with("Reason:") || !line.contains("sings"), "{line}");
                if line.starts_with("Reason:") {
                    prop_assert!(is_one_quoted_string(line), "{line}");
                }
            }
            prop_assert!(!body.contains("sings"), "{body}");
        }
    }
}

/// Whether what follows `text=` is one quoted string that ends the line (RFC 3261 section 25.1), or
/// there is no text.
fn is_one_quoted_string(line: &str) -> bool {
    let Some((_, quoted)) = line.split_once("text=\"") else {
        return !line.contains('"');
    };
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1 == quoted.len(),
            _ => {}
        }
    }
    false
}
