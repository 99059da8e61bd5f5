//! The transaction layer (RFC 3261 section 17, RFC 6026): four machines that know states and
//! timers but no messages. They say what to do in [`Step`]s; the endpoint does it.

mod client_invite;
mod client_non_invite;
mod key;
mod server_invite;
mod server_non_invite;

use std::time::Duration;

use crate::timers::Timer;

pub(crate) use client_invite::ClientInvite;
pub(crate) use client_non_invite::ClientNonInvite;
pub(crate) use key::{ClientKey, MergeKey, ServerKey};
pub(crate) use server_invite::ServerInvite;
pub(crate) use server_non_invite::ServerNonInvite;

/// A transaction of this endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TransactionId(pub(crate) u64);

/// What a machine wants done, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send the request for the first time.
    Send,
    /// Send the request, or the last response, again.
    SendAgain,
    /// Acknowledge the final response at hand (never a 2xx).
    Acknowledge,
    /// Hand what has just come in to the transaction user.
    Deliver,
    /// Start or restart a timer.
    Set(Timer, Duration),
    /// Stop a timer.
    Clear(Timer),
    /// Tell the user that nothing came in time.
    TimedOut,
    /// The transaction is over; forget it.
    Terminate,
}
