//! A jitter buffer: packets that wait for their turn, in the order of their time.

use crate::rtp::RtpTime;
use std::time::Instant;

/// Packets that wait at most. **Source**: [`MOST_WAITING`](super::MOST_WAITING) of the shortest packets, and as many
/// again for what comes at once after a stall.
const SLOTS: usize = 40;

/// What is known of a packet that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Counts the sources and restarts of a stream: within one, timestamps tell the order.
    pub(super) epoch: u32,
    pub(super) sequence: u16,
    pub(super) timestamp: RtpTime,
    pub(super) arrived: Instant,
    /// Of its payload. **Units**: bytes.
    pub(super) len: usize,
}

/// Packets in the order of their time, whatever order they came in.
///
/// **Shape**: fixed memory, 40 slots of the format's longest payload. Where more come, the oldest goes.
#[derive(Debug)]
pub(super) struct JitterBuffer {
    slots: Box<[Option<Waiting>]>,
    payloads: Box<[u8]>,
    slot_bytes: usize,
}

impl JitterBuffer {
    /// For payloads of up to `slot_bytes`. Allocates, and is the last to.
    pub(super) fn new(slot_bytes: usize) -> JitterBuffer {
        JitterBuffer {
            slots: vec![None; SLOTS].into(),
            payloads: vec![0; SLOTS * slot_bytes].into(),
            slot_bytes,
        }
    }

    /// Keeps a packet. `false` where that cost another, the oldest, or where it is too long to be kept.
    #[must_use]
    pub(super) fn push(&mut self, waiting: Waiting, payload: &[u8]) -> bool {
        if payload.len() > self.slot_bytes {
            return false;
        }
        let free = self.slots.iter().position(Option::is_none);
        let place = free.or_else(|| self.first_place());
        let Some(place) = place else {
            return false;
        };
        let start = place * self.slot_bytes;
        if let Some(room) = self.payloads.get_mut(start..start + payload.len()) {
            room.copy_from_slice(payload);
        }
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = Some(Waiting {
                len: payload.len(),
                ..waiting
            });
        }
        free.is_some()
    }

    /// The packet whose turn is next.
    pub(super) fn first(&self) -> Option<(Waiting, &[u8])> {
        let place = self.first_place()?;
        let waiting = (*self.slots.get(place)?)?;
        let start = place * self.slot_bytes;
        let payload = self.payloads.get(start..start + waiting.len)?;
        Some((waiting, payload))
    }

    /// Takes out what [`JitterBuffer::first`] gave.
    pub(super) fn pop(&mut self) {
        if let Some(place) = self.first_place()
            && let Some(slot) = self.slots.get_mut(place)
        {
            *slot = None;
        }
    }

    /// From the first packet's time to the last one's, within the first's epoch. **Units**: ticks.
    pub(super) fn depth(&self) -> u32 {
        let Some((first, _)) = self.first() else {
            return 0;
        };
        let waiting = self.slots.iter().flatten();
        let same = waiting.filter(|other| other.epoch == first.epoch);
        same.map(|other| other.timestamp.since(first.timestamp).unsigned_abs())
            .max()
            .unwrap_or(0)
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(None);
    }

    /// **Cost**: a look at each slot; some 20 ns.
    fn first_place(&self) -> Option<usize> {
        let mut first: Option<(usize, Waiting)> = None;
        for (place, slot) in self.slots.iter().enumerate() {
            let Some(waiting) = slot else { continue };
            let is_before = first.is_none_or(|(_, other)| {
                let epochs = waiting.epoch.wrapping_sub(other.epoch) as i32;
                epochs < 0 || (epochs == 0 && waiting.timestamp.since(other.timestamp) < 0)
            });
            if is_before {
                first = Some((place, *waiting));
            }
        }
        first.map(|(place, _)| place)
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "a test's time begins somewhere, and only its differences count"
)]
mod tests {
    use super::*;

    fn waiting(epoch: u32, timestamp: u32) -> Waiting {
        Waiting {
            epoch,
            sequence: 0,
            timestamp: RtpTime(timestamp),
            arrived: Instant::now(),
            len: 0,
        }
    }

    #[test]
    fn packets_come_out_in_the_order_of_their_time_over_a_wrap() {
        let mut buffer = JitterBuffer::new(4);
        for (epoch, timestamp, payload) in [
            (7, 80, 3),
            (7, u32::MAX - 239, 1),
            (8, 5, 4),
            (7, u32::MAX - 79, 2),
        ] {
            assert!(buffer.push(waiting(epoch, timestamp), &[payload]));
        }
        assert_eq!(buffer.depth(), 320);
        for wanted in 1..=4 {
            let (_, payload) = buffer.first().expect("a packet");
            assert_eq!(payload, [wanted]);
            buffer.pop();
        }
        assert_eq!(buffer.first(), None);
    }

    #[test]
    fn what_is_too_much_costs_the_oldest_and_what_is_too_long_itself() {
        let mut buffer = JitterBuffer::new(4);
        assert!(!buffer.push(waiting(0, 0), &[0; 5]));
        for index in 0..SLOTS as u32 {
            assert!(buffer.push(waiting(0, 160 * index), &[1]));
        }
        assert!(!buffer.push(waiting(0, 160 * SLOTS as u32), &[1]));
        let (first, _) = buffer.first().expect("a packet");
        assert_eq!(first.timestamp, RtpTime(160));
    }
}
