//! The one table of deadlines.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::endpoint::DialogId;
use crate::timers::Timer;
use crate::transaction::TransactionId;
use crate::transport::ConnectionId;

/// Whose timer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Transaction(TransactionId),
    Dialog(DialogId),
    Connection(ConnectionId),
}

/// Deadlines by owner and by time. An owner has at most one of each timer.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    deadlines: BTreeMap<(Owner, Timer), Instant>,
    order: BTreeSet<(Instant, Owner, Timer)>,
}

impl Schedule {
    pub(crate) fn set(&mut self, owner: Owner, timer: Timer, at: Instant) {
        self.clear(owner, timer);
        self.deadlines.insert((owner, timer), at);
        self.order.insert((at, owner, timer));
    }

    pub(crate) fn clear(&mut self, owner: Owner, timer: Timer) {
        if let Some(at) = self.deadlines.remove(&(owner, timer)) {
            self.order.remove(&(at, owner, timer));
        }
    }

    pub(crate) fn clear_all(&mut self, owner: Owner) {
        // Timer::A is the first, Timer::Incomplete the last variant.
        let range = (owner, Timer::A)..=(owner, Timer::Incomplete);
        let timers: Vec<Timer> = self
            .deadlines
            .range(range)
            .map(|((_, timer), _)| *timer)
            .collect();
        for timer in timers {
            self.clear(owner, timer);
        }
    }

    pub(crate) fn is_set(&self, owner: Owner, timer: Timer) -> bool {
        self.deadlines.contains_key(&(owner, timer))
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _, _)| *at)
    }

    /// Takes the earliest timer that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Owner, Timer)> {
        let (at, owner, timer) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.clear(owner, timer);
        Some((owner, timer))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}
