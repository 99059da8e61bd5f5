//! Negotiation: the one place where names on the wire become formats of media.

mod change;
mod check;
mod formats;
mod offer;
mod plan;
mod rtcp;
mod srtp;

pub(crate) use change::{Change, Standing, answer_to_change, as_it_stands, read_change};
pub(crate) use check::{odd_in_answer, odd_in_offer};
pub(crate) use formats::formats_for_openai;
pub(crate) use offer::{answer_to_carrier, late_offer, offer_to_openai, read_offer, unsaid_offer};
pub(crate) use plan::{Invited, plan};
pub(crate) use srtp::Terms;

use crate::termination::EndReason;
use squelch_media::rtp::PayloadType;
use squelch_media::{Direction, Format};
use squelch_sip::sdp::{self, AudioMedia, SessionDescription};

/// What a carrier's offer comes to.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) description: SessionDescription,
    pub(crate) audio: AudioMedia,
    pub(crate) format: Format,
    pub(crate) payload_type: PayloadType,
    /// The keys taken; `None` for plain RTP.
    pub(crate) keys: Option<srtp::Keys>,
}

/// Why an offer or an answer can't be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unacceptable {
    pub(crate) reason: EndReason,
    /// The Warning header's code (RFC 3261 section 20.43).
    pub(crate) warning: u16,
    pub(crate) text: String,
}

impl Unacceptable {
    fn new(reason: EndReason, warning: u16, text: impl Into<String>) -> Unacceptable {
        Unacceptable {
            reason,
            warning,
            text: text.into(),
        }
    }
}

/// A peer's direction, seen from squelch.
fn direction_of(peer: sdp::Direction) -> Direction {
    match peer {
        sdp::Direction::SendRecv => Direction::SendRecv,
        sdp::Direction::SendOnly => Direction::RecvOnly,
        sdp::Direction::RecvOnly => Direction::SendOnly,
        sdp::Direction::Inactive => Direction::Inactive,
    }
}
