//! How many connections may be open, in all and for one source.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts accepted connections.
#[derive(Clone)]
pub(super) struct Slots {
    taken: Arc<Mutex<Taken>>,
    expected: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    unexpected: usize,
    by_source: HashMap<IpAddr, usize>,
}

impl Slots {
    pub(super) fn new(expected: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>) -> Self {
        Slots {
            taken: Arc::default(),
            expected,
        }
    }

    /// Room for a connection from `source`, until the slot is dropped; `None` when there is none.
    pub(super) fn take(&self, source: IpAddr) -> Option<Slot> {
        let expected = (self.expected)(source.to_canonical());
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let unexpected = usize::from(!expected);
        let of_source = taken.by_source.get(&source).copied().unwrap_or(0);
        if taken.all >= CONNECTIONS
            || taken.unexpected + unexpected > UNEXPECTED_CONNECTIONS
            || of_source >= CONNECTIONS_OF_A_SOURCE
        {
            return None;
        }
        taken.all += 1;
        taken.unexpected += unexpected;
        taken.by_source.insert(source, of_source + 1);
        Some(Slot {
            taken: Arc::clone(&self.taken),
            source,
            expected,
        })
    }
}

/// One accepted connection's room.
#[derive(Debug)]
pub(super) struct Slot {
    taken: Arc<Mutex<Taken>>,
    source: IpAddr,
    expected: bool,
}

impl Slot {
    /// Whether the source is one that connections are expected from.
    pub(super) fn is_expected(&self) -> bool {
        self.expected
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let unexpected = usize::from(!self.expected);
        taken.unexpected = taken.unexpected.saturating_sub(unexpected);
        if let Some(count) = taken.by_source.get_mut(&self.source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.by_source.remove(&self.source);
            }
        }
    }
}

/// Accepted connections at once, all listeners together.
const CONNECTIONS: usize = 512;
/// Of those, what strangers may take; the rest is the carriers'.
const UNEXPECTED_CONNECTIONS: usize = CONNECTIONS / 2;
/// Connections at once from one address.
const CONNECTIONS_OF_A_SOURCE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_leave_room_for_carriers() {
        let carrier: IpAddr = [192, 0, 2, 1].into();
        let slots = Slots::new(Arc::new(move |ip| ip == carrier));
        let mut held = Vec::new();
        for last in 0..=255 {
            for _ in 0..2 {
                held.extend(slots.take([198, 51, 100, last].into()));
            }
        }
        assert_eq!(held.len(), UNEXPECTED_CONNECTIONS);
        for _ in 0..CONNECTIONS_OF_A_SOURCE {
            held.push(slots.take(carrier).expect("room for the carrier"));
        }
        assert!(slots.take(carrier).is_none(), "one source took too many");
        held.clear();
        assert!(slots.take([198, 51, 100, 7].into()).is_some());
        assert!(slots.taken.lock().expect("whole").by_source.is_empty());
    }
}
