//! Everything a packet meets: RTP, detector, gate, repair, path and bridge. Sans-IO.
//!
//! One [`Bridge`] a call. The caller owns sockets, buffers and the clock:
//!
//! 1. [`Bridge::new`] with the [`MediaPlan`] of negotiation. It may allocate; nothing after it does.
//! 2. Each datagram goes through [`Bridge::forward`], in place; `Forward::Send` says where it goes on to,
//!    `Forward::Hold` that it comes out of [`Bridge::poll_transmit`] later. What comes to a leg's RTCP port goes
//!    to [`Bridge::handle_rtcp`].
//! 3. After that, and whenever [`Bridge::poll_timeout`] is due ([`Bridge::handle_timeout`]), drain
//!    [`Bridge::poll_transmit`] and [`Bridge::poll_event`] until they give `None`.

pub mod audio;
mod bridge;
mod comfort_noise;
pub mod detect;
mod format;
mod gate;
mod hold;
mod lane;
mod path;
mod plan;
pub mod quality;
pub mod rtcp;
pub mod rtp;
mod secure;
mod source;
pub mod srtp;
mod stats;
mod tap;
mod turn;

pub use audio::format::SampleRate;
pub use bridge::{Bridge, Forward, MediaEvent, Transmit};
pub use format::Format;
pub use hold::MAX_HOLD;
pub use path::Mismatch;
pub use plan::{Channel, Direction, GuardAction, GuardPlan, LegPlan, MediaPlan, Side, SrtpPlan};
pub use stats::{BridgeStats, DropReason, Dropped, GuardStats, LegStats};
pub use tap::{Ring, Rings, TapFor, Tapped, Way};
