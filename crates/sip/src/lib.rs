//! SIP messages, transactions, dialogs and SDP offer/answer, sans-IO.
//!
//! The crate names no socket, task, clock or random source: bytes and the time go in, bytes,
//! events and the next deadline come out.
//!
//! # The contract
//! 1. Give [`Endpoint::handle_transport`] whatever the network did, [`Endpoint::handle_timeout`]
//!    when the deadline of [`Endpoint::poll_timeout`] has passed, or one command
//!    (`invite`, `answer`, `bye`, ...). One of them at a time.
//! 2. Then drain [`Endpoint::poll_output`] until it gives `None`: [`Output::Transport`] goes to the
//!    network, [`Output::Event`] to the transaction user, which may answer with commands.
//! 3. Ask [`Endpoint::poll_timeout`] again: every input may have moved it.
//!
//! ```
//! use std::time::Instant;
//! use squelch_sip::{Endpoint, Event, Output, Rejection, TransportInput, TransportOutput};
//!
//! /// One turn of a driver that is busy for everybody.
//! fn turn(
//!     endpoint: &mut Endpoint,
//!     now: Instant,
//!     input: Option<TransportInput<'_>>,
//!     mut send: impl FnMut(TransportOutput),
//! ) -> Option<Instant> {
//!     match input {
//!         Some(input) => endpoint.handle_transport(now, input),
//!         None => endpoint.handle_timeout(now),
//!     }
//!     while let Some(output) = endpoint.poll_output() {
//!         match output {
//!             Output::Transport(output) => send(output),
//!             Output::Event(Event::Invite { dialog, .. }) => {
//!                 endpoint.reject(now, dialog, Rejection::status(486));
//!             }
//!             Output::Event(_) => {}
//!         }
//!     }
//!     endpoint.poll_timeout()
//! }
//! ```
//!
//! Every dialog ends with exactly one of [`Event::Cancelled`], [`Event::Rejected`],
//! [`Event::Bye`], [`Event::Ended`], or with the user's own [`Endpoint::reject`].

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod command;
mod config;
mod counters;
mod dialog;
pub mod digest;
mod endpoint;
mod event;
pub mod locate;
pub mod message;
mod random;
mod schedule;
pub mod sdp;
mod timers;
mod transaction;
mod transport;

pub use command::{
    Body, DialogMethod, OutgoingInvite, OutgoingOptions, OutgoingRequest, Reason, Rejection,
    Response, Target, Warning,
};
pub use config::{EndpointConfig, Limits, Listener};
pub use counters::Counters;
pub use digest::{Credentials, DigestServer, DigestVerdict};
pub use endpoint::{DialogId, Endpoint, RequestId};
pub use event::{DropReason, EndCause, Event, Failure, IncomingInvite, Output};
pub use message::{Headers, NameAddr, Params, Uri};
pub use timers::Timers;
pub use transport::{ConnectionId, Protocol, Source, TransportInput, TransportOutput};
