//! From a link-layer frame to the UDP datagram or TCP segment in it.

use std::net::SocketAddr;
use std::ops::Range;

use etherparse::{IpNumber, LaxIpSlice, TcpSlice};

use crate::Transport;

/// Link types that are taken apart here, with their LINKTYPE_ numbers (tcpdump.org/linktypes.html).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkType {
    /// 0: four bytes of address family in the byte order of the capturing host.
    Null,
    /// 1: Ethernet II, with or without VLAN tags.
    Ethernet,
    /// 12, 14, 101, 228, 229: the IP packet itself.
    RawIp,
    /// 108: four bytes of address family, big endian (OpenBSD).
    Loop,
    /// 113: Linux cooked capture v1.
    LinuxCooked1,
    /// 276: Linux cooked capture v2.
    LinuxCooked2,
}

impl LinkType {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Null,
            1 => Self::Ethernet,
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            108 => Self::Loop,
            113 => Self::LinuxCooked1,
            276 => Self::LinuxCooked2,
            _ => return None,
        })
    }
}

/// What was in a frame.
#[derive(Debug)]
pub(crate) enum Unwrapped {
    Datagram {
        datagram: Datagram,
        /// Bytes of the payload that the capture left out.
        missing: usize,
    },
    /// A piece of a fragmented IP packet.
    Fragment,
    /// Neither UDP nor TCP, or a segment without payload.
    Other,
    /// Headers that end too early or contradict themselves.
    Malformed,
}

#[derive(Debug)]
pub(crate) struct Datagram {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) transport: Transport,
    /// Where the payload is in the frame.
    pub(crate) payload: Range<usize>,
}

/// Takes the headers off `frame`, of which the capture left out the last `cut_bytes`.
pub(crate) fn unwrap(link_type: LinkType, frame: &[u8], cut_bytes: usize) -> Unwrapped {
    let ip_at = match link_type {
        LinkType::RawIp => Some(0),
        // The family numbers for IPv6 differ from system to system; the IP version in the next byte does not.
        LinkType::Null | LinkType::Loop => Some(4),
        LinkType::Ethernet => behind_ether_type(frame, 12),
        LinkType::LinuxCooked1 => behind_ether_type(frame, 14),
        LinkType::LinuxCooked2 => match frame.get(..2) {
            Some(&[high, low]) => ip_behind(frame, u16::from_be_bytes([high, low]), 20),
            _ => None,
        },
    };
    let Some((ip_at, packet)) = ip_at.and_then(|at| Some((at, frame.get(at..)?))) else {
        return Unwrapped::Other;
    };
    if !matches!(packet.first().map(|first| first >> 4), Some(4 | 6)) {
        return Unwrapped::Other;
    }
    unwrap_ip(packet, ip_at, cut_bytes)
}

/// Where the IP packet begins, if the EtherType at `at` and the VLAN tags behind it lead to one.
fn behind_ether_type(frame: &[u8], at: usize) -> Option<usize> {
    let ether_type = u16::from_be_bytes([*frame.get(at)?, *frame.get(at + 1)?]);
    ip_behind(frame, ether_type, at + 2)
}

fn ip_behind(frame: &[u8], mut ether_type: u16, mut at: usize) -> Option<usize> {
    for _ in 0..=MAX_VLAN_TAGS {
        match ether_type {
            0x0800 | 0x86DD => return Some(at),
            // IEEE 802.1Q, 802.1ad, and the number used for stacked tags before it.
            0x8100 | 0x88A8 | 0x9100 => {
                ether_type = u16::from_be_bytes([*frame.get(at + 2)?, *frame.get(at + 3)?]);
                at += 4;
            }
            _ => return None,
        }
    }
    None
}

fn unwrap_ip(packet: &[u8], ip_at: usize, cut_bytes: usize) -> Unwrapped {
    let Ok((ip, stopped)) = LaxIpSlice::from_slice(packet) else {
        return Unwrapped::Malformed;
    };
    let content = ip.payload();
    if content.fragmented {
        return Unwrapped::Fragment;
    }
    if stopped.is_some() {
        return Unwrapped::Malformed;
    }
    let (transport, ports, header_bytes, length) = match content.ip_number {
        IpNumber::UDP => match udp(content.payload) {
            Some(udp) => udp,
            None => return Unwrapped::Malformed,
        },
        IpNumber::TCP => match tcp(content.payload) {
            Some(tcp) => tcp,
            None => return Unwrapped::Malformed,
        },
        _ => return Unwrapped::Other,
    };
    // What the headers promise beyond the frame is missing only if the capture says it cut the
    // frame there; otherwise the headers lie.
    let held = content.payload.len() - header_bytes;
    let missing = length.map_or(0, |length| length.saturating_sub(held));
    let missing = if content.incomplete && length.is_none() {
        cut_bytes
    } else {
        missing
    };
    if missing > cut_bytes {
        return Unwrapped::Malformed;
    }
    let payload_bytes = length.map_or(held, |length| length.min(held));
    if payload_bytes == 0 && missing == 0 {
        return Unwrapped::Other;
    }
    // The slice is a part of `packet`, so the distance of their starts is where it begins.
    let content_at = content.payload.as_ptr() as usize - packet.as_ptr() as usize;
    let start = ip_at + content_at + header_bytes;
    Unwrapped::Datagram {
        datagram: Datagram {
            source: SocketAddr::new(ip.source_addr(), ports.0),
            destination: SocketAddr::new(ip.destination_addr(), ports.1),
            transport,
            payload: start..start + payload_bytes,
        },
        missing,
    }
}

/// Transport, ports, header length, and the payload length the header gives, if it does.
type Segment = (Transport, (u16, u16), usize, Option<usize>);

/// RFC 768: source port, destination port, length (header included), checksum.
fn udp(content: &[u8]) -> Option<Segment> {
    let &[s0, s1, d0, d1, l0, l1, _, _] = content.first_chunk::<UDP_HEADER_BYTES>()?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let payload = match length {
        // A jumbogram (RFC 2675) or a sender that offloads the length: as much as there is.
        0 => None,
        _ => Some(length.checked_sub(UDP_HEADER_BYTES)?),
    };
    let ports = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    Some((Transport::Udp, ports, UDP_HEADER_BYTES, payload))
}

fn tcp(content: &[u8]) -> Option<Segment> {
    let segment = TcpSlice::from_slice(content).ok()?;
    let transport = Transport::Tcp {
        sequence: segment.sequence_number(),
    };
    let ports = (segment.source_port(), segment.destination_port());
    Some((transport, ports, segment.header_slice().len(), None))
}

const UDP_HEADER_BYTES: usize = 8;

/// Provider and customer tag, and one to spare.
const MAX_VLAN_TAGS: usize = 3;
