//! Every message of RFC 4475 and RFC 5118, and what becomes of it here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use squelch_sip::{DropReason, Event, IncomingInvite, Protocol, Response};

use crate::raw::{PEER, US, alone};
use crate::world::{Node, World};

/// What a message meets with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// 100 and the user is asked.
    Call,
    /// The user is asked and its answer sent.
    Options,
    /// Answered with this alone.
    Refused(u16),
    /// Dropped without a word.
    Dropped(DropReason),
}

use Treatment::{Call, Dropped, Options, Refused};

/// File, section, treatment, and why where it is not the section's first choice.
const RFC_4475: [(&str, &str, Treatment, &str); 50] = [
    (
        "wsinv",
        "3.1.1.1",
        Refused(481),
        "read in full; its To has a tag of no dialog here",
    ),
    ("intmeth", "3.1.1.2", Refused(501), ""),
    ("esc01", "3.1.1.3", Call, ""),
    ("escnull", "3.1.1.4", Refused(405), "no registrar"),
    (
        "esc02",
        "3.1.1.5",
        Refused(501),
        "the method is no REGISTER",
    ),
    ("lwsdisp", "3.1.1.6", Options, ""),
    ("longreq", "3.1.1.7", Call, ""),
    (
        "dblreq",
        "3.1.1.8",
        Refused(405),
        "no registrar; the INVITE behind it is not looked at",
    ),
    ("semiuri", "3.1.1.9", Options, ""),
    ("transports", "3.1.1.10", Options, ""),
    ("mpart01", "3.1.1.11", Refused(405), "MESSAGE is not served"),
    (
        "unreason",
        "3.1.1.12",
        Dropped(DropReason::StrayResponse),
        "well formed, to no request of ours",
    ),
    (
        "noreason",
        "3.1.1.13",
        Dropped(DropReason::StrayResponse),
        "well formed, to no request of ours",
    ),
    ("badinv01", "3.1.2.1", Refused(400), ""),
    ("clerr", "3.1.2.2", Refused(400), ""),
    ("ncl", "3.1.2.3", Refused(400), ""),
    ("scalar02", "3.1.2.4", Refused(400), ""),
    (
        "scalarlg",
        "3.1.2.5",
        Dropped(DropReason::StrayResponse),
        "discarded: its CSeq is no number",
    ),
    ("quotbal", "3.1.2.6", Refused(400), ""),
    ("ltgtruri", "3.1.2.7", Refused(400), ""),
    ("lwsruri", "3.1.2.8", Refused(400), ""),
    ("lwsstart", "3.1.2.9", Refused(400), ""),
    ("trws", "3.1.2.10", Refused(400), ""),
    ("escruri", "3.1.2.11", Refused(400), ""),
    (
        "baddate",
        "3.1.2.12",
        Call,
        "Date is not needed, so it is not looked at",
    ),
    (
        "regbadct",
        "3.1.2.13",
        Refused(405),
        "no registrar; a Contact like this in an INVITE gets 400",
    ),
    ("badaspec", "3.1.2.14", Refused(400), ""),
    ("baddn", "3.1.2.15", Refused(400), ""),
    ("badvers", "3.1.2.16", Refused(505), ""),
    ("mismatch01", "3.1.2.17", Refused(400), ""),
    ("mismatch02", "3.1.2.18", Refused(501), ""),
    ("bigcode", "3.1.2.19", Dropped(DropReason::Malformed), ""),
    (
        "badbranch",
        "3.2.1",
        Options,
        "matched as RFC 2543's, which the section allows",
    ),
    ("insuf", "3.3.1", Refused(400), ""),
    ("unkscm", "3.3.2", Refused(416), ""),
    ("novelsc", "3.3.3", Refused(416), ""),
    (
        "unksm2",
        "3.3.4",
        Refused(405),
        "no registrar; schemes in From and To are nothing to a UAS",
    ),
    ("bext01", "3.3.5", Refused(420), ""),
    ("invut", "3.3.6", Refused(415), ""),
    ("regaut01", "3.3.7", Refused(405), "no registrar"),
    ("multi01", "3.3.8", Refused(400), ""),
    ("mcl01", "3.3.9", Refused(400), ""),
    ("bcast", "3.3.10", Dropped(DropReason::StrayResponse), ""),
    ("zeromf", "3.3.11", Options, "a UAS does not forward"),
    ("cparam01", "3.3.12", Refused(405), "no registrar"),
    ("cparam02", "3.3.13", Refused(405), "no registrar"),
    ("regescrt", "3.3.14", Refused(405), "no registrar"),
    ("sdp01", "3.3.15", Refused(406), ""),
    ("inv2543", "3.4.1", Call, ""),
    (
        "test",
        "-",
        Dropped(DropReason::Malformed),
        "no version and no Via: cannot be answered",
    ),
];

const RFC_5118: [(&str, &str, Treatment, &str); 12] = [
    (
        "ipv6-good",
        "4.1",
        Refused(405),
        "well formed; no registrar",
    ),
    ("ipv6-bad", "4.2", Refused(400), ""),
    (
        "port-ambiguous",
        "4.3",
        Refused(405),
        "well formed; no registrar",
    ),
    (
        "port-unambiguous",
        "4.4",
        Refused(405),
        "well formed; no registrar",
    ),
    (
        "via-received-param-with-delim",
        "4.5",
        Refused(481),
        "well formed; of no dialog here",
    ),
    ("via-received-param-no-delim", "4.5", Options, ""),
    ("ipv6-in-sdp", "4.6", Call, ""),
    (
        "mult-ip-in-header",
        "4.7",
        Refused(481),
        "well formed; of no dialog here",
    ),
    ("mult-ip-in-sdp", "4.8", Call, ""),
    ("ipv4-mapped-ipv6", "4.9", Call, ""),
    ("ipv6-bug-abnf-3-colons", "4.10", Options, ""),
    ("ipv6-correct-abnf-2-colons", "4.10", Options, ""),
];

#[test]
fn rfc4475_every_message_meets_with_its_treatment() {
    let files = files("rfc4475");
    assert_eq!(files.len(), RFC_4475.len(), "a row for every file");
    for (name, section, treatment, _) in RFC_4475 {
        let bytes = &files[&format!("{name}.dat")];
        assert_eq!(treat(bytes).0, treatment, "{name}, section {section}");
    }
}

#[test]
fn rfc5118_every_message_meets_with_its_treatment() {
    let files = files("rfc5118");
    assert_eq!(files.len(), RFC_5118.len(), "a row for every file");
    for (name, section, treatment, _) in RFC_5118 {
        let text = std::str::from_utf8(&files[name]).unwrap();
        for line_end in ["\n", "\r\n"] {
            let bytes = with_right_length(text, line_end);
            assert_eq!(
                treat(bytes.as_bytes()).0,
                treatment,
                "{name} with {line_end:?}, section {section}"
            );
        }
    }
}

#[test]
fn rfc5118_bodies_shorter_than_the_archive_says_are_refused() {
    // As archived: 268 and 181 bytes promised, 242 and 180 there.
    let files = files("rfc5118");
    for name in ["ipv6-in-sdp", "mult-ip-in-sdp"] {
        assert_eq!(treat(&files[name]).0, Refused(400), "{name}");
    }
}

/// The message with these line ends, and the Content-Length its body then has: the archive's
/// lengths fit neither.
fn with_right_length(text: &str, line_end: &str) -> String {
    let text = text.replace('\n', line_end);
    let blank = line_end.repeat(2);
    let Some((head, body)) = text.split_once(&blank) else {
        return text;
    };
    let head: Vec<_> = head
        .lines()
        .filter(|line| !line.starts_with("Content-Length"))
        .collect();
    let head = head.join(line_end);
    let length = body.len();
    format!("{head}{line_end}Content-Length: {length}{blank}{body}")
}

#[test]
fn on_a_stream_every_split_of_every_message_gives_the_same() {
    for (name, bytes) in files("rfc4475") {
        let whole = stream(&bytes, bytes.len());
        for piece in [1, 3, 64] {
            assert_eq!(stream(&bytes, piece), whole, "{name} in pieces of {piece}");
        }
    }
}

#[test]
fn rfc4475_3_1_1_8_on_a_stream_the_second_message_is_served_too() {
    let bytes = &files("rfc4475")["dblreq.dat"];
    let statuses: Vec<_> = stream(bytes, bytes.len())
        .iter()
        .map(|s| s[..12].to_owned())
        .collect();
    assert_eq!(statuses, ["SIP/2.0 405 ", "SIP/2.0 100 "]);
}

#[test]
fn rfc4475_3_1_1_1_is_read_to_the_last_parameter() {
    // The same INVITE outside a dialog.
    let bytes = files("rfc4475").remove("wsinv.dat").unwrap();
    let text = String::from_utf8(bytes)
        .unwrap()
        .replace(" ;   tag    = 1918181833n", "");
    let invite = invite(text.as_bytes());
    assert_eq!(invite.from.display.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(invite.from.tag(), Some("98asjd8"));
    assert_eq!(invite.max_forwards, 68);
    assert_eq!(invite.request_uri.param("unknownparam"), Some(""));
    assert_eq!(
        invite.headers.get("NewFangledHeader"),
        Some("newfangled value continued newfangled value")
    );
    assert_eq!(
        invite.headers.get("UnknownHeaderWithUnusualValue"),
        Some(";;,,;;,;")
    );
    assert_eq!(invite.headers.all("Via").count(), 2);
    assert_eq!(invite.body.unwrap().bytes.len(), 150);
}

#[test]
fn rfc4475_3_1_1_3_and_9_keep_their_escapes() {
    let esc = invite(&files("rfc4475")["esc01.dat"]);
    assert_eq!(esc.request_uri.user(), Some("sips%3Auser%40example.com"));
    let long = invite(&files("rfc4475")["longreq.dat"]);
    assert!(long.from.uri.user().unwrap().len() > 100);
    assert!(long.from.tag().unwrap().len() > 100);
    assert!(long.headers.all("Via").count() > 30);
}

#[test]
fn rfc5118_4_3_and_4_tell_port_from_address() {
    let files = files("rfc5118");
    for (name, port) in [("port-ambiguous", None), ("port-unambiguous", Some(5070))] {
        let line = String::from_utf8(files[name].clone()).unwrap();
        let uri: squelch_sip::Uri = line.split(' ').nth(1).unwrap().parse().unwrap();
        assert_eq!(uri.port(), port, "{name}");
    }
}

fn files(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/signaling/torture")
        .join(folder);
    std::fs::read_dir(path)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (
                entry.file_name().into_string().unwrap(),
                std::fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

/// Sends a message to a lone endpoint, answers an OPTIONS, and sees what comes of it.
fn treat(bytes: &[u8]) -> (Treatment, Vec<Event>) {
    let (mut world, node) = alone();
    world.send_raw(PEER, US, bytes);
    world.settle();
    let events = world.events(node);
    for event in &events {
        if let Event::Options { request, .. } = event {
            let (request, ok) = (
                *request,
                Response {
                    status: 200,
                    ..Response::default()
                },
            );
            world.tell(node, |endpoint, now| endpoint.respond(now, request, ok));
        }
    }
    let answers: Vec<_> = world
        .seen
        .iter()
        .skip(1)
        .map(|seen| seen.response().status)
        .collect();
    assert!(
        world
            .seen
            .iter()
            .skip(1)
            .all(|seen| seen.to.ip().to_string() == "192.0.2.9")
    );
    let treatment = match (events.as_slice(), answers.as_slice()) {
        ([Event::Invite { .. }], [100]) => Call,
        ([Event::Options { .. }], [200]) => Options,
        (
            []
            | [
                Event::Dropped {
                    reason: DropReason::Refused,
                    ..
                },
            ],
            [status],
        ) => Refused(*status),
        ([Event::Dropped { reason, .. }], []) => Dropped(*reason),
        other => panic!("{other:?}"),
    };
    if !matches!(treatment, Call) {
        world.assert_idle();
    }
    (treatment, events)
}

fn invite(bytes: &[u8]) -> IncomingInvite {
    match treat(bytes).1.pop() {
        Some(Event::Invite { invite, .. }) => *invite,
        other => panic!("{other:?}"),
    }
}

/// What a lone endpoint writes back on a stream.
fn stream(bytes: &[u8], piece: usize) -> Vec<String> {
    let mut world = World::new();
    let node: Node = world.add("192.0.2.1");
    let connection = world.connect_raw(PEER, node, Protocol::Tcp);
    for piece in bytes.chunks(piece) {
        world.write_raw(node, connection, piece);
    }
    world
        .seen
        .iter()
        .map(|seen| String::from_utf8_lossy(&seen.bytes).into_owned())
        .collect()
}
