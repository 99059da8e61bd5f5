use proptest::prelude::*;

use super::*;
use crate::message::{Mandatory, NameAddr};

fn read(text: &str) -> Result<Message, Refusal> {
    Message::read(text.as_bytes(), Framing::Datagram)
}

fn request(text: &str) -> Request {
    match read(text) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn compact_folded_and_spaced_headers_are_read() {
    let request = request(
        "\r\nOPTIONS sip:a@h SIP/2.0\nv : SIP/2.0/UDP h\n ;branch=z9hG4bK1\r\nf:<sip:b@h>\r\n\t;tag=1\r\njunk\r\nX-1: a\r\nl: 2\r\n\r\nabcd",
    );
    assert_eq!(
        request.headers.get("Via"),
        Some("SIP/2.0/UDP h ;branch=z9hG4bK1")
    );
    assert_eq!(request.headers.get("From"), Some("<sip:b@h> ;tag=1"));
    assert_eq!(request.headers.get("Content-Length"), None);
    assert_eq!(request.body.as_ref(), b"ab");
}

#[test]
fn controls_are_allowed_in_quoted_pairs_alone() {
    let request = request(
        "OPTIONS sip:a@h SIP/2.0\r\nX-A: \"\\\0\"\r\nX-B: a\0b\r\nX-C: a\rVia: x\r\nX-D: \"\\\\\0\"\r\n\r\n",
    );
    assert_eq!(request.headers.get("X-A"), Some("\"\\\0\""));
    for name in ["X-B", "X-C", "X-D", "Via"] {
        assert_eq!(request.headers.get(name), None, "{name}");
    }
}

#[test]
fn bytes_outside_utf8_spoil_their_own_value_alone() {
    let message = Message::read(
        b"OPTIONS sip:a@h SIP/2.0\r\nSubject: caf\xe9\r\nX-1: y\r\n\r\n",
        Framing::Datagram,
    );
    let Ok(Message::Request(request)) = message else {
        panic!("{message:?}")
    };
    assert_eq!(request.headers.get("Subject"), Some("caf\u{fffd}"));
    assert_eq!(request.headers.get("X-1"), Some("y"));
}

#[test]
fn refusals_say_why_and_keep_what_an_answer_needs() {
    for (text, error, status) in [
        ("OPTIONS  sip:a@h SIP/2.0", MessageError::StartLine, 400),
        ("OPTIONS sip:a@h SIP/2.0 ", MessageError::StartLine, 400),
        ("OPTIONS <sip:a@h> SIP/2.0", MessageError::RequestUri, 400),
        ("OPTIONS sip:a@h?x=y SIP/2.0", MessageError::RequestUri, 400),
        ("OPTIONS sip:a@h SIP/7.0", MessageError::Version, 505),
        (
            "OPTIONS sip:a@h SIP/2.0\r\nl: 1",
            MessageError::Truncated,
            400,
        ),
        (
            "OPTIONS sip:a@h SIP/2.0\r\nl: -1",
            MessageError::ContentLength,
            400,
        ),
    ] {
        let refusal = read(&format!("{text}\r\nVia: v\r\n\r\n")).unwrap_err();
        assert_eq!(refusal.error, error, "{text}");
        assert_eq!(refusal.error.status(), status);
        assert_eq!(
            refusal.basis.unwrap().headers.get("Via"),
            Some("v"),
            "{text}"
        );
    }
    for text in [
        "SIP/2.0 1000 x",
        "SIP/2.0 099 x",
        "SIP/2.0 +20 x",
        "SIP/3.0 200 OK",
        "no\x01sip",
        "\r\n\r\n",
    ] {
        assert!(
            read(&format!("{text}\r\n\r\n"))
                .unwrap_err()
                .basis
                .is_none(),
            "{text}"
        );
    }
}

#[test]
fn caps_hold() {
    let many = format!(
        "OPTIONS sip:a@h SIP/2.0\r\n{}\r\n",
        "X: y\r\n".repeat(MAX_HEADERS + 1)
    );
    assert_eq!(read(&many).unwrap_err().error, MessageError::TooManyHeaders);
    let long = format!(
        "OPTIONS sip:a@h SIP/2.0\r\nX: {}\r\n\r\n",
        "y".repeat(MAX_HEADER_BYTES + 1)
    );
    assert_eq!(read(&long).unwrap_err().error, MessageError::HeaderTooLong);
    assert_eq!(
        read(&"x".repeat(MAX_DATAGRAM_BYTES + 1)).unwrap_err().error,
        MessageError::TooLong
    );
}

#[test]
fn a_binary_body_is_written_back_byte_for_byte() {
    let mut bytes =
        b"MESSAGE sip:a@h SIP/2.0\r\nContent-Type: x/y\r\nContent-Length: 256\r\n\r\n".to_vec();
    bytes.extend(0..=255u8);
    let message = Message::read(&bytes, Framing::Stream).unwrap();
    assert_eq!(message.write(), bytes);
}

/// Text that looks like SIP more often than not.
fn sipish() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("INVITE sip:a@h SIP/2.0\r\n".to_owned()),
        Just("SIP/2.0 200 OK\r\n".to_owned()),
        Just("Via: SIP/2.0/UDP [::1]:5060;branch=z9hG4bKx,".to_owned()),
        Just("f: \"A\\\"\" <sip:a.b@[::1];x=y?h=i>;tag=1".to_owned()),
        Just("Content-Length: 3\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n ".to_owned()),
        "[ -~]{0,12}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| words.concat().into_bytes())
}

fn text() -> impl Strategy<Value = String> {
    "[!-~\u{e9}\u{4e2d}]([ -~\u{e9}]{0,20}[!-~])?"
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..600), sipish()]) {
        for framing in [Framing::Datagram, Framing::Stream] {
            if let Ok(message) = Message::read(&bytes, framing) {
                // What was read is written and read again the same.
                prop_assert_eq!(Message::read(&message.write(), framing), Ok(message.clone()));
                match &message {
                    Message::Request(request) => { let _ = Mandatory::of_request(request); }
                    Message::Response(response) => { let _ = Mandatory::of_response(response); }
                }
            }
        }
        let mut framer = crate::message::Framer::default();
        framer.push(&bytes);
        while framer.next_frame().is_some() {}
    }

    #[test]
    fn no_value_panics(value in "[ -~\\x00-\\x1f\u{e9}]{0,80}") {
        let _ = crate::message::Via::parse(&value);
        let _ = crate::message::CSeq::parse(&value);
        let _ = crate::message::parse_reason(&value);
        let _ = crate::message::parse_warning(&value);
        if let Some(list) = NameAddr::parse_list(&value) {
            for one in list {
                prop_assert_eq!(NameAddr::parse(&one.to_string()), Some(one));
            }
        }
        if let Ok(uri) = Uri::parse(&value) {
            prop_assert_eq!(Uri::parse(&uri.to_string()), Ok(uri));
        }
    }

    #[test]
    fn what_is_written_is_read(
        names in prop::collection::vec("[A-Za-z-]{2,20}", 0..10),
        values in prop::collection::vec(text(), 10),
        body in prop::collection::vec(any::<u8>(), 0..200),
        status in 100u16..700,
    ) {
        let mut headers = Headers::default();
        for (name, value) in names.iter().zip(&values) {
            if !name.eq_ignore_ascii_case("Content-Length") {
                headers.push(name, value).unwrap();
            }
        }
        let message = Message::Response(Response {
            status,
            reason: crate::message::phrase(status),
            headers,
            body: body.into(),
        });
        prop_assert_eq!(Message::read(&message.write(), Framing::Stream), Ok(message));
    }
}
