//! Both formats, either byte order, every resolution of time.

use std::io::{self, Read};
use std::time::Duration;

use squelch_pcap::Reader;

use crate::build::*;

#[test]
fn pcap_of_either_byte_order_and_resolution() {
    for order in [Order::Little, Order::Big] {
        for (magic, per_ms) in [(0xA1B2_C3D4, 1_000), (0xA1B2_3C4D, 1_000_000)] {
            let mut capture = pcap_header(order, magic, 1);
            let frame = |text: &str| ethernet(&datagram(text.as_bytes()));
            capture.extend(pcap_record(order, 100, 999 * per_ms, &frame("one")));
            capture.extend(pcap_record(order, 101, 19 * per_ms, &frame("two")));
            let expected = [(0, "one"), (20, "two")];
            let expected = expected.map(|(ms, text)| (Duration::from_millis(ms), text.into()));
            assert_eq!(texts(&capture), expected, "{order:?} {magic:x}");
        }
    }
}

#[test]
fn a_packet_says_who_when_and_what() {
    let mut capture = pcap_header(Order::Little, 0xA1B2_3C4D, 1);
    let frame = ethernet(&datagram(b"hello"));
    capture.extend(pcap_record(Order::Little, 7, 5, &frame));
    let packet = read(&capture).remove(0).expect("a packet");
    assert_eq!((packet.source, packet.destination), ends());
    assert_eq!(packet.epoch, Duration::new(7, 5));
    assert_eq!(packet.transport, squelch_pcap::Transport::Udp);
    assert_eq!(packet.missing_bytes, 0);
}

#[test]
fn pcapng_interfaces_keep_their_own_clock_and_link_type() {
    const TSRESOL: u16 = 9;
    const TSOFFSET: u16 = 14;
    for order in [Order::Little, Order::Big] {
        let offset: [u8; 8] = match order {
            Order::Little => 10_i64.to_le_bytes(),
            Order::Big => 10_i64.to_be_bytes(),
        };
        let packet = |text: &str| datagram(text.as_bytes());
        let framed = |text: &str| ethernet(&packet(text));
        let mut capture = ng_section(order);
        capture.extend(ng_interface(order, 1, &[]));
        capture.extend(ng_interface(order, 101, &[(TSRESOL, &[9])]));
        // Ticks of 2^-10 s, and a clock that is 10 s behind.
        let binary: [(u16, &[u8]); 2] = [(TSRESOL, &[0x8A]), (TSOFFSET, &offset)];
        capture.extend(ng_interface(order, 1, &binary));
        capture.extend(ng_packet(order, 0, 20_000_000, &framed("microseconds")));
        capture.extend(ng_packet(order, 1, 20_000_000_001, &packet("nanoseconds")));
        capture.extend(ng_packet(order, 2, 10 * 1_024 + 512, &framed("binary")));
        let expected = [
            (Duration::ZERO, "microseconds".into()),
            (Duration::from_nanos(1), "nanoseconds".into()),
            (Duration::from_millis(500), "binary".into()),
        ];
        assert_eq!(texts(&capture), expected, "{order:?}");
    }
}

#[test]
fn pcapng_sections_begin_anew() {
    let framed = |text: &str| ethernet(&datagram(text.as_bytes()));
    let mut capture = ng_section(Order::Big);
    capture.extend(ng_interface(Order::Big, 1, &[]));
    capture.extend(ng_packet(Order::Big, 0, 1_000_000, &framed("big")));
    capture.extend(ng_section(Order::Little));
    capture.extend(ng_interface(Order::Little, 1, &[]));
    // An unknown block and name resolution are passed over.
    capture.extend(ng_block(Order::Little, 0x0000_0BAD, &[1; 40]));
    capture.extend(ng_block(Order::Little, 4, &[0; 4]));
    capture.extend(ng_packet(Order::Little, 0, 1_500_000, &framed("little")));
    let expected = [(0, "big"), (500, "little")];
    let expected = expected.map(|(ms, text)| (Duration::from_millis(ms), text.into()));
    assert_eq!(texts(&capture), expected);
}

#[test]
fn a_simple_packet_block_has_the_time_of_the_packet_before() {
    let order = Order::Little;
    let frame = ethernet(&datagram(b"simple"));
    let mut content = order.u32(frame.len() as u32).to_vec();
    content.extend(&frame);
    let mut capture = ng_section(order);
    capture.extend(ng_interface(order, 1, &[]));
    capture.extend(ng_packet(order, 0, 5_000_000, &ethernet(&datagram(b"a"))));
    capture.extend(ng_packet(order, 0, 6_000_000, &ethernet(&datagram(b"b"))));
    capture.extend(ng_block(order, 3, &content));
    let (at, text) = texts(&capture).pop().expect("three packets");
    assert_eq!((at, text.as_str()), (Duration::from_secs(1), "simple"));
}

/// A long capture that comes a few bytes at a time, as from a pipe.
#[test]
fn a_capture_is_read_as_it_comes() {
    struct Trickle {
        bytes: Vec<u8>,
        at: usize,
    }
    impl Read for Trickle {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let left = &self.bytes[self.at..];
            let count = left.len().min(into.len()).min(7);
            into[..count].copy_from_slice(&left[..count]);
            self.at += count;
            Ok(count)
        }
    }
    let mut bytes = pcap_header(Order::Little, 0xA1B2_C3D4, 101);
    for second in 0..300 {
        let packet = datagram(&[b'x'; 1_000]);
        bytes.extend(pcap_record(Order::Little, second, 0, &packet));
    }
    let reader = Reader::new(Trickle { bytes, at: 0 }).expect("a capture");
    let packets: Vec<_> = reader.map(|packet| packet.expect("a packet")).collect();
    assert_eq!(packets.len(), 300);
    assert_eq!(packets[299].at, Duration::from_secs(299));
}
