//! Negotiation: the one place where names on the wire become formats of media.

use crate::config::{GatewayConfig, Trunk, media_allowed};
use crate::termination::EndReason;
use ipnet::IpNet;
use rand_core::Rng;
use squelch_media::rtp::{PayloadType, Ptime, RtpTime, Ssrc};
use squelch_media::{Direction, Format, GuardPlan, LegPlan, MediaPlan};
use squelch_sip::sdp::{self, AudioMedia, Encoding, Profile, SessionDescription};
use std::net::SocketAddr;

/// The payload type squelch offers telephone-event at, where the peer has not chosen one.
const TELEPHONE_EVENT: u8 = 101;

/// What a carrier's offer comes to.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) description: SessionDescription,
    pub(crate) audio: AudioMedia,
    pub(crate) format: Format,
    pub(crate) payload_type: PayloadType,
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

fn encoding_of(format: Format) -> Encoding {
    match format {
        Format::Pcmu => Encoding::pcmu(),
        Format::Pcma => Encoding::pcma(),
    }
}

/// Reads a carrier's offer against its trunk.
pub(crate) fn read_offer(trunk: &Trunk, body: &[u8]) -> Result<Offer, Unacceptable> {
    let description = SessionDescription::parse(body)
        .map_err(|error| Unacceptable::new(EndReason::BadSdp, 399, error.to_string()))?;
    let Some(audio) = description.audio().cloned() else {
        return Err(Unacceptable::new(
            EndReason::BadSdp,
            304,
            "no audio is offered",
        ));
    };
    if audio.port == 0 {
        return Err(Unacceptable::new(
            EndReason::NoCommonFormat,
            304,
            "the audio is offered with port 0",
        ));
    }
    if audio.profile != Profile::Avp {
        let text = format!(
            "{} is not spoken with this trunk, RTP/AVP is",
            audio.profile.name()
        );
        return Err(Unacceptable::new(EndReason::NoCommonFormat, 302, text));
    }
    let chosen = trunk.formats.iter().find_map(|wanted| {
        let offered = audio
            .encodings
            .iter()
            .find(|encoding| format_of(encoding) == Some(*wanted))?;
        Some((*wanted, PayloadType::new(offered.payload_type)?))
    });
    let Some((format, payload_type)) = chosen else {
        let wanted: Vec<&str> = trunk.formats.iter().map(|format| format.name()).collect();
        let text = format!(
            "none of the formats offered is one of {}",
            wanted.join(", ")
        );
        return Err(Unacceptable::new(EndReason::NoCommonFormat, 305, text));
    };
    let remote = SocketAddr::new(audio.address, audio.port);
    if !media_allowed(remote, &trunk.media_sources) {
        let text = format!("{remote} is no address that media are sent to on this trunk");
        return Err(Unacceptable::new(EndReason::MediaAddress, 399, text));
    }
    Ok(Offer {
        description,
        audio,
        format,
        payload_type,
    })
}

/// The offer to OpenAI: the carrier's format first, the other law after it, so that no transcoding is the rule.
pub(crate) fn offer_to_openai(
    offer: &Offer,
    session_id: &str,
    local: SocketAddr,
) -> SessionDescription {
    let other = match offer.format {
        Format::Pcmu => Format::Pcma,
        Format::Pcma => Format::Pcmu,
    };
    let audio = AudioMedia {
        address: local.ip(),
        port: local.port(),
        profile: Profile::Avp,
        encodings: vec![
            encoding_of(offer.format),
            encoding_of(other),
            Encoding::telephone_event(TELEPHONE_EVENT),
        ],
        ptime: Some(Ptime::DEFAULT.as_ms()),
        maxptime: None,
        direction: sdp::Direction::SendRecv,
    };
    SessionDescription {
        session_id: session_id.to_owned(),
        version: 1,
        address: local.ip().to_string(),
        media: vec![sdp::Media::Audio(audio)],
    }
}

/// The answer to the carrier: one format, telephone-event where it was offered.
pub(crate) fn answer_to_carrier(
    offer: &Offer,
    session_id: &str,
    local: SocketAddr,
) -> SessionDescription {
    let chosen = Encoding {
        payload_type: offer.payload_type.number(),
        ..encoding_of(offer.format)
    };
    let events = offer
        .audio
        .telephone_event()
        .map(|offered| Encoding::telephone_event(offered.payload_type));
    let audio = AudioMedia {
        address: local.ip(),
        port: local.port(),
        profile: Profile::Avp,
        encodings: std::iter::once(chosen).chain(events).collect(),
        ptime: Some(ptime_of(&offer.audio).as_ms()),
        maxptime: None,
        direction: offer.audio.direction.mirrored(),
    };
    offer.description.answered(session_id, local.ip(), audio)
}

/// What both descriptions come to: all that a media worker needs.
///
/// **Errors**: when OpenAI's answer is broken, holds nothing that was offered, or names an address that media
/// may not be sent to.
pub(crate) fn plan(
    config: &GatewayConfig,
    trunk: &Trunk,
    offer: &Offer,
    answer: &[u8],
    random: &mut impl Rng,
) -> Result<MediaPlan, Unacceptable> {
    let refused = |text: String| Unacceptable::new(EndReason::OpenaiBadAnswer, 399, text);
    let description =
        SessionDescription::parse(answer).map_err(|error| refused(error.to_string()))?;
    let audio = description.audio().filter(|audio| audio.port != 0);
    let audio = audio.ok_or_else(|| refused("the answer refuses the audio".into()))?;
    if audio.profile != Profile::Avp {
        return Err(refused(format!(
            "the answer takes {}, which was not offered",
            audio.profile.name()
        )));
    }
    let chosen = audio.encodings.iter().find_map(|encoding| {
        let format = format_of(encoding)?;
        // Only what was offered, at the payload type it was offered at (RFC 3264 section 6.1).
        (encoding.payload_type == format.static_payload_type().number()).then_some(format)
    });
    let format =
        chosen.ok_or_else(|| refused("the answer takes none of the formats offered".into()))?;
    let remote = SocketAddr::new(audio.address, audio.port);
    if !media_allowed(remote, &config.openai.media_sources) {
        return Err(refused(format!(
            "{remote} is no address that media are sent to on this leg"
        )));
    }
    let openai = Leg {
        audio,
        format,
        payload_type: format.static_payload_type(),
        media_sources: &config.openai.media_sources,
    };
    let carrier = Leg {
        audio: &offer.audio,
        format: offer.format,
        payload_type: offer.payload_type,
        media_sources: &trunk.media_sources,
    };
    Ok(MediaPlan {
        carrier: carrier.plan(random),
        openai: openai.plan(random),
        guard: GuardPlan {
            action: config.guard.action,
            hold: config.guard.hold,
        },
    })
}

/// One leg as its peer described it.
struct Leg<'a> {
    audio: &'a AudioMedia,
    format: Format,
    payload_type: PayloadType,
    media_sources: &'a [IpNet],
}

impl Leg<'_> {
    fn plan(&self, random: &mut impl Rng) -> LegPlan {
        LegPlan {
            format: self.format,
            payload_type: self.payload_type,
            telephone_event: self
                .audio
                .telephone_event()
                .and_then(|event| PayloadType::new(event.payload_type)),
            ptime: ptime_of(self.audio),
            direction: direction_of(self.audio.direction),
            remote: SocketAddr::new(self.audio.address, self.audio.port),
            media_sources: self.media_sources.to_vec(),
            ssrc: Ssrc(random.next_u32()),
            sequence: random.next_u32() as u16,
            timestamp: RtpTime(random.next_u32()),
        }
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
