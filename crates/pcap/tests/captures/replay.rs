//! A stream picked out of a capture.

use std::time::Duration;

use squelch_pcap::replay::{Choice, schedule};
use squelch_pcap::{Packet, Reader, Writer};

use crate::build::ends;

fn rtp(sequence: u16, payload_type: u8, ssrc: u32) -> Vec<u8> {
    let mut out = vec![0x80, payload_type];
    out.extend(sequence.to_be_bytes());
    out.extend((u32::from(sequence) * 160).to_be_bytes());
    out.extend(ssrc.to_be_bytes());
    out.extend([0xFF; 160]);
    out
}

/// SIP, a short stream, RTCP, and a long stream one way.
fn call() -> Vec<Packet> {
    let (carrier, gateway) = ends();
    let mut writer = Writer::new(Vec::new()).expect("a header");
    let ms = Duration::from_millis;
    let mut write =
        |at, from, to, bytes: &[u8]| writer.write(at, from, to, bytes).expect("a packet");
    write(ms(0), carrier, gateway, b"INVITE sip:a@b SIP/2.0\r\n\r\n");
    for n in 0..10 {
        let at = u64::from(n) * 20;
        write(ms(500 + at), carrier, gateway, &rtp(n, 0, 0xA));
        // A sender report: packet type 200.
        write(ms(501 + at), carrier, gateway, &rtp(n, 200, 0xA));
        if n < 4 {
            write(ms(505 + at), gateway, carrier, &rtp(n, 8, 0xB));
        }
    }
    let bytes = writer.into_inner().expect("bytes");
    let reader = Reader::new(&bytes[..]).expect("a capture");
    reader.map(|packet| packet.expect("a packet")).collect()
}

#[test]
fn the_longest_stream_is_taken_with_its_own_times() {
    let schedule = schedule(call(), Choice::Longest).expect("a stream");
    assert_eq!((schedule.source, schedule.destination), ends());
    assert_eq!((schedule.ssrc, schedule.payload_type), (0xA, 0));
    let due: Vec<_> = schedule
        .packets
        .iter()
        .map(|(due, _)| due.as_millis())
        .collect();
    assert_eq!(due, [0, 20, 40, 60, 80, 100, 120, 140, 160, 180]);
    assert_eq!(schedule.packets[3].1, rtp(3, 0, 0xA));
}

#[test]
fn a_stream_can_be_named_by_its_ssrc() {
    let schedule = schedule(call(), Choice::Ssrc(0xB)).expect("a stream");
    assert_eq!((schedule.packets.len(), schedule.payload_type), (4, 8));
}

#[test]
fn no_stream_no_schedule() {
    assert_eq!(schedule(call(), Choice::Ssrc(0xC)), None);
    assert_eq!(schedule(call().into_iter().take(3), Choice::Longest), None);
}
