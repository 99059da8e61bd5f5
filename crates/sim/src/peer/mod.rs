//! The peers of the gateway: a carrier that places calls and a stand-in for OpenAI Realtime.
//!
//! Signalling runs on [`squelch_sip::Endpoint`]; SDP, RTP and all audio arithmetic are written a
//! second time here, in the few lines that a well-behaved peer needs.

pub mod carrier;
pub mod openai;
pub mod recording;
pub mod rtp;
mod sdp;
mod srtp;

pub use squelch_media::srtp::Suite;
