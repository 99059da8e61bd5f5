//! Session descriptions (RFC 8866) as far as one audio stream needs them, and offer/answer (RFC 3264).
//!
//! The lines are split by sdp-types; what they mean is read here. Everything else of a description is kept
//! only as far as an answer must mirror it.

mod crypto;
mod error;
mod model;
mod parse;
mod rtcp;
mod write;

pub use crypto::Crypto;
pub use error::SdpError;
pub use model::{
    AudioMedia, Direction, Encoding, Media, OtherMedia, Profile, Rtcp, SessionDescription,
};

#[cfg(test)]
mod tests;
