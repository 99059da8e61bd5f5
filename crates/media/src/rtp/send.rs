//! What squelch sends: one SSRC with one run of sequence numbers and timestamps, whatever the source does.

use super::{RtpTime, Ssrc};

/// Our numbering of one direction.
///
/// Source numbers are mapped by a delta, so that lost and reordered packets keep their gap and their order; at
/// a new source (SSRC change, restart, our own comfort noise before it) the delta is chosen so that the run
/// goes on.
#[derive(Clone, Debug)]
pub struct Send {
    ssrc: Ssrc,
    next_sequence: u16,
    next_timestamp: RtpTime,
    mapping: Option<Mapping>,
    shortened: Option<Shortened>,
}

#[derive(Clone, Copy, Debug)]
struct Mapping {
    source: Ssrc,
    sequence_delta: u16,
    timestamp_delta: u32,
}

/// The source's last packet, if its payload was shortened on the way.
#[derive(Clone, Copy, Debug)]
struct Shortened {
    sequence: u16,
    timestamp: RtpTime,
    came: u32,
    ticks: u32,
}

impl Shortened {
    /// By how much the source's timestamp ran ahead up to this packet, if it counts each byte that it sent as a
    /// tick. PCM16 under a G.711 label comes so from senders that take the payload's length for its duration.
    fn excess(&self, sequence: u16, timestamp: RtpTime) -> Option<u32> {
        let packets = u32::from(sequence.wrapping_sub(self.sequence));
        let counted = timestamp.0.wrapping_sub(self.timestamp.0);
        (packets < 0x8000 && counted == packets * self.came)
            .then(|| packets * self.came.saturating_sub(self.ticks))
    }
}

/// The numbers for one outgoing packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Our SSRC.
    pub ssrc: Ssrc,
    /// Our sequence number.
    pub sequence: u16,
    /// Our timestamp.
    pub timestamp: RtpTime,
    /// The first packet after a change of source, a talkspurt's start for the receiver.
    pub fresh: bool,
}

impl Send {
    /// A direction that starts with the given random numbers (RFC 3550 section 5.1).
    pub fn new(ssrc: Ssrc, sequence: u16, timestamp: RtpTime) -> Send {
        Send {
            ssrc,
            next_sequence: sequence,
            next_timestamp: timestamp,
            mapping: None,
            shortened: None,
        }
    }

    /// The source's numbering started anew ([`Arrival::Restart`](super::Arrival::Restart)): what is relayed next
    /// goes on where the run stopped. Not left to [`Send::relay`], since the packet that shows the restart need
    /// not be one that is relayed.
    pub fn restart(&mut self) {
        self.mapping = None;
        self.shortened = None;
    }

    /// Numbers for a packet relayed from `source`, which came with `came` ticks' worth of bytes and goes on with
    /// `ticks` of audio. The two differ where a repair or a mute shortens the payload.
    pub fn relay(
        &mut self,
        source: Ssrc,
        sequence: u16,
        timestamp: RtpTime,
        came: u32,
        ticks: u32,
    ) -> Stamp {
        let kept = self.mapping.filter(|mapping| mapping.source == source);
        let fresh = kept.is_none();
        let mut mapping = kept.unwrap_or(Mapping {
            source,
            sequence_delta: self.next_sequence.wrapping_sub(sequence),
            timestamp_delta: self.next_timestamp.0.wrapping_sub(timestamp.0),
        });
        if let Some(before) = self.shortened.filter(|_| !fresh)
            && let Some(excess) = before.excess(sequence, timestamp)
        {
            mapping.timestamp_delta = mapping.timestamp_delta.wrapping_sub(excess);
        }
        self.shortened = (came != ticks).then_some(Shortened {
            sequence,
            timestamp,
            came,
            ticks,
        });
        self.mapping = Some(mapping);
        let sequence = sequence.wrapping_add(mapping.sequence_delta);
        let timestamp = timestamp.plus(mapping.timestamp_delta);
        self.follow(sequence, timestamp, ticks);
        Stamp {
            ssrc: self.ssrc,
            sequence,
            timestamp,
            fresh,
        }
    }

    /// Numbers for a packet of our own making, which carries `ticks` of audio.
    pub fn own(&mut self, ticks: u32) -> Stamp {
        let stamp = Stamp {
            ssrc: self.ssrc,
            sequence: self.next_sequence,
            timestamp: self.next_timestamp,
            fresh: false,
        };
        // Whatever comes from the source next continues after this packet.
        self.restart();
        self.follow(stamp.sequence, stamp.timestamp, ticks);
        stamp
    }

    /// Numbers for a packet beside the audio, of an earlier time or of now: telephone-events among packets of our own
    /// making. The run of timestamps stays where it is.
    pub fn beside(&mut self, timestamp: RtpTime) -> Stamp {
        let stamp = Stamp {
            ssrc: self.ssrc,
            sequence: self.next_sequence,
            timestamp,
            fresh: false,
        };
        self.next_sequence = self.next_sequence.wrapping_add(1);
        stamp
    }

    /// Where the run of timestamps is.
    pub fn next_timestamp(&self) -> RtpTime {
        self.next_timestamp
    }

    fn follow(&mut self, sequence: u16, timestamp: RtpTime, ticks: u32) {
        let next = sequence.wrapping_add(1);
        // A reordered packet doesn't move the run back.
        if next.wrapping_sub(self.next_sequence) < 0x8000 {
            self.next_sequence = next;
            self.next_timestamp = timestamp.plus(ticks);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send() -> Send {
        Send::new(Ssrc(7), 65_534, RtpTime(u32::MAX - 100))
    }

    fn relay(send: &mut Send, source: u32, sequence: u16, timestamp: u32) -> (u16, u32) {
        let stamp = send.relay(Ssrc(source), sequence, RtpTime(timestamp), 160, 160);
        assert_eq!(stamp.ssrc, Ssrc(7));
        (
            stamp.sequence,
            stamp.timestamp.0.wrapping_sub(u32::MAX - 100),
        )
    }

    #[test]
    fn loss_and_order_pass_through() {
        let mut send = send();
        assert_eq!(relay(&mut send, 1, 100, 1_000), (65_534, 0));
        assert_eq!(relay(&mut send, 1, 103, 1_480), (1, 480));
        assert_eq!(relay(&mut send, 1, 101, 1_160), (65_535, 160));
        assert_eq!(relay(&mut send, 1, 104, 1_640), (2, 640));
    }

    #[test]
    fn a_new_source_goes_on_where_the_old_one_stopped() {
        let mut send = send();
        relay(&mut send, 1, 100, 1_000);
        assert_eq!(relay(&mut send, 2, 9, 77), (65_535, 160));
        assert_eq!(relay(&mut send, 2, 10, 237), (0, 320));
    }

    #[test]
    fn a_restart_goes_on_where_the_numbering_stopped() {
        let mut send = send();
        relay(&mut send, 1, 100, 1_000);
        send.restart();
        assert_eq!(relay(&mut send, 1, 40_000, 9), (65_535, 160));
    }

    #[test]
    fn bytes_counted_as_ticks_are_taken_out_again() {
        for step in [160, 960] {
            let mut send = send();
            let first = send.relay(Ssrc(1), 0, RtpTime(0), 960, 160).timestamp;
            // One is lost; the last is as it should be again.
            for (sequence, came) in [(1, 960), (3, 960), (4, 160)] {
                let timestamp = RtpTime(step * u32::from(sequence));
                let stamp = send.relay(Ssrc(1), sequence, timestamp, came, 160);
                assert_eq!(stamp.timestamp, first.plus(160 * u32::from(sequence)));
            }
        }
    }

    #[test]
    fn our_own_packets_leave_no_gap() {
        let mut send = send();
        send.own(160);
        send.own(160);
        assert_eq!(relay(&mut send, 1, 5, 5), (0, 320));
    }
}
