use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const CALLER: &str = "192.0.2.10:16400";
const GATEWAY: &str = "198.51.100.20:24000";

/// Hands datagrams to an observer, 20 ms apart unless told otherwise.
struct Wire {
    observer: Observer,
    now: Duration,
}

impl Wire {
    fn new() -> Self {
        Self {
            observer: Observer::new(),
            now: Duration::ZERO,
        }
    }

    fn udp(&mut self, source: &str, destination: &str, payload: &[u8]) {
        self.seen(source, destination, Carrier::Udp, payload, 0);
    }

    fn seen(&mut self, from: &str, to: &str, carrier: Carrier, payload: &[u8], missing: usize) {
        self.observer.handle_datagram(Datagram {
            at: self.now,
            source: address(from),
            destination: address(to),
            carrier,
            payload,
            missing_bytes: missing,
        });
        self.now += Duration::from_millis(20);
    }

    /// Speech-like packets from the caller with these sequence numbers.
    fn talk(&mut self, payload_type: u8, sequences: impl IntoIterator<Item = u16>) {
        for sequence in sequences {
            self.udp(CALLER, GATEWAY, &rtp(payload_type, sequence, &[0xFF; 160]));
        }
    }

    fn streams(self) -> Vec<StreamReport> {
        self.observer.finish().streams
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn rtp(payload_type: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80, payload_type];
    out.extend(sequence.to_be_bytes());
    out.extend((u32::from(sequence) * 160).to_be_bytes());
    out.extend(0x00C0_FFEE_u32.to_be_bytes());
    out.extend(payload);
    out
}

fn invite(sdp: &str) -> String {
    format!(
        "INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP b;branch=z9hG4bK1\r\nf: <sip:c@d>;tag=1\r\n\
         t: <sip:a@b>\r\ni: call-1@example\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\
         c: application/sdp\r\nl: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

fn sdp(media: &str) -> String {
    format!("v=0\r\nc=IN IP4 198.51.100.20\r\n{media}\r\n")
}

#[test]
fn a_stream_is_counted_as_rfc_3550_says() {
    let mut wire = Wire::new();
    // 4 is lost, 7 comes twice, 9 overtakes 8; the sequence number wraps.
    wire.talk(
        0,
        [65_533, 65_534, 65_535, 0, 1, 2, 3, 5, 6, 7, 7, 9, 8, 10],
    );
    let streams = wire.streams();
    assert_eq!(streams.len(), 1);
    let stream = &streams[0];
    let Origin::Rtp { payload_type, .. } = stream.origin else {
        panic!("seen on the wire");
    };
    assert_eq!((stream.format, payload_type), ("pcmu", 0));
    assert_eq!((stream.packets, stream.expected), (14, 14));
    assert_eq!((stream.lost, stream.duplicate, stream.reordered), (1, 1, 1));
    assert_eq!(stream.duration, Duration::from_millis(13 * 20));
}

#[test]
fn what_only_looks_like_rtp_is_no_stream() {
    let mut wire = Wire::new();
    for n in 0..50_u16 {
        // Receiver reports (201), between the ports of media.
        wire.udp(CALLER, GATEWAY, &rtp(201, n, &[0; 20]));
        // DNS, STUN, and random SSRCs under RTP's version.
        wire.udp("192.0.2.10:5353", "192.0.2.1:53", &rtp(0, n, &[])[..11]);
        wire.udp(CALLER, GATEWAY, b"\0\x01\0\0\x21\x12\xA4\x42............");
        let mut random = rtp(0, n, &[1; 40]);
        random[8..10].copy_from_slice(&n.to_be_bytes());
        wire.udp("192.0.2.10:7000", "192.0.2.1:7000", &random);
        // One SSRC, but sequence numbers that leap.
        wire.udp(
            "192.0.2.10:8000",
            "192.0.2.1:8000",
            &rtp(0, n.wrapping_mul(7_919), &[1; 40]),
        );
    }
    assert!(wire.streams().is_empty());
}

#[test]
fn three_packets_make_a_stream_and_none_of_them_is_left_out() {
    let mut wire = Wire::new();
    wire.talk(8, [10, 11]);
    assert!(wire.streams().is_empty());
    let mut wire = Wire::new();
    wire.talk(8, [10, 11, 12]);
    let streams = wire.streams();
    assert_eq!((streams[0].packets, streams[0].format), (3, "pcma"));
    assert_eq!(streams[0].first_packet, Duration::ZERO);
}

#[test]
fn sdp_says_what_a_dynamic_payload_type_is_and_whose_call() {
    let mut wire = Wire::new();
    let media = "m=audio 24000 RTP/AVP 97\r\na=rtpmap:97 PCMA/8000";
    wire.udp("192.0.2.10:5060", "198.51.100.20:5060", b"\r\n\r\n");
    let answer = invite(&sdp(media));
    wire.udp("198.51.100.20:5060", "192.0.2.10:5060", answer.as_bytes());
    wire.talk(97, 0..10);
    let observation = wire.observer.finish();
    assert_eq!(observation.streams[0].format, "pcma");
    assert_eq!(
        observation.streams[0].call_id.as_deref(),
        Some("call-1@example")
    );
    let signal = &observation.signals[0];
    assert_eq!(
        (signal.text.as_str(), signal.kind),
        ("INVITE", SignalKind::Request)
    );
    assert_eq!(signal.detail, "pcma at 198.51.100.20:24000");
}

#[test]
fn ciphertext_is_counted_and_not_listened_to() {
    let mut wire = Wire::new();
    let answer = invite(&sdp("m=audio 24000 RTP/SAVP 0"));
    wire.udp("198.51.100.20:5060", "192.0.2.10:5060", answer.as_bytes());
    wire.talk(0, 0..10);
    let streams = wire.streams();
    assert!(streams[0].encrypted);
    assert_eq!((streams[0].format, streams[0].packets), ("pcmu", 10));
    assert!(Playback::new(&streams[0]).is_none());
}

#[test]
fn without_sdp_a_dynamic_payload_type_is_counted_and_not_judged() {
    let mut wire = Wire::new();
    wire.talk(97, 0..10);
    let streams = wire.streams();
    assert_eq!((streams[0].format, streams[0].mos), ("unknown", None));
    assert_eq!(streams[0].packets, 10);
}

#[test]
fn telephone_events_are_counted_apart() {
    let mut wire = Wire::new();
    wire.talk(0, 0..10);
    for sequence in 10..18 {
        wire.udp(CALLER, GATEWAY, &rtp(101, sequence, &[5, 10, 0, 160]));
    }
    wire.talk(0, 18..30);
    let streams = wire.streams();
    assert_eq!((streams[0].packets, streams[0].telephone_events), (30, 8));
    assert_eq!((streams[0].format, streams[0].lost), ("pcmu", 0));
}

#[test]
fn sip_over_tcp_is_put_together() {
    let mut wire = Wire::new();
    let message = invite(&sdp("m=audio 24000 RTP/AVP 0"));
    let twice = [message.as_bytes(), b"\r\n\r\n", message.as_bytes()].concat();
    let mut sequence = u32::MAX - 20;
    for part in twice.chunks(50) {
        for _ in 0..2 {
            // Each segment is retransmitted once.
            let carrier = Carrier::Tcp { sequence };
            wire.seen("192.0.2.10:40000", "198.51.100.20:5060", carrier, part, 0);
        }
        sequence = sequence.wrapping_add(part.len() as u32);
    }
    let signals = wire.observer.finish().signals;
    assert_eq!(signals.len(), 2);
    assert_eq!(signals[1].detail, "pcmu at 198.51.100.20:24000");
}

#[test]
fn cut_packets_are_counted_and_not_listened_to() {
    let mut wire = Wire::new();
    for sequence in 0..10 {
        let packet = rtp(0, sequence, &[0x55; 30]);
        wire.seen(CALLER, GATEWAY, Carrier::Udp, &packet, 130);
    }
    let streams = wire.streams();
    assert_eq!((streams[0].packets, streams[0].truncated), (10, 10));
    assert_eq!(streams[0].fault, None);
}

#[test]
fn a_report_serialises_to_the_contract() {
    let mut wire = Wire::new();
    wire.now = Duration::from_secs(2);
    wire.talk(0, 0..5);
    let json = serde_json::to_string(&wire.streams()[0]).expect("JSON");
    assert_eq!(
        json,
        "{\"source\":\"192.0.2.10:16400\",\"destination\":\"198.51.100.20:24000\",\
         \"ssrc\":\"0x00c0ffee\",\"payload_type\":0,\"format\":\"pcmu\",\"first_packet_ms\":2000,\
         \"duration_ms\":80,\"packets\":5,\"expected\":5,\"lost\":0,\"duplicate\":0,\
         \"reordered\":0,\"jitter_ms\":0.0,\"mos\":4.41,\"fault\":\"none\"}"
    );
}

#[test]
fn a_fault_serialises_to_the_contract() {
    use squelch_media::detect::{ByteOrder, Fault, Finding, Pace, Variant, What};
    let finding = Finding {
        fault: Fault::G711AsPcm16,
        variant: Variant {
            what: What::Pcm16,
            order: Some(ByteOrder::Little),
            rate_hz: Some(24_000),
            pace: Pace::Continuous,
        },
        from: Duration::from_secs(5),
        detected_at: Duration::from_millis(5_060),
        to: None,
        confidence: 0.9994,
    };
    let report = FaultReport::new(&finding, Duration::from_secs(9));
    assert_eq!(
        serde_json::to_string(&report).expect("JSON"),
        "{\"fault\":\"g711_as_pcm16\",\"from_ms\":5000,\"detected_at_ms\":5060,\"to_ms\":9000,\
         \"confidence\":0.999,\"repair\":\"none\",\"variant\":\"pcm16le 24000\"}"
    );
}

#[test]
fn playback_puts_each_packet_at_its_time() {
    let packets: Vec<_> = [0, 1, 3, 2, 5]
        .map(|sequence| rtp(0, sequence, &[0x00; 160]))
        .into();
    let mut wire = Wire::new();
    for packet in &packets {
        wire.udp(CALLER, GATEWAY, packet);
    }
    let mut playback = Playback::new(&wire.streams()[0]).expect("a format with a law");
    for packet in &packets {
        playback.handle_datagram(Datagram {
            at: Duration::ZERO,
            source: address(CALLER),
            destination: address(GATEWAY),
            carrier: Carrier::Udp,
            payload: packet,
            missing_bytes: 0,
        });
    }
    let samples = playback.into_samples();
    assert_eq!(samples.len(), 6 * 160);
    // Code 0x00 of mu-law is its loudest negative value; packet 4 never came.
    assert_eq!((samples[3 * 160 - 1], samples[4 * 160 + 3]), (-32_124, 0));
}

proptest! {
    #[test]
    fn hostile_datagrams_never_panic(
        datagrams in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..80), any::<bool>(), 0_usize..3), 0..60),
    ) {
        let mut wire = Wire::new();
        for (sequence, (mut bytes, rtp, missing)) in datagrams.into_iter().enumerate() {
            if rtp && bytes.len() > 12 {
                bytes[0] |= 0x80;
                bytes[0] &= 0xBF;
                bytes[2..12].copy_from_slice(&[0, sequence as u8, 0, 0, 0, 0, 1, 2, 3, 4]);
            }
            wire.seen(CALLER, GATEWAY, Carrier::Udp, &bytes, missing);
        }
        let _ = wire.streams();
    }

    #[test]
    fn hostile_signalling_never_panics(
        lines in proptest::collection::vec("(v=|c=IN IP4 |m=audio |a=rtpmap:|m=)[ -~]{0,30}", 0..20),
        noise in "\\PC{0,40}",
        cut in 0_usize..400,
        sequence in any::<u32>(),
    ) {
        let text = invite(&format!("{}\r\n{noise}", lines.join("\r\n")));
        let mut bytes = text.into_bytes();
        bytes.truncate(cut.max(1));
        let mut wire = Wire::new();
        wire.udp(CALLER, GATEWAY, &bytes);
        for part in bytes.chunks(37) {
            wire.seen(CALLER, GATEWAY, Carrier::Tcp { sequence }, part, 0);
        }
        let _ = wire.streams();
    }
}
