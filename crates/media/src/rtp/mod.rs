//! RTP (RFC 3550): the header in place, reception statistics, what we send, and building packets.

mod build;
mod numbers;
mod receive;
mod send;
mod sent;
mod view;

pub use build::{BuildError, build};
pub use numbers::{PayloadType, Ptime, RtpTime, SeqNo, Ssrc};
pub use receive::{Arrival, Receive, SourceReport};
pub use send::{Send, Stamp};
pub use sent::Sent;
pub use view::{Malformed, View, is_rtcp, restamp};
