//! Damaged captures: what came before stands, the error says where and what, nothing panics.

use proptest::prelude::*;
use squelch_pcap::{PcapError, Reader};

use crate::build::*;

fn two_packets() -> Vec<u8> {
    let mut capture = pcap_header(Order::Little, 0xA1B2_C3D4, 1);
    for text in ["one", "two"] {
        let frame = ethernet(&datagram(text.as_bytes()));
        capture.extend(pcap_record(Order::Little, 0, 0, &frame));
    }
    capture
}

fn two_packets_ng() -> Vec<u8> {
    let mut capture = ng_section(Order::Little);
    capture.extend(ng_interface(Order::Little, 1, &[(9, &[9])]));
    for text in ["one", "two"] {
        let frame = ethernet(&datagram(text.as_bytes()));
        capture.extend(ng_packet(Order::Little, 0, 0, &frame));
    }
    capture
}

#[test]
fn a_cut_in_the_last_packet_costs_that_packet_alone() {
    let capture = two_packets();
    let items = read(&capture[..capture.len() - 1]);
    assert_eq!(items.len(), 2);
    assert_eq!(items[0].as_ref().expect("a packet").payload, &b"one"[..]);
    let error = items[1].as_ref().expect_err("an error");
    // 24 bytes of file header, 16 of record header, 45 of frame.
    assert_eq!(error.offset(), 24 + 16 + 45);
    let text = error.to_string();
    assert!(
        text.contains("offset 85: the capture is cut short"),
        "{text}"
    );
    assert!(text.contains("61 bytes, 60 are there"), "{text}");
}

#[test]
fn a_cut_pcapng_costs_the_last_block_alone() {
    let capture = two_packets_ng();
    for cut in 1..8 {
        let items = read(&capture[..capture.len() - cut]);
        assert_eq!(items.len(), 2, "cut by {cut}");
        assert!(matches!(items[1], Err(PcapError::CutShort { .. })));
    }
}

#[test]
fn what_is_no_capture_is_told_apart() {
    let error = |bytes: &[u8]| Reader::new(bytes).err().expect("an error").to_string();
    assert_eq!(error(b""), "offset 0: the capture is empty");
    assert!(error(b"RIFF....WAVE").contains("it begins with 52 49 46 46"));
    assert!(error(&[0x1F, 0x8B, 8, 0]).contains("gzip"));
    assert!(error(&two_packets()[..20]).contains("the file header needs 24 bytes, 20"));
    let ieee_802_11 = pcap_header(Order::Little, 0xA1B2_C3D4, 105);
    assert!(error(&ieee_802_11).contains("offset 20: link type 105 is not supported"));
}

#[test]
fn an_unsupported_interface_costs_its_own_packets_alone() {
    let order = Order::Little;
    let mut capture = ng_section(order);
    capture.extend(ng_interface(order, 105, &[]));
    capture.extend(ng_interface(order, 1, &[]));
    capture.extend(ng_packet(order, 0, 0, &[0; 60]));
    capture.extend(ng_packet(order, 1, 0, &ethernet(&datagram(b"kept"))));
    let mut reader = Reader::new(&capture[..]).expect("a capture");
    assert!(matches!(
        reader.next(),
        Some(Err(PcapError::LinkType { link_type: 105, .. }))
    ));
    let kept = reader.next().expect("an item").expect("a packet");
    assert_eq!(kept.payload, &b"kept"[..]);
    assert!(reader.next().is_none());
    assert_eq!(reader.counters().unsupported_link, 1);
}

#[test]
fn a_record_larger_than_any_packet_is_damage_not_memory() {
    let mut capture = pcap_header(Order::Little, 0xA1B2_C3D4, 1);
    capture.extend([0; 8]);
    capture.extend(0xFFFF_FFF0_u32.to_le_bytes());
    capture.extend([0; 4]);
    let items = read(&capture);
    assert!(matches!(
        items[0],
        Err(PcapError::TooLarge { offset: 24, .. })
    ));
}

#[test]
fn a_packet_of_an_interface_nobody_described() {
    let mut capture = two_packets_ng();
    capture.extend(ng_packet(Order::Little, 9, 0, &ethernet(&datagram(b"x"))));
    let items = read(&capture);
    assert_eq!(items.len(), 3);
    let error = items[2].as_ref().expect_err("an error");
    assert!(matches!(
        error,
        PcapError::UnknownInterface { interface: 9, .. }
    ));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = read(&bytes);
    }

    #[test]
    fn arbitrary_frames_never_panic(
        link_type in proptest::sample::select(vec![0, 1, 12, 101, 108, 113, 276]),
        frame in proptest::collection::vec(any::<u8>(), 0..120),
        version in proptest::sample::select(vec![0x45, 0x46, 0x60]),
        at in 0_usize..24,
    ) {
        let mut frame = frame;
        if let Some(byte) = frame.get_mut(at) {
            *byte = version;
        }
        let mut capture = pcap_header(Order::Big, 0xA1B2_C3D4, link_type);
        capture.extend(pcap_record(Order::Big, 0, 0, &frame));
        let _ = read(&capture);
    }

    /// Any damage to a byte of a sound capture, and any cut.
    #[test]
    fn damaged_captures_never_panic_and_end(
        ng in any::<bool>(),
        hits in proptest::collection::vec((0_usize..400, any::<u8>()), 0..6),
        length in 0_usize..400,
    ) {
        let mut capture = if ng { two_packets_ng() } else { two_packets() };
        for (at, value) in hits {
            let at = at % capture.len();
            capture[at] = value;
        }
        capture.truncate(length);
        prop_assert!(read(&capture).len() <= 20);
    }
}
