//! The timers of all calls, in one table.

use crate::io::CallId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A sign from OpenAI (`[limits] setup`).
    Setup,
    /// A sign from the address that was asked, while others are left.
    Target,
    /// The answer (`[limits] ring`).
    Ring,
    /// The end of the longest call (`[limits] max_call`).
    MaxCall,
    /// The end of patience with static (`[guard] hang_up_after`).
    HangUp,
    /// The next try to accept the call at OpenAI.
    Accept,
    /// The end of patience with a step of mending.
    Mend,
    /// OpenAI ends the session soon.
    Expiry,
    /// The end of a transfer (`[limits] ring`).
    Transfer,
    /// The last figures from the media worker.
    LastStats,
}

/// Deadlines, at most one of each kind a call.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeSet<(Instant, CallId, Timer)>,
    set: BTreeMap<(CallId, Timer), Instant>,
}

impl Timers {
    /// Sets a timer, anew if it was set.
    pub(crate) fn set(&mut self, call: CallId, timer: Timer, at: Instant) {
        self.clear(call, timer);
        self.set.insert((call, timer), at);
        self.due.insert((at, call, timer));
    }

    /// Takes a timer back, if it is set.
    pub(crate) fn clear(&mut self, call: CallId, timer: Timer) {
        if let Some(at) = self.set.remove(&(call, timer)) {
            self.due.remove(&(at, call, timer));
        }
    }

    /// Takes all timers of a call back.
    pub(crate) fn clear_call(&mut self, call: CallId) {
        for timer in [
            Timer::Setup,
            Timer::Target,
            Timer::Ring,
            Timer::MaxCall,
            Timer::HangUp,
            Timer::Accept,
            Timer::Mend,
            Timer::Expiry,
            Timer::Transfer,
            Timer::LastStats,
        ] {
            self.clear(call, timer);
        }
    }

    /// The next timer that is due, taken out.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(CallId, Timer)> {
        let (at, call, timer) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.clear(call, timer);
        Some((call, timer))
    }

    /// When the next timer is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, ..)| *at)
    }
}
