//! Transfers: which numbers OpenAI may have a carrier dial, what a Refer-To asks for, and how far the carrier says it is.
//!
//! Nothing of a peer's text goes on: a number, an address of the trunk's own and a status are read out of it, and
//! written anew.

mod number;
mod progress;
mod target;

pub use number::{InvalidPattern, NumberPattern, Transfer};
pub(crate) use progress::Progress;
pub(crate) use target::Target;
