use super::*;

const FIRST: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nContent-Length\r\n  : 9\r\n\r\n";
const MESSAGE: &[u8] = b"\r\nOPTIONS sip:a SIP/2.0\r\nVia: x\r\nl:\r\n 4\r\n\r\nabcd\r\n\r\nBYE sip:b SIP/2.0\nContent-Length: 0\n\n\r\n\r\n";

fn frames(pieces: &[&[u8]]) -> Vec<Frame> {
    let mut framer = Framer::default();
    let mut frames = Vec::new();
    for piece in pieces {
        framer.push(piece);
        while let Some(frame) = framer.next_frame() {
            frames.push(frame);
        }
    }
    frames
}

#[test]
fn a_split_at_any_byte_gives_the_same_frames() {
    let whole = frames(&[MESSAGE]);
    assert_eq!(whole.len(), 4, "{whole:?}");
    assert!(matches!(whole[1], Frame::Ping) && matches!(whole[3], Frame::Ping));
    for at in 0..=MESSAGE.len() {
        let (a, b) = MESSAGE.split_at(at);
        assert_eq!(frames(&[a, b]), whole, "split at {at}");
    }
    let bytes: Vec<&[u8]> = MESSAGE.chunks(1).collect();
    assert_eq!(frames(&bytes), whole);
}

#[test]
fn a_length_that_cannot_be_agreed_on_loses_the_stream() {
    for (length, error) in [
        ("Content-Length: -1\r\n", MessageError::ContentLength),
        ("Content-Length: +1\r\n", MessageError::ContentLength),
        ("Content-Length: 0x1\r\n", MessageError::ContentLength),
        ("Content-Length: 1 1\r\n", MessageError::ContentLength),
        ("Content-Length:\r\n", MessageError::ContentLength),
        ("Content-Length: 1\r\nl: 2\r\n", MessageError::ContentLength),
        (
            "Content-Length: 18446744073709551615\r\n",
            MessageError::TooLong,
        ),
        (
            "Content-Length: 18446744073709551616\r\n",
            MessageError::ContentLength,
        ),
        ("Content-Length: 4294967328\r\n", MessageError::TooLong),
        ("Content-Length: 131072\r\n", MessageError::TooLong),
        ("X: 1\r\n", MessageError::NoContentLength),
    ] {
        let text = format!("OPTIONS sip:a SIP/2.0\r\nVia: v\r\n{length}\r\n");
        match frames(&[text.as_bytes()]).as_slice() {
            [Frame::Lost(refusal)] => {
                assert_eq!(refusal.error, error, "{length:?}");
                assert_eq!(
                    refusal.basis.as_ref().unwrap().headers.get("Via"),
                    Some("v")
                );
            }
            other => panic!("{length:?}: {other:?}"),
        }
    }
}

#[test]
fn equal_lengths_agree() {
    let text = b"OPTIONS sip:a SIP/2.0\r\nContent-Length : 2\r\nl: 02\r\n\r\nab";
    assert_eq!(frames(&[text]), [Frame::Message(Bytes::from_static(text))]);
}

#[test]
fn a_head_without_end_is_cut_off() {
    let mut framer = Framer::default();
    for _ in 0..MAX_STREAM_MESSAGE_BYTES {
        framer.push(b"a");
        assert_eq!(framer.next_frame(), None);
    }
    framer.push(b"a");
    assert!(matches!(framer.next_frame(), Some(Frame::Lost(_))));
}

#[test]
fn a_name_may_not_be_folded_away_from_its_colon() {
    // HCOLON of RFC 3261 section 25.1: SP and HT before the colon, folds only behind it.
    assert!(matches!(frames(&[FIRST]).as_slice(), [Frame::Lost(_)]));
}

#[test]
fn a_short_message_right_behind_a_long_one_is_found() {
    let long = b"OPTIONS sip:a SIP/2.0\r\nX: a long value that is longer than the next message\r\nl: 0\r\n\r\n";
    let short = b"A sip:a SIP/2.0\r\nl: 0\r\n\r\n";
    let both = [&long[..], &short[..]].concat();
    assert_eq!(
        frames(&[&both]),
        [
            Frame::Message(Bytes::from_static(long)),
            Frame::Message(Bytes::from_static(short))
        ]
    );
}
