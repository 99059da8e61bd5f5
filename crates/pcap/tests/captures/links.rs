//! Link types, tags, IP versions, and what is counted instead of given out.

use squelch_pcap::{Packet, Reader, Transport};

use crate::build::*;

fn first(link_type: u32, frame: &[u8]) -> Packet {
    let mut capture = pcap_header(Order::Little, 0xA1B2_C3D4, link_type);
    capture.extend(pcap_record(Order::Little, 0, 0, frame));
    read(&capture).remove(0).expect("a packet")
}

#[test]
fn every_link_type_leads_to_the_datagram() {
    let packet = datagram(b"voice");
    let with = |header: &[u8]| [header, &packet].concat();
    let cooked1 = [&[0; 14][..], &[0x08, 0x00]].concat();
    let cooked2 = [&[0x08, 0x00][..], &[0; 18]].concat();
    let macs = [0; 12];
    let vlan = [&macs[..], &[0x81, 0, 0, 5, 0x08, 0]].concat();
    let stacked = [&macs[..], &[0x88, 0xA8, 0, 5, 0x81, 0, 0, 6, 0x08, 0]].concat();
    for (link_type, frame) in [
        (0, with(&[2, 0, 0, 0])),
        (0, with(&[0, 0, 0, 2])),
        (1, ethernet(&packet)),
        (1, with(&vlan)),
        (1, with(&stacked)),
        (101, with(&[])),
        (228, with(&[])),
        (108, with(&[0, 0, 0, 2])),
        (113, with(&cooked1)),
        (276, with(&cooked2)),
    ] {
        let packet = first(link_type, &frame);
        assert_eq!(packet.payload, &b"voice"[..], "link type {link_type}");
        assert_eq!((packet.source, packet.destination), ends());
    }
}

#[test]
fn ethernet_padding_is_no_payload() {
    let mut frame = ethernet(&datagram(b"hi"));
    frame.resize(60, 0);
    assert_eq!(first(1, &frame).payload, &b"hi"[..]);
}

#[test]
fn ipv6_with_an_extension_header() {
    let content = udp(b"six");
    // Version, payload length, next header 60 (destination options), hop limit, addresses.
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((8 + content.len() as u16).to_be_bytes());
    packet.extend([60, 64]);
    packet.extend([0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend([0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    // Next header 17, length 0 (8 bytes), one PadN of four.
    packet.extend([17, 0, 1, 4, 0, 0, 0, 0]);
    packet.extend(content);
    let packet = first(101, &packet);
    assert_eq!(packet.source.to_string(), "[2001:db8::1]:4000");
    assert_eq!(packet.payload, &b"six"[..]);
}

#[test]
fn a_tcp_segment_tells_its_sequence_number() {
    let mut segment = 4_000_u16.to_be_bytes().to_vec();
    segment.extend(5_061_u16.to_be_bytes());
    segment.extend(0x0102_0304_u32.to_be_bytes());
    // Acknowledgement, header of 6 words, PSH and ACK, window, checksum, urgent pointer, 4 bytes of options.
    segment.extend([0, 0, 0, 0, 0x60, 0x18, 0xFF, 0xFF, 0, 0, 0, 0, 1, 1, 1, 1]);
    segment.extend(b"OPTIONS");
    let packet = first(101, &ipv4(6, 0, &segment));
    let sequence = 0x0102_0304;
    assert_eq!(packet.transport, Transport::Tcp { sequence });
    assert_eq!(packet.payload, &b"OPTIONS"[..]);
}

#[test]
fn what_is_not_given_out_is_counted() {
    let order = Order::Little;
    let mut capture = pcap_header(order, 0xA1B2_C3D4, 1);
    let more_fragments = 0x2000;
    let lying_udp = [0x0F, 0xA0, 0x13, 0x88, 0x03, 0xE8, 0, 0, 1];
    for frame in [
        ethernet(&ipv4(17, more_fragments, &udp(b"first piece"))),
        ethernet(&ipv4(17, 2, b"second piece")),
        ethernet(&ipv4(1, 0, &[8, 0, 0, 0, 0, 0, 0, 0])),
        ethernet(&ipv4(17, 0, &lying_udp)),
        ethernet(&ipv4(17, 0, &[1, 2])),
        [0; 40].to_vec(),
        [1; 5].to_vec(),
    ] {
        capture.extend(pcap_record(order, 0, 0, &frame));
    }
    let mut reader = Reader::new(&capture[..]).expect("a capture");
    assert!(reader.next().is_none());
    let counters = reader.counters();
    assert_eq!(counters.records, 7);
    assert_eq!(counters.fragments, 2);
    assert_eq!(counters.malformed, 2);
    assert_eq!(counters.other, 3);
}

#[test]
fn a_packet_cut_by_the_snap_length_says_how_much_is_missing() {
    let frame = ethernet(&datagram(&[b'x'; 172]));
    let cut = &frame[..60];
    let mut capture = pcap_header(Order::Little, 0xA1B2_C3D4, 1);
    capture.extend(cut_record(Order::Little, 0, 0, cut, frame.len()));
    let mut reader = Reader::new(&capture[..]).expect("a capture");
    let packet = reader.next().expect("an item").expect("a packet");
    assert_eq!(packet.payload.len(), 60 - 42);
    assert_eq!(packet.missing_bytes, 172 - (60 - 42));
    assert_eq!(reader.counters().truncated, 1);
}
