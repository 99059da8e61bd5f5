//! The other side on real sockets: the stand-in for OpenAI, and a carrier.
//!
//! Both run on [`crate::signaling_io`] as the gateway does. A task owns the sans-IO peer and moves
//! bytes and time; who wants to see what went over the wire hands in a [`Tap`].

mod args;
mod carrier;
mod identity;
mod openai;
mod ports;
mod run;
mod tap;
mod web;

pub use args::Args;
pub use carrier::{Call, CarrierError, place_call};
pub use identity::Identity;
pub use openai::{OpenAiServer, OpenAiServerConfig, ServerError};
pub use run::run;
pub use tap::{Seen, SeenMessage, Tap};
