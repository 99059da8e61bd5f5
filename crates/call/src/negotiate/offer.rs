//! The carrier's offer, ours to OpenAI, and the answer to the carrier.

use super::formats::{
    encoding_of, event_encoding, events_of, formats_for_openai, noise_of, offered_encodings,
    offered_format, ptime_of,
};
use super::srtp::{Keys, Terms, profile_of};
use super::{Offer, Unacceptable, rtcp};
use crate::config::Trunk;
use crate::termination::EndReason;
use rand_core::Rng;
use squelch_media::Format;
use squelch_media::rtp::Ptime;
use squelch_sip::sdp::{self, AudioMedia, Crypto, Encoding, Profile, SessionDescription};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Reads a carrier's offer against its trunk.
pub(crate) fn read_offer(
    trunk: &Trunk,
    terms: Terms,
    body: &[u8],
    random: &mut impl Rng,
) -> Result<Offer, Unacceptable> {
    let mut description = SessionDescription::parse(body)
        .map_err(|error| Unacceptable::new(EndReason::BadSdp, 399, error.to_string()))?;
    terms.choose(&mut description);
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
    let keys = terms.take_offer(&audio, None, random)?;
    let Some((format, payload_type)) = offered_format(&trunk.formats, &audio) else {
        let wanted: Vec<&str> = trunk.formats.iter().map(|format| format.name()).collect();
        let text = format!(
            "none of the formats offered is one of {}",
            wanted.join(", ")
        );
        return Err(Unacceptable::new(EndReason::NoCommonFormat, 305, text));
    };
    let remote = SocketAddr::new(audio.address, audio.port);
    if !trunk.media_allowed(remote) {
        let text = format!("{remote} is no address that media are sent to on this trunk");
        return Err(Unacceptable::new(EndReason::MediaAddress, 399, text));
    }
    Ok(Offer {
        description,
        audio,
        format,
        payload_type,
        keys,
    })
}

/// The offer to OpenAI: `formats`, the carrier's first where it is among them, so that no transcoding is the rule;
/// comfort noise where the carrier has it.
pub(crate) fn offer_to_openai(
    offer: &Offer,
    formats: &[Format],
    session_id: &str,
    local: SocketAddr,
    crypto: Vec<Crypto>,
) -> SessionDescription {
    let formats = formats_for_openai(offer.format, formats);
    let noise = noise_of(&offer.audio, offer.format).is_some();
    let audio = AudioMedia {
        address: local.ip(),
        port: local.port(),
        profile: profile_of(&crypto),
        encodings: offered_encodings(&formats, noise),
        ptime: Some(Ptime::DEFAULT.as_ms()),
        maxptime: None,
        direction: sdp::Direction::SendRecv,
        crypto,
        rtcp: rtcp::offered(),
    };
    SessionDescription {
        session_id: session_id.to_owned(),
        version: 1,
        address: local.ip().to_string(),
        media: vec![sdp::Media::Audio(audio)],
    }
}

/// The answer to the carrier: one format, telephone-event at its clock and comfort noise where they were offered.
pub(crate) fn answer_to_carrier(
    offer: &Offer,
    session_id: &str,
    local: SocketAddr,
) -> SessionDescription {
    let chosen = Encoding {
        payload_type: offer.payload_type.number(),
        ..encoding_of(offer.format)
    };
    let events = events_of(&offer.audio, offer.format).map(|offered| Encoding {
        payload_type: offered.payload_type,
        ..event_encoding(offered.clock_rate)
    });
    let noise = noise_of(&offer.audio, offer.format).cloned();
    let crypto: Vec<Crypto> = offer.keys.iter().map(Keys::line).collect();
    let audio = AudioMedia {
        address: local.ip(),
        port: local.port(),
        profile: profile_of(&crypto),
        encodings: std::iter::once(chosen).chain(events).chain(noise).collect(),
        ptime: Some(ptime_of(&offer.audio, offer.format).as_ms()),
        maxptime: None,
        direction: offer.audio.direction.mirrored(),
        crypto,
        rtcp: rtcp::answered(&offer.audio.rtcp),
    };
    offer.description.answered(session_id, local.ip(), audio)
}

/// What stands in for the offer of a carrier that leaves it to us (RFC 3261 section 13.2.1), until its ACK says more.
pub(crate) fn unsaid_offer(trunk: &Trunk) -> Offer {
    let format = trunk.formats.first().copied().unwrap_or(Format::Pcmu);
    let audio = AudioMedia {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        port: 0,
        profile: Profile::Avp,
        encodings: Vec::new(),
        ptime: None,
        maxptime: None,
        direction: sdp::Direction::SendRecv,
        crypto: Vec::new(),
        rtcp: sdp::Rtcp::default(),
    };
    Offer {
        description: SessionDescription {
            session_id: String::new(),
            version: 0,
            address: audio.address.to_string(),
            media: Vec::new(),
        },
        audio,
        format,
        payload_type: format.offered_payload_type(),
        keys: None,
    }
}

/// Our offer to such a carrier: the format OpenAI took first, so that no transcoding is the rule.
pub(crate) fn late_offer(
    trunk: &Trunk,
    openai: Format,
    session_id: &str,
    local: SocketAddr,
    crypto: Vec<Crypto>,
) -> SessionDescription {
    let mut formats = trunk.formats.clone();
    formats.sort_by_key(|format| *format != openai);
    let audio = AudioMedia {
        address: local.ip(),
        port: local.port(),
        profile: profile_of(&crypto),
        encodings: offered_encodings(&formats, false),
        ptime: Some(Ptime::DEFAULT.as_ms()),
        maxptime: None,
        direction: sdp::Direction::SendRecv,
        crypto,
        rtcp: rtcp::offered(),
    };
    SessionDescription {
        session_id: session_id.to_owned(),
        version: 1,
        address: local.ip().to_string(),
        media: vec![sdp::Media::Audio(audio)],
    }
}
