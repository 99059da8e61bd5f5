//! The door held against two parsers that are not ours, ezk-sip-types' and rsipstack's: what is
//! valid, all three read alike. Where a peer is known to read less than RFC 3261 allows, the message
//! is not made for it, and the place says so.

mod facts;
mod readers;

use proptest::prelude::*;
use proptest::sample::select;

use readers::{by_ezk, by_rsipstack, by_squelch};

/// A valid message, part by part.
#[derive(Debug, Clone)]
struct Parts {
    start: String,
    cseq_method: &'static str,
    cseq: u32,
    from: String,
    to: String,
    vias: Vec<String>,
    call_id: String,
    body: String,
    writing: Writing,
}

/// How it is written: all of it means the same (RFC 3261 sections 7.3.1 and 7.3.3).
#[derive(Debug, Clone, Copy)]
struct Writing {
    compact: bool,
    lower: bool,
    folded: bool,
    spaced: bool,
    vias_in_one_line: bool,
    length_said: bool,
}

impl Parts {
    fn write(&self) -> Vec<u8> {
        let writing = self.writing;
        let mut text = format!("{}\r\n", self.start);
        let mut line = |long: &str, short: &str, value: &str| {
            let name = if writing.compact { short } else { long };
            let name = match writing.lower {
                true => name.to_ascii_lowercase(),
                false => name.to_owned(),
            };
            let colon = if writing.spaced { " :\t " } else { ": " };
            let value = match writing.folded {
                true => format!("\r\n {value}"),
                false => value.to_owned(),
            };
            text.push_str(&format!("{name}{colon}{value}\r\n"));
        };
        match writing.vias_in_one_line {
            true => line("Via", "v", &self.vias.join(", ")),
            false => self.vias.iter().for_each(|via| line("Via", "v", via)),
        }
        line("Max-Forwards", "Max-Forwards", "70");
        line("From", "f", &self.from);
        line("To", "t", &self.to);
        line("Call-ID", "i", &self.call_id);
        line(
            "CSeq",
            "CSeq",
            &format!("{} {}", self.cseq, self.cseq_method),
        );
        line("Subject", "s", "a: b, c;d=\"e\"");
        if !self.body.is_empty() {
            line("Content-Type", "c", "application/sdp");
        }
        if writing.length_said {
            line("Content-Length", "l", &self.body.len().to_string());
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?(\\.[a-z]{2,5}){1,2}",
        any::<[u8; 4]>().prop_map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
        any::<[u16; 8]>().prop_map(|words| format!("[{}]", std::net::Ipv6Addr::from(words))),
    ]
}

fn port() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        (1..=u16::MAX).prop_map(|port| format!(":{port}")),
    ]
}

fn uri() -> impl Strategy<Value = String> {
    let user = prop_oneof![
        Just(String::new()),
        "[a-zA-Z0-9._+-]{1,16}@",
        "\\+1[0-9]{10}@",
        "[a-z]{1,4}%20[a-z]{1,4}@",
        "[a-z]{1,6}:[a-z0-9]{1,6}@",
        "[a-z]{1,6}[&=+$/!~*'()][0-9]{1,3}@",
    ];
    let params = select(vec!["", ";transport=tcp", ";lr", ";user=phone;x=y"]);
    (select(vec!["sip:", "sips:"]), user, host(), port(), params).prop_map(
        |(scheme, user, host, port, params)| format!("{scheme}{user}{host}{port}{params}"),
    )
}

/// Without quoted-pairs: ezk refuses a display name that holds one.
const NAMES: [&str; 5] = ["", "Alice ", "Alice B. Carol ", "\"\" ", "\"Zo\u{eb}, x\" "];
/// rsipstack takes the brackets inside the quotes for the URI's.
const NAMES_WITH_BRACKETS: [&str; 3] = ["", "Alice ", "\"Alice, <sip:b@c>;tag=no\" "];

fn party(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let display = select(names);
    let tag = prop_oneof![Just(String::new()), "[;]tag=[a-zA-Z0-9.-]{1,12}"];
    (display, uri(), tag).prop_map(|(display, uri, tag)| format!("{display}<{uri}>{tag}"))
}

fn via() -> impl Strategy<Value = String> {
    let transport = select(vec!["UDP", "TCP", "TLS"]);
    let params = select(vec!["", ";rport", ";received=192.0.2.4;rport=5062"]);
    (transport, host(), port(), "[a-zA-Z0-9.]{1,20}", params).prop_map(
        |(transport, host, port, branch, params)| {
            format!("SIP/2.0/{transport} {host}{port};branch=z9hG4bK{branch}{params}")
        },
    )
}

fn writing() -> impl Strategy<Value = Writing> {
    any::<[bool; 6]>().prop_map(|flags| {
        let [
            compact,
            lower,
            folded,
            spaced,
            vias_in_one_line,
            length_said,
        ] = flags;
        Writing {
            compact,
            lower,
            folded,
            spaced,
            vias_in_one_line,
            length_said,
        }
    })
}

fn message(names: &'static [&'static str]) -> impl Strategy<Value = Parts> {
    let method = select(vec!["INVITE", "ACK", "BYE", "OPTIONS", "REFER", "UPDATE"]);
    let start = (
        method,
        uri(),
        prop_oneof![Just(None), (100u16..700).prop_map(Some)],
    );
    let body = prop_oneof![
        Just(String::new()),
        "v=0\r\n[ -~]{0,40}(\r\n[a-z]=[ -~]{0,40}){0,3}"
    ];
    (
        start,
        1u32..=0x7fff_ffff,
        party(names),
        party(names),
        prop::collection::vec(via(), 1..4),
        "[a-zA-Z0-9]{1,16}(@[a-z0-9.]{1,12})?",
        body,
        writing(),
    )
        .prop_map(|(start, cseq, from, to, vias, call_id, body, writing)| {
            let (method, uri, status) = start;
            Parts {
                start: match status {
                    Some(status) => format!("SIP/2.0 {status} Some words, {method}"),
                    None => format!("{method} {uri} SIP/2.0"),
                },
                cseq_method: method,
                cseq,
                from,
                to,
                vias,
                call_id,
                body,
                writing,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn valid_messages_are_read_as_ezk_reads_them(parts in message(&NAMES_WITH_BRACKETS)) {
        let bytes = parts.write();
        let ours = by_squelch(&bytes);
        prop_assert!(ours.is_some(), "squelch refuses {}", String::from_utf8_lossy(&bytes));
        prop_assert_eq!(&ours, &by_ezk(&bytes), "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn valid_messages_are_read_as_rsipstack_reads_them(mut parts in message(&NAMES)) {
        // Where none is said, it takes the body for empty; over UDP it is the rest of the datagram
        // (RFC 3261 section 18.3).
        parts.writing.length_said = true;
        let bytes = parts.write();
        let ours = by_squelch(&bytes);
        prop_assert!(ours.is_some(), "squelch refuses {}", String::from_utf8_lossy(&bytes));
        prop_assert_eq!(&ours, &by_rsipstack(&bytes), "{}", String::from_utf8_lossy(&bytes));
    }
}
