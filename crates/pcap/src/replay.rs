//! One RTP stream of a capture as a schedule, to be sent again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::{Packet, Transport};

/// When each packet of a stream is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Who sent the stream when it was captured.
    pub source: SocketAddr,
    /// Whom it was sent to.
    pub destination: SocketAddr,
    /// The stream's SSRC.
    pub ssrc: u32,
    /// The payload type most of its packets have.
    pub payload_type: u8,
    /// The packets in the order they were captured: how long after the first one
    /// each is due, and all of its bytes, RTP header included.
    pub packets: Vec<(Duration, Bytes)>,
}

/// Which stream of a capture to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The one with the most packets; of several such, the first.
    #[default]
    Longest,
    /// The one with this SSRC; of several such, the one with the most packets.
    Ssrc(u32),
}

/// The schedule of the RTP stream chosen, or None if the capture has no such stream.
///
/// Datagrams with the RTP version, no RTCP packet type, and at least
/// [`MIN_PACKETS`] of one SSRC between the same two sockets are taken for RTP.
/// Packets that the capture cut are left out.
///
/// **Cost**: holds all RTP packets of the capture.
pub fn schedule(packets: impl IntoIterator<Item = Packet>, choice: Choice) -> Option<Schedule> {
    let mut streams: BTreeMap<Key, Vec<(Duration, u8, Bytes)>> = BTreeMap::new();
    let mut order = Vec::new();
    for packet in packets {
        let Some((payload_type, ssrc)) = rtp_header(&packet) else {
            continue;
        };
        if matches!(choice, Choice::Ssrc(wanted) if wanted != ssrc) {
            continue;
        }
        let key = (packet.source, packet.destination, ssrc);
        let stream = streams.entry(key).or_default();
        if stream.is_empty() {
            order.push(key);
        }
        stream.push((packet.at, payload_type, packet.payload));
    }
    // `max_by_key` gives the last of equals; reversed, that is the first.
    let key = *order
        .iter()
        .rev()
        .max_by_key(|key| streams.get(key).map_or(0, Vec::len))?;
    let stream = streams.remove(&key)?;
    let (first, ..) = *stream.first()?;
    if stream.len() < MIN_PACKETS {
        return None;
    }
    Some(Schedule {
        source: key.0,
        destination: key.1,
        ssrc: key.2,
        payload_type: most_frequent(stream.iter().map(|&(_, payload_type, _)| payload_type)),
        packets: stream
            .into_iter()
            .map(|(at, _, bytes)| (at.saturating_sub(first), bytes))
            .collect(),
    })
}

/// Source, destination, SSRC.
type Key = (SocketAddr, SocketAddr, u32);

/// RFC 3550, 5.1: `V=2|P|X|CC  M|PT  sequence number  timestamp  SSRC`.
fn rtp_header(packet: &Packet) -> Option<(u8, u32)> {
    if packet.transport != Transport::Udp || packet.missing_bytes > 0 {
        return None;
    }
    let &[first, second, _, _, _, _, _, _, a, b, c, d] = packet.payload.first_chunk::<12>()?;
    let payload_type = second & 0x7F;
    // RFC 5761, 4: payload types 64 to 95 are RTCP's packet types 192 to 223.
    let is_rtp = first >> 6 == 2 && !(64..=95).contains(&payload_type);
    is_rtp.then_some((payload_type, u32::from_be_bytes([a, b, c, d])))
}

fn most_frequent(payload_types: impl Iterator<Item = u8>) -> u8 {
    let mut counts = [0_usize; 128];
    for payload_type in payload_types {
        if let Some(count) = counts.get_mut(usize::from(payload_type)) {
            *count += 1;
        }
    }
    (0..128)
        .rev()
        .max_by_key(|&payload_type| counts.get(usize::from(payload_type)).copied())
        .unwrap_or(0)
}

/// Fewer packets than this prove nothing: any datagram may begin with the RTP version.
pub const MIN_PACKETS: usize = 3;
