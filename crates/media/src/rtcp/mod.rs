//! RTCP (RFC 3550 section 6): what a leg and squelch tell each other of what they receive.
//!
//! Each leg has a `Session` of its own; nothing is passed on from one to the other.

mod address;
mod blocks;
mod build;
mod compound;
mod interval;
mod members;
mod ntp;
mod plan;
mod read;
mod round_trip;
mod session;
mod stats;
mod view_of_us;
mod voip_metrics;

pub(crate) use address::Address;
pub use blocks::{ReportBlock, SenderInfo};
pub use build::Builder;
pub use compound::{Compound, MAX_COMPOUND_BYTES, Malformed};
pub use interval::{Group, Interval, Report};
pub use ntp::{NtpTime, WallClock};
pub use plan::{Cname, RtcpPlan};
pub use read::{Blocks, Chunks, ExtendedBlock, ExtendedBlocks, Packet, Sources};
pub(crate) use session::{Incoming, Outgoing, Session};
pub use stats::{Kind, Kinds, PeerView, RtcpStats};
pub use voip_metrics::VoipMetrics;
