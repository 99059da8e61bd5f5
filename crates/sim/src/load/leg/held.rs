//! Packets that impairment holds back.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use super::Departure;

/// Packets on their way through a bad network, the earliest first; of equals the one that came first.
#[derive(Debug, Default)]
pub(super) struct Held {
    order: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    slots: Vec<Vec<u8>>,
    free: Vec<usize>,
    count: u64,
}

impl Held {
    /// Keeps a copy until `at`. What finds no room is lost, as in a network.
    pub(super) fn push(&mut self, at: Instant, packet: &[u8]) {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() < MOST => {
                self.slots.push(Vec::new());
                self.slots.len() - 1
            }
            None => return,
        };
        if let Some(place) = self.slots.get_mut(slot) {
            place.clear();
            place.extend_from_slice(packet);
        }
        self.count += 1;
        self.order.push(Reverse((at, self.count, slot)));
    }

    /// When the next one leaves.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Writes the earliest that is due into `buffer`.
    pub(super) fn pop_due(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Departure> {
        let due = self.next().filter(|at| *at <= now)?;
        let Reverse((_, _, slot)) = self.order.pop()?;
        self.free.push(slot);
        let packet = self.slots.get(slot)?;
        buffer.get_mut(..packet.len())?.copy_from_slice(packet);
        Some(Departure {
            length: packet.len(),
            due,
        })
    }
}

/// Packets of one call under way at once: five seconds of them at 20 ms.
const MOST: usize = 256;
