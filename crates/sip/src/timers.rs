//! The timer values of RFC 3261 table 4 and RFC 6026.

use std::time::Duration;

/// The three base values all timers A to M derive from. `Default` gives RFC 3261's;
/// tests may shorten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// T1: the round-trip time estimate. RFC 3261 section 17.1.1.1: 500 ms.
    pub t1: Duration,
    /// T2: the longest interval between retransmissions. RFC 3261 section 17.1.2.2: 4 s.
    pub t2: Duration,
    /// T4: the longest a message stays in the network. RFC 3261 section 17.1.2.2: 5 s.
    pub t4: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Timers {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

impl Timers {
    /// 64*T1: how long a transaction waits before it gives up (timers B, F, H, L, M and D at least).
    pub fn give_up(&self) -> Duration {
        self.t1.saturating_mul(64)
    }
}
