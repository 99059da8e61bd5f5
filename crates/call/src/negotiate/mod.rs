//! Negotiation: the one place where names on the wire become formats of media.

mod change;
mod offer;
mod plan;
mod srtp;

pub(crate) use change::{Change, Standing, answer_to_change, as_it_stands, read_change};
pub(crate) use offer::{answer_to_carrier, late_offer, offer_to_openai, read_offer, unsaid_offer};
pub(crate) use plan::{Invited, plan};
pub(crate) use srtp::Terms;

use crate::termination::EndReason;
use squelch_media::rtp::{PayloadType, Ptime};
use squelch_media::{Direction, Format};
use squelch_sip::sdp::{self, AudioMedia, Encoding, SessionDescription};

/// The payload type squelch offers telephone-event at, where the peer has not chosen one.
const TELEPHONE_EVENT: u8 = 101;

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

/// The format an encoding's name stands for, if squelch speaks it.
pub(crate) fn format_of(encoding: &Encoding) -> Option<Format> {
    [("PCMU", Format::Pcmu), ("PCMA", Format::Pcma)]
        .into_iter()
        .find(|(name, format)| encoding.is(name, format.clock_rate()))
        .map(|(_, format)| format)
}

/// The first of `formats` that the peer takes, at the peer's payload type.
fn offered_format(formats: &[Format], audio: &AudioMedia) -> Option<(Format, PayloadType)> {
    formats.iter().find_map(|wanted| {
        let taken = |encoding: &&Encoding| format_of(encoding) == Some(*wanted);
        let offered = audio.encodings.iter().find(taken)?;
        Some((*wanted, PayloadType::new(offered.payload_type)?))
    })
}

fn encoding_of(format: Format) -> Encoding {
    match format {
        Format::Pcmu => Encoding::pcmu(),
        Format::Pcma => Encoding::pcma(),
    }
}

/// The packet time a peer asks for, within what squelch speaks.
fn ptime_of(audio: &AudioMedia) -> Ptime {
    let ptime = audio
        .ptime
        .and_then(Ptime::from_ms)
        .unwrap_or(Ptime::DEFAULT);
    audio
        .maxptime
        .and_then(Ptime::from_ms)
        .map_or(ptime, |most| ptime.min(most))
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
