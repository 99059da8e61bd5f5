//! Look-back: packets wait before the gate, so that a verdict reaches those that came before it.
//!
//! The detector hears a packet when it arrives, the gate acts on it when it leaves. What is heard of a fault is
//! then the time to its detection less the hold.

use crate::detect::Finding;
use crate::path::Taken;
use std::time::{Duration, Instant};

/// The longest look-back. **Source**: ITU-T G.114 calls up to 400 ms one way tolerable, of which the network, the
/// model and two jitter buffers have at least the other half.
pub const MAX_HOLD: Duration = Duration::from_millis(200);

/// The longest datagram that is read as RTP. **Units**: bytes; an Ethernet packet's worth.
pub(crate) const MAX_DATAGRAM_BYTES: usize = 1_500;

/// The shortest packet time that comes for long (RFC 3551 allows any; SIP peers use 10 to 60 ms).
const SHORTEST_PTIME: Duration = Duration::from_millis(10);

/// Room for what jitter bunches up, beyond the packets of one hold. **Units**: packets.
const SPARE_SLOTS: usize = 4;

/// The packets of one direction that wait, the oldest first.
///
/// **Shape**: fixed memory, hold / 10 ms + 4 slots of 1,500 bytes. Where more arrive within one hold, the oldest is
/// due before its time.
#[derive(Debug)]
pub(crate) struct Hold {
    hold: Duration,
    slots: Box<[Slot]>,
    first: usize,
    count: usize,
    last_due: Option<Instant>,
}

/// Room for one packet.
#[derive(Clone, Debug)]
struct Slot {
    waits: Option<Waiting>,
    bytes: [u8; MAX_DATAGRAM_BYTES],
}

/// What is known of a packet that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    due: Instant,
    /// When it arrived. **Units**: the stream's clock, as the finding's times.
    at: Duration,
    finding: Option<Finding>,
    taken: Taken,
    len: usize,
}

impl Hold {
    /// A hold of `hold`, at most [`MAX_HOLD`]; `None` where nothing is to be held.
    pub(crate) fn new(hold: Duration) -> Option<Hold> {
        let hold = hold.min(MAX_HOLD);
        if hold.is_zero() {
            return None;
        }
        let packets = hold.as_micros().div_ceil(SHORTEST_PTIME.as_micros()) as usize;
        let empty = Slot {
            waits: None,
            bytes: [0; MAX_DATAGRAM_BYTES],
        };
        Some(Hold {
            hold,
            slots: vec![empty; packets + SPARE_SLOTS].into_boxed_slice(),
            first: 0,
            count: 0,
            last_due: None,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// When the oldest packet is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        Some(self.slots.get(self.first)?.waits?.due)
    }

    /// Puts a packet behind the others. `false` where that cost the oldest, which was due and not fetched.
    #[must_use]
    pub(crate) fn push(
        &mut self,
        now: Instant,
        at: Duration,
        taken: Taken,
        finding: Option<Finding>,
        packet: &[u8],
    ) -> bool {
        let room = self.count < self.slots.len();
        if !room {
            self.advance();
        }
        // The order of arrival stays, whatever the caller's clock does.
        let due = (now + self.hold).max(self.last_due.unwrap_or(now));
        let place = self.place(self.count);
        let Some(slot) = self.slots.get_mut(place) else {
            return false;
        };
        let len = packet.len().min(MAX_DATAGRAM_BYTES);
        if let (Some(to), Some(from)) = (slot.bytes.get_mut(..len), packet.get(..len)) {
            to.copy_from_slice(from);
        }
        slot.waits = Some(Waiting {
            due,
            at,
            finding,
            taken,
            len,
        });
        self.last_due = Some(due);
        self.count += 1;
        if self.count == self.slots.len()
            && let Some(slot) = self.slots.get_mut(self.first)
            && let Some(oldest) = &mut slot.waits
        {
            oldest.due = now;
        }
        room
    }

    /// The detector tripped: what waits of the faulty stretch has that fault.
    pub(crate) fn mark(&mut self, finding: Finding) {
        for waiting in self.slots.iter_mut().filter_map(|slot| slot.waits.as_mut()) {
            if waiting.at >= finding.from {
                waiting.finding = Some(finding);
            }
        }
    }

    /// The oldest packet, copied into `out`, and what was found in it. `None` when none waits; it is gone even
    /// where `out` is too small, and then has no length.
    pub(crate) fn pop(&mut self, out: &mut [u8]) -> Option<(Taken, Option<Finding>, usize)> {
        let slot = self.slots.get(self.first)?;
        let waiting = slot.waits?;
        let len = match (out.get_mut(..waiting.len), slot.bytes.get(..waiting.len)) {
            (Some(to), Some(from)) => {
                to.copy_from_slice(from);
                waiting.len
            }
            _ => 0,
        };
        self.advance();
        Some((waiting.taken, waiting.finding, len))
    }

    /// Forgets what waits.
    pub(crate) fn clear(&mut self) {
        while self.count > 0 {
            self.advance();
        }
    }

    /// Empties the oldest packet's slot.
    fn advance(&mut self) {
        if let Some(slot) = self.slots.get_mut(self.first) {
            slot.waits = None;
        }
        self.first = self.place(1);
        self.count = self.count.saturating_sub(1);
    }

    fn place(&self, offset: usize) -> usize {
        (self.first + offset) % self.slots.len().max(1)
    }
}
