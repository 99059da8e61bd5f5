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

/// Every timer of the endpoint. A to K are RFC 3261's (table 4), L and M RFC 6026's; C belongs to
/// proxies and is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// INVITE sent again (UDP).
    A,
    /// INVITE without any response.
    B,
    /// Final non-2xx to our INVITE may be repeated until then.
    D,
    /// Other request sent again (UDP).
    E,
    /// Other request without final response.
    F,
    /// Final non-2xx to an INVITE sent again (UDP).
    G,
    /// Final non-2xx to an INVITE without ACK.
    H,
    /// ACKs of it may be repeated until then.
    I,
    /// Other request may be repeated until then.
    J,
    /// Final response to our other request may be repeated until then.
    K,
    /// INVITE may be repeated after our 2xx until then.
    L,
    /// Further 2xx to our INVITE may come until then.
    M,
    /// Our 2xx sent again, on any transport (RFC 3261 section 13.3.1.4).
    AnswerAgain,
    /// Our 2xx without ACK.
    NoAck,
    /// Our CANCEL without effect on the INVITE (RFC 3261 section 9.1).
    NoEffect,
    /// Our reliable provisional response sent again (RFC 3262 section 3).
    ProvisionalAgain,
    /// Our reliable provisional response without PRACK.
    NoPrack,
    /// The session is to be refreshed (RFC 4028 section 10).
    Refresh,
    /// No refresh came in time.
    SessionExpired,
    /// The user answers a request too late for the peer to care.
    Unanswered,
    /// A connection is not up yet.
    Connect,
    /// A ping is due on a connection of ours (RFC 5626 section 4.4.1).
    KeepAlive,
    /// A ping without its pong.
    Pong,
    /// A connection without bytes.
    Idle,
    /// A message begun on a connection and not complete.
    Incomplete,
}
