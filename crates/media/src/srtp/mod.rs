//! SRTP and SRTCP (RFC 3711, RFC 7714): packets protected and unprotected in place.
//!
//! A [`MasterKey`] comes from the signalling (RFC 4568); what is derived from it, the rollover counters and the
//! replay windows live in a [`Protector`] for what is sent and an [`Unprotector`] for what is received. Neither
//! allocates for a packet. A packet that can't be believed changes nothing.

mod cipher;
mod derive;
mod error;
mod index;
mod master_key;
mod packet;
mod protect;
mod suite;
mod unprotect;

#[cfg(test)]
mod tests;

pub use error::SrtpError;
pub use master_key::MasterKey;
pub use protect::Protector;
pub use suite::Suite;
pub use unprotect::Unprotector;
