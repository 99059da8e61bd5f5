//! What is no RTP, or none that was agreed on, goes no further and is counted under its reason.

use crate::call::{Call, address, packet, plan};
use squelch_media::{Direction, DropReason, Format, Forward, Side};

const ULAW: u8 = 0;

/// A packet whose first byte and rest are the test's.
fn raw(first: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, ULAW, 0, 1, 0, 0, 0, 160, 0xDE, 0xAD, 0xBE, 0xEF];
    bytes.extend_from_slice(rest);
    bytes
}

/// The datagram is dropped for `reason`, and that is all that it changes.
fn assert_dropped(what: &str, bytes: &[u8], reason: DropReason) {
    let mut call = Call::pcmu();
    for times in 1..=3 {
        let (forward, _) = call.forward(Side::Carrier, address(Side::Carrier), bytes);
        assert_eq!(forward, Forward::Drop(reason), "{what}");
        let dropped = call.bridge.leg(Side::Carrier).dropped;
        assert_eq!(dropped.get(reason), times, "{what}");
        assert_eq!(dropped.total(), times, "{what}");
    }
    let stats = call.bridge.leg(Side::Carrier);
    assert_eq!(
        (stats.packets, stats.expected, stats.last_packet),
        (0, 0, None),
        "{what}"
    );
    assert_eq!(call.bridge.leg(Side::Openai).dropped.total(), 0, "{what}");
    assert!(call.bridge.poll_event().is_none(), "{what}");
}

#[test]
fn what_is_no_rtp_is_malformed() {
    let whole = packet(ULAW, 1, 1, &[0x55; 160]);
    for length in 0..12 {
        assert_dropped(
            "shorter than a header",
            &whole[..length],
            DropReason::Malformed,
        );
    }
    for version in [0x00, 0x40, 0xC0] {
        assert_dropped(
            "version",
            &raw(version, &[0x55; 160]),
            DropReason::Malformed,
        );
    }
    let cases: [(&str, u8, &[u8]); 8] = [
        ("CSRCs beyond the end", 0x81, &[0; 3]),
        ("15 CSRCs and room for 14", 0x8F, &[0; 59]),
        ("an extension without its header", 0x90, &[0xBE, 0xDE, 0]),
        (
            "an extension beyond the end",
            0x90,
            &[0xBE, 0xDE, 0, 1, 0, 0, 0],
        ),
        (
            "an extension of 256 KiB",
            0x90,
            &[0xBE, 0xDE, 0xFF, 0xFF, 0, 0, 0, 0],
        ),
        ("padding of none", 0xA0, &[0x55, 0x55, 0]),
        ("more padding than there is payload", 0xA0, &[0x55, 0x55, 4]),
        (
            "more padding than there is packet",
            0xA0,
            &[0x55, 0x55, 255],
        ),
    ];
    for (what, first, rest) in cases {
        assert_dropped(what, &raw(first, rest), DropReason::Malformed);
    }
}

#[test]
fn rtcp_on_the_same_port_is_told_apart() {
    // A receiver report without blocks, and the whole range of RFC 5761.
    for packet_type in 192..=223 {
        let report = [0x80, packet_type, 0, 1, 1, 2, 3, 4];
        assert_dropped("RTCP", &report, DropReason::Rtcp);
    }
}

#[test]
fn a_datagram_longer_than_any_packet_is_dropped_for_its_size() {
    let mut call = Call::pcmu();
    let mut long = raw(0x80, &[0x55; 1_600]);
    let length = long.len();
    for claimed in [1_501, length, length + 1, usize::MAX] {
        let forward = call.bridge.forward(
            call.now,
            Side::Carrier,
            address(Side::Carrier),
            &mut long,
            claimed,
        );
        assert_eq!(forward, Forward::Drop(DropReason::Size), "{claimed}");
    }
    let dropped = call.bridge.leg(Side::Carrier).dropped;
    assert_eq!(dropped.get(DropReason::Size), 4);
}

#[test]
fn an_empty_packet_is_received_but_not_passed_on() {
    let mut call = Call::pcmu();
    for empty in [raw(0x80, &[]), raw(0xA0, &[0, 0, 0, 4])] {
        let (forward, _) = call.forward(Side::Carrier, address(Side::Carrier), &empty);
        assert!(
            matches!(
                forward,
                Forward::Drop(DropReason::Size | DropReason::Duplicate)
            ),
            "{forward:?}"
        );
    }
    let stats = call.bridge.leg(Side::Carrier);
    assert_eq!((stats.packets, stats.lost, stats.bytes), (1, 0, 0));
    assert_eq!(stats.last_packet, Some(call.now), "the peer is alive");
}

#[test]
fn a_duplicate_is_sent_on_once() {
    let mut call = Call::pcmu();
    let packets: Vec<Vec<u8>> = (0..5)
        .map(|sequence| packet(ULAW, sequence, 1, &[0x55; 160]))
        .collect();
    for packet in &packets {
        assert!(call.send(Side::Carrier, packet).is_some());
    }
    for packet in &packets {
        assert_eq!(call.send(Side::Carrier, packet), None);
    }
    let stats = call.bridge.leg(Side::Carrier);
    assert_eq!((stats.packets, stats.duplicates, stats.lost), (5, 5, 0));
    assert_eq!(stats.dropped.get(DropReason::Duplicate), 5);
}

#[test]
fn what_a_direction_forbids_is_counted_under_it() {
    for (direction, side) in [
        (Direction::SendOnly, Side::Carrier),
        (Direction::RecvOnly, Side::Openai),
        (Direction::Inactive, Side::Carrier),
        (Direction::Inactive, Side::Openai),
    ] {
        let mut plan = plan(Format::Pcmu, Format::Pcmu);
        plan.carrier.direction = direction;
        let mut call = Call::new(&plan);
        assert_eq!(call.send(side, &packet(ULAW, 1, 1, &[0x55; 160])), None);
        let dropped = call.bridge.leg(side).dropped;
        assert_eq!(
            dropped.get(DropReason::Direction),
            1,
            "{direction:?} {side:?}"
        );
    }
}

#[test]
fn csrcs_and_extensions_pass_and_padding_is_taken_off() {
    let mut call = Call::pcmu();
    let mut rest = vec![1, 1, 1, 1, 2, 2, 2, 2];
    rest.extend([0xBE, 0xDE, 0, 1, 0x10, 7, 0, 0]);
    let header = 12 + rest.len();
    rest.extend([0x55; 160]);
    rest.extend([0, 0, 3]);
    let bytes = raw(0xA0 | 0x10 | 2, &rest);
    let (forward, buffer) = call.forward(Side::Carrier, address(Side::Carrier), &bytes);
    let Forward::Send { to, len } = forward else {
        panic!("{forward:?}")
    };
    assert_eq!((to, len), (address(Side::Openai), header + 160));
    assert_eq!(buffer[0], 0x92, "version, extension, two CSRCs, no padding");
    assert_eq!(buffer[12..header], bytes[12..header]);
    assert_eq!(buffer[header..len], [0x55; 160]);
}

#[test]
fn every_reason_has_a_label_of_its_own() {
    let mut names: Vec<&str> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), DropReason::ALL.len());
}
