//! Captures: what went over a call's legs, on disk. Written when a fault is found, or while a call is recorded.
//!
//! The media workers copy packets into rings of fixed memory ([`squelch_media::Rings`]). The gateway's task owns a
//! [`Keeper`], which decides when rings are fetched and whose they are; a thread of its own ([`writer`]) makes files
//! of them. Between the two is a queue of [`writer::WAITING`] rings: what finds it full is lost, and counted.
//!
//! A capture is several files with one name: `.pcap`, `.json`, and for a fault four `.wav`. Names begin with the call's
//! id. All are readable by their owner alone. Together they take `max_bytes` at most ([`shelf`]).

mod about;
mod keeper;
mod place;
mod shelf;
mod sound;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use keeper::{Keeper, NotRecorded};
pub(crate) use writer::Counts;
