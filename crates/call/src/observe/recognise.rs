//! RTP told from everything else on the wire, without being told by signalling.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use squelch_media::rtp::{PayloadType, Ssrc, View, is_rtcp};

/// What tells one stream from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct StreamKey {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) ssrc: Ssrc,
}

/// The RTP packet that a datagram is, if its header says so and it is no RTCP.
pub(super) fn rtp(datagram: &[u8]) -> Option<View<'_>> {
    if is_rtcp(datagram) {
        return None;
    }
    View::parse(datagram).ok()
}

/// Streams that may be RTP and have not proven it yet.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Oldest first.
    waiting: VecDeque<Candidate>,
}

#[derive(Debug)]
pub(super) struct Candidate {
    key: StreamKey,
    /// Payload type and last sequence number.
    payload_type: PayloadType,
    sequence: u16,
    /// What was held back, to be counted once the stream is known.
    pub(super) packets: Vec<Held>,
}

/// A packet held back.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) at: Duration,
    pub(super) bytes: Vec<u8>,
    pub(super) missing_bytes: usize,
}

impl Candidates {
    /// Takes the packet of a stream that is not known; gives all of the stream's packets once it is.
    pub(super) fn consider(
        &mut self,
        key: StreamKey,
        packet: &View<'_>,
        held: Held,
    ) -> Option<Vec<Held>> {
        let Some(index) = self.waiting.iter().position(|known| known.key == key) else {
            if self.waiting.len() == MAX_CANDIDATES {
                self.waiting.pop_front();
            }
            self.waiting.push_back(Candidate {
                key,
                payload_type: packet.payload_type(),
                sequence: packet.sequence(),
                packets: vec![held],
            });
            return None;
        };
        let candidate = self.waiting.get_mut(index)?;
        // Ahead by a few, or behind by a few where packets overtake each other.
        let step = packet.sequence().wrapping_sub(candidate.sequence) as i16;
        let consistent = step.unsigned_abs() <= MAX_STEP
            && step != 0
            && (packet.payload_type() == candidate.payload_type
                || packet.payload_type().number() >= FIRST_DYNAMIC
                || candidate.payload_type.number() >= FIRST_DYNAMIC);
        candidate.sequence = packet.sequence();
        candidate.payload_type = packet.payload_type();
        if !consistent {
            candidate.packets.clear();
        }
        candidate.packets.push(held);
        if candidate.packets.len() < PROOF {
            return None;
        }
        self.waiting
            .remove(index)
            .map(|candidate| candidate.packets)
    }
}

/// Packets with one SSRC between the same sockets and consistent sequence numbers that
/// make RTP of them: what Wireshark's heuristic needs is one; chance needs more than 2^-60.
const PROOF: usize = 3;
/// RFC 3550, A.1 lets 3,000 be dropped; within the first three packets that is no RTP.
const MAX_STEP: u16 = 50;
/// RFC 3551, 6: dynamic payload types. A stream may begin with telephone-events.
const FIRST_DYNAMIC: u8 = 96;
/// Other protocols that look alike must not fill the memory: beyond this the oldest is forgotten.
const MAX_CANDIDATES: usize = 1_024;
