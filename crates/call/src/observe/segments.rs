//! SIP over TCP, put together from segments.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use squelch_sip::message::{Frame, Framer};

/// What came so far of each direction of each connection.
#[derive(Debug, Default)]
pub(super) struct Segments {
    streams: BTreeMap<(SocketAddr, SocketAddr), Pending>,
}

#[derive(Debug)]
struct Pending {
    /// The sequence number that the next segment has if nothing was missed.
    next: u32,
    framer: Framer,
}

impl Segments {
    /// Takes a segment; gives the messages that are now whole.
    ///
    /// A gap, or bytes that are no SIP, drop what is pending: reading goes on with the next segment.
    pub(super) fn handle_segment(
        &mut self,
        ends: (SocketAddr, SocketAddr),
        sequence: u32,
        payload: &[u8],
    ) -> Vec<Bytes> {
        if self.streams.len() == MAX_STREAMS && !self.streams.contains_key(&ends) {
            self.streams.clear();
        }
        let pending = self.streams.entry(ends).or_insert_with(|| Pending {
            next: sequence,
            framer: Framer::default(),
        });
        let ahead = sequence.wrapping_sub(pending.next) as i32;
        let fresh = if ahead > 0 {
            pending.framer = Framer::default();
            payload
        } else {
            // A retransmission may repeat only a part.
            let repeated = ahead.unsigned_abs() as usize;
            match payload.get(repeated..) {
                Some(fresh) if !fresh.is_empty() => fresh,
                _ => return Vec::new(),
            }
        };
        pending.next = sequence.wrapping_add(payload.len() as u32);
        pending.framer.push(fresh);
        let mut messages = Vec::new();
        while let Some(frame) = pending.framer.next_frame() {
            match frame {
                Frame::Message(message) => messages.push(message),
                Frame::Ping | Frame::Pong => {}
                Frame::Lost(_) => {
                    pending.framer = Framer::default();
                    break;
                }
            }
        }
        messages
    }
}

/// Directions of connections that are followed at a time; beyond it all begin anew.
const MAX_STREAMS: usize = 1_024;
