//! What comes, sent back under numbers of one's own.

use squelch_media::rtp::{RtpTime, Ssrc, View, restamp};

use super::LegPlan;

/// Maps the numbers of what comes: gaps and order stay.
#[derive(Debug)]
pub(super) struct Echo {
    ssrc: u32,
    /// Where our numbers stand next, for a stream that begins.
    sequence: u16,
    timestamp: u32,
    /// The stream that is echoed, and by how much its numbers differ from ours.
    stream: Option<(u32, u16, u32)>,
}

impl Echo {
    pub(super) fn new(plan: &LegPlan) -> Echo {
        Echo {
            ssrc: plan.ssrc,
            sequence: plan.sequence,
            timestamp: plan.timestamp,
            stream: None,
        }
    }

    /// Writes our numbers over a packet's. It was read before.
    pub(super) fn restamp(&mut self, packet: &mut [u8]) {
        let Ok(view) = View::parse(packet) else {
            return;
        };
        let (theirs, sequence, timestamp) = (view.ssrc().0, view.sequence(), view.timestamp().0);
        let (payload_type, marker) = (view.payload_type(), view.marker());
        let (sequences, ticks) = match self.stream {
            Some((ssrc, sequences, ticks)) if ssrc == theirs => (sequences, ticks),
            _ => {
                let offsets = (
                    self.sequence.wrapping_sub(sequence),
                    self.timestamp.wrapping_sub(timestamp),
                );
                self.stream = Some((theirs, offsets.0, offsets.1));
                offsets
            }
        };
        let (sequence, timestamp) = (
            sequence.wrapping_add(sequences),
            timestamp.wrapping_add(ticks),
        );
        if sequence.wrapping_sub(self.sequence) < 1 << 15 {
            self.sequence = sequence.wrapping_add(1);
            self.timestamp = timestamp;
        }
        restamp(
            packet,
            payload_type,
            marker,
            sequence,
            RtpTime(timestamp),
            Ssrc(self.ssrc),
        );
    }
}
