//! What is written can be read, and is sound to the last checksum.

use std::time::Duration;

use etherparse::{SlicedPacket, TransportSlice};
use proptest::prelude::*;
use squelch_pcap::Writer;

use crate::build::read;

#[test]
fn written_times_keep_their_nanoseconds() {
    let mut writer = Writer::new(Vec::new()).expect("a header");
    let (from, to) = crate::build::ends();
    let at = Duration::new(1_700_000_000, 123_456_789);
    writer.write(at, from, to, b"x").expect("a packet");
    let packet = read(&writer.into_inner().expect("bytes"))
        .remove(0)
        .expect("a packet");
    assert_eq!(packet.epoch, at);
}

#[test]
fn checksums_are_valid_for_both_ip_versions() {
    for (from, to) in [
        ("192.0.2.1:4000", "192.0.2.2:5000"),
        ("[2001:db8::1]:4000", "[2001:db8::2]:5000"),
    ] {
        let mut writer = Writer::new(Vec::new()).expect("a header");
        let (from, to) = (from.parse().expect("address"), to.parse().expect("address"));
        writer
            .write(Duration::ZERO, from, to, b"odd")
            .expect("a packet");
        let bytes = writer.into_inner().expect("bytes");
        let frame = SlicedPacket::from_ethernet(&bytes[24 + 16..]).expect("a frame");
        let Some(TransportSlice::Udp(udp)) = frame.transport else {
            panic!("no UDP");
        };
        let header = udp.to_header();
        let expected = match frame.net.as_ref().expect("IP") {
            etherparse::NetSlice::Ipv4(ip) => {
                let ip = ip.header().to_header();
                assert_eq!(ip.header_checksum, ip.calc_header_checksum());
                header.calc_checksum_ipv4(&ip, udp.payload())
            }
            etherparse::NetSlice::Ipv6(ip) => {
                header.calc_checksum_ipv6(&ip.header().to_header(), udp.payload())
            }
            _ => panic!("neither IPv4 nor IPv6"),
        };
        assert_eq!(header.checksum, expected.expect("a checksum"));
    }
}

#[test]
fn what_can_not_be_written_is_refused() {
    let mut writer = Writer::new(Vec::new()).expect("a header");
    let (v4, _) = crate::build::ends();
    let v6 = "[2001:db8::1]:4000".parse().expect("address");
    let zero = Duration::ZERO;
    assert!(writer.write(zero, v4, v6, b"x").is_err());
    assert!(writer.write(zero, v4, v4, &[0; 70_000]).is_err());
    assert!(
        writer
            .write(Duration::from_secs(1 << 33), v4, v4, b"x")
            .is_err()
    );
    // Nothing of a refused datagram is left behind.
    assert_eq!(writer.into_inner().expect("bytes").len(), 24);
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        payload in proptest::collection::vec(any::<u8>(), 1..1_500),
        seconds in any::<u32>(),
        nanos in 0_u32..1_000_000_000,
        ports in any::<(u16, u16)>(),
    ) {
        let (mut from, mut to) = crate::build::ends();
        from.set_port(ports.0);
        to.set_port(ports.1);
        let at = Duration::new(u64::from(seconds), nanos);
        let mut writer = Writer::new(Vec::new()).expect("a header");
        writer.write(at, from, to, &payload).expect("a packet");
        let packet = read(&writer.into_inner().expect("bytes")).remove(0).expect("a packet");
        prop_assert_eq!((packet.source, packet.destination), (from, to));
        prop_assert_eq!(packet.epoch, at);
        prop_assert_eq!(packet.payload, payload);
    }
}
