//! Captures put together byte by byte, so that a mistake of the writer can't hide one of the reader.

use std::net::SocketAddr;
use std::time::Duration;

use squelch_pcap::{Packet, PcapError, Reader};

pub(crate) const CARRIER: &str = "192.0.2.1:4000";
pub(crate) const GATEWAY: &str = "192.0.2.2:5000";

/// Byte order of a capture under construction.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub(crate) fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

pub(crate) fn pcap_header(order: Order, magic: u32, link_type: u32) -> Vec<u8> {
    let mut out = order.u32(magic).to_vec();
    out.extend(order.u16(2));
    out.extend(order.u16(4));
    out.extend([0; 8]);
    out.extend(order.u32(65_535));
    out.extend(order.u32(link_type));
    out
}

pub(crate) fn pcap_record(order: Order, seconds: u32, fraction: u32, frame: &[u8]) -> Vec<u8> {
    cut_record(order, seconds, fraction, frame, frame.len())
}

/// A record of a frame that was `wire_bytes` long.
pub(crate) fn cut_record(
    order: Order,
    seconds: u32,
    fraction: u32,
    frame: &[u8],
    wire_bytes: usize,
) -> Vec<u8> {
    let mut out = order.u32(seconds).to_vec();
    out.extend(order.u32(fraction));
    out.extend(order.u32(frame.len() as u32));
    out.extend(order.u32(wire_bytes as u32));
    out.extend(frame);
    out
}

pub(crate) fn ng_block(order: Order, kind: u32, content: &[u8]) -> Vec<u8> {
    let padded = content.len().next_multiple_of(4);
    let length = order.u32(padded as u32 + 12);
    let mut out = order.u32(kind).to_vec();
    out.extend(length);
    out.extend(content);
    out.resize(8 + padded, 0);
    out.extend(length);
    out
}

pub(crate) fn ng_section(order: Order) -> Vec<u8> {
    let mut content = order.u32(0x1A2B_3C4D).to_vec();
    content.extend(order.u16(1));
    content.extend(order.u16(0));
    content.extend([0xFF; 8]);
    ng_block(order, 0x0A0D_0D0A, &content)
}

/// An interface description; `options` are (code, value).
pub(crate) fn ng_interface(order: Order, link_type: u16, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut content = order.u16(link_type).to_vec();
    content.extend([0; 6]);
    for (code, value) in options {
        content.extend(order.u16(*code));
        content.extend(order.u16(value.len() as u16));
        content.extend(*value);
        content.resize(content.len().next_multiple_of(4), 0);
    }
    if !options.is_empty() {
        content.extend([0; 4]);
    }
    ng_block(order, 1, &content)
}

pub(crate) fn ng_packet(order: Order, interface: u32, ticks: u64, frame: &[u8]) -> Vec<u8> {
    let mut content = order.u32(interface).to_vec();
    content.extend(order.u32((ticks >> 32) as u32));
    content.extend(order.u32(ticks as u32));
    content.extend(order.u32(frame.len() as u32));
    content.extend(order.u32(frame.len() as u32));
    content.extend(frame);
    ng_block(order, 6, &content)
}

/// An IPv4 packet from [`CARRIER`] to [`GATEWAY`].
pub(crate) fn ipv4(protocol: u8, fragment: u16, content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x45, 0];
    out.extend((20 + content.len() as u16).to_be_bytes());
    out.extend([0, 7]);
    out.extend(fragment.to_be_bytes());
    out.extend([64, protocol, 0, 0]);
    out.extend([192, 0, 2, 1, 192, 0, 2, 2]);
    out.extend(content);
    out
}

/// UDP from port 4000 to port 5000.
pub(crate) fn udp(payload: &[u8]) -> Vec<u8> {
    let mut out = 4_000_u16.to_be_bytes().to_vec();
    out.extend(5_000_u16.to_be_bytes());
    out.extend((8 + payload.len() as u16).to_be_bytes());
    out.extend([0, 0]);
    out.extend(payload);
    out
}

pub(crate) fn datagram(payload: &[u8]) -> Vec<u8> {
    ipv4(17, 0, &udp(payload))
}

pub(crate) fn ethernet(packet: &[u8]) -> Vec<u8> {
    let mut out = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00];
    out.extend(packet);
    out
}

pub(crate) fn ends() -> (SocketAddr, SocketAddr) {
    (
        CARRIER.parse().expect("address"),
        GATEWAY.parse().expect("address"),
    )
}

/// Everything that the reader gives.
pub(crate) fn read(capture: &[u8]) -> Vec<Result<Packet, PcapError>> {
    match Reader::new(capture) {
        Ok(reader) => reader.collect(),
        Err(error) => vec![Err(error)],
    }
}

/// When each packet was captured and what was in it, of a capture without errors.
pub(crate) fn texts(capture: &[u8]) -> Vec<(Duration, String)> {
    read(capture)
        .into_iter()
        .map(|item| item.expect("a packet"))
        .map(|packet| (packet.at, String::from_utf8_lossy(&packet.payload).into()))
        .collect()
}
