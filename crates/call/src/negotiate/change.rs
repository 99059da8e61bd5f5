//! A leg that stands is described anew: hold, resume, another address, another format.

use super::formats::{
    encoding_of, event_encoding, events_of, format_of, free_payload_type, noise_of, offered_format,
    ptime_of, wants_fec,
};
use super::srtp::{Keys, Terms, profile_of};
use super::{Unacceptable, direction_of, rtcp};
use crate::termination::EndReason;
use rand_core::Rng;
use squelch_media::rtp::PayloadType;
use squelch_media::srtp::MasterKey;
use squelch_media::{Direction, Format, LegPlan};
use squelch_sip::sdp::{self, AudioMedia, Crypto, Encoding, Media, SessionDescription};
use std::net::SocketAddr;

/// What a peer's new description comes to.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    description: SessionDescription,
    audio: AudioMedia,
    pub(crate) format: Format,
    payload_type: PayloadType,
    keys: Option<Keys>,
    /// Where the media go; `None` where the peer names no address (RFC 2543's hold).
    remote: Option<SocketAddr>,
    rtcp: Option<rtcp::Agreed>,
}

impl Change {
    /// Whether the peer wants to hear nothing (RFC 3264 section 8.4, and RFC 2543's 0.0.0.0).
    pub(crate) fn is_hold(&self) -> bool {
        let deaf = [sdp::Direction::SendOnly, sdp::Direction::Inactive];
        self.remote.is_none() || deaf.contains(&self.audio.direction)
    }

    /// The leg from now on. Its numbering is what it was.
    pub(crate) fn leg(&self, before: &LegPlan) -> LegPlan {
        let direction = match self.remote {
            Some(_) => direction_of(self.audio.direction),
            None => Direction::Inactive,
        };
        LegPlan {
            format: self.format,
            payload_type: self.payload_type,
            telephone_event: events_of(&self.audio, self.format)
                .and_then(|event| PayloadType::new(event.payload_type)),
            comfort_noise: noise_of(&self.audio, self.format)
                .and_then(|noise| PayloadType::new(noise.payload_type)),
            fec: wants_fec(&self.audio, self.payload_type),
            ptime: ptime_of(&self.audio, self.format),
            direction,
            remote: self.remote.unwrap_or(before.remote),
            srtp: self.keys.as_ref().map(|keys| keys.plan.clone()),
            rtcp: match self.remote {
                Some(_) => rtcp::changed(before.rtcp, self.rtcp),
                // Who names no address for its media names none for its RTCP: that goes where it went.
                None => before.rtcp,
            },
            ..before.clone()
        }
    }
}

/// What a new description is held against.
#[derive(Clone, Copy)]
pub(crate) struct Standing<'a> {
    pub(crate) formats: &'a [Format],
    pub(crate) present: Format,
    /// Whether media may go to an address of this leg.
    pub(crate) allowed: &'a dyn Fn(SocketAddr) -> bool,
    pub(crate) terms: Terms,
    /// What squelch sends with now.
    pub(crate) key: Option<&'a MasterKey>,
    /// Our offer, where this is its answer.
    pub(crate) offered: Option<&'a SessionDescription>,
}

/// Reads a new offer, or the answer to one of ours. The present format is kept where it is among what the peer
/// takes; else the first of `formats` that is.
///
/// **Errors**: a description that can't be read, refuses the audio, holds none of the formats, or names an address
/// that media may not be sent to.
pub(crate) fn read_change(
    standing: Standing<'_>,
    body: &[u8],
    random: &mut impl Rng,
) -> Result<Change, Unacceptable> {
    let refused = |warning, text: String| Unacceptable::new(EndReason::BadSdp, warning, text);
    let mut description =
        SessionDescription::parse(body).map_err(|error| refused(399, error.to_string()))?;
    if standing.offered.is_none() {
        standing.terms.choose(&mut description);
    }
    let audio = description.audio().filter(|audio| audio.port != 0).cloned();
    let audio = audio.ok_or_else(|| refused(304, "the audio is refused".into()))?;
    let keys = match standing.offered {
        Some(ours) => {
            let ours = ours.audio();
            let ours = ours.ok_or_else(|| refused(304, "nothing was offered".into()))?;
            standing.terms.take_answer(ours, &audio)?
        }
        None => standing.terms.take_offer(&audio, standing.key, random)?,
    };
    let preference: Vec<Format> = std::iter::once(standing.present)
        .chain(standing.formats.iter().copied())
        .collect();
    let (format, payload_type) = offered_format(&preference, &audio)
        .ok_or_else(|| refused(305, "none of the formats is spoken on this leg".into()))?;
    let remote =
        (!audio.address.is_unspecified()).then(|| SocketAddr::new(audio.address, audio.port));
    if let Some(remote) = remote.filter(|remote| !(standing.allowed)(*remote)) {
        let text = format!("{remote} is no address that media are sent to on this leg");
        return Err(refused(399, text));
    }
    let ours = standing.offered.and_then(|ours| ours.audio());
    let ours = ours.map(|audio| &audio.rtcp);
    let rtcp = rtcp::agreed(&audio, ours, standing.allowed);
    Ok(Change {
        description,
        audio,
        format,
        payload_type,
        keys,
        remote,
        rtcp,
    })
}

/// The answer to a new offer. `before` is what we said last: the version rises where this says anything else
/// (RFC 3264 section 8).
pub(crate) fn answer_to_change(
    change: &Change,
    before: &SessionDescription,
    local: SocketAddr,
) -> SessionDescription {
    let chosen = Encoding {
        payload_type: change.payload_type.number(),
        ..encoding_of(change.format)
    };
    let events = events_of(&change.audio, change.format).map(|offered| Encoding {
        payload_type: offered.payload_type,
        ..event_encoding(offered.clock_rate)
    });
    let noise = noise_of(&change.audio, change.format).cloned();
    let crypto: Vec<Crypto> = change.keys.iter().map(Keys::line).collect();
    let audio = AudioMedia {
        address: local.ip(),
        port: local.port(),
        profile: profile_of(&crypto),
        encodings: std::iter::once(chosen).chain(events).chain(noise).collect(),
        ptime: Some(ptime_of(&change.audio, change.format).as_ms()),
        maxptime: None,
        direction: change.audio.direction.mirrored(),
        crypto,
        rtcp: rtcp::answered(&change.audio.rtcp),
    };
    let answer = change
        .description
        .answered(&before.session_id, local.ip(), audio);
    versioned(answer, before)
}

/// The offer that a peer asks for: what stands, both ways again, with every format of the leg.
pub(crate) fn as_it_stands(before: &SessionDescription, formats: &[Format]) -> SessionDescription {
    let mut offer = before.clone();
    for media in &mut offer.media {
        if let Media::Audio(audio) = media
            && audio.port != 0
        {
            audio.direction = sdp::Direction::SendRecv;
            audio.rtcp = rtcp::offered();
            let known: Vec<Format> = audio.encodings.iter().filter_map(format_of).collect();
            let missing = formats.iter().filter(|format| !known.contains(format));
            for encoding in missing.map(|format| encoding_of(*format)) {
                // The formats stand before what is no format: events, comfort noise.
                let formats = audio.encodings.iter();
                let place = formats.take_while(|one| format_of(one).is_some()).count();
                add(&mut audio.encodings, place, encoding);
            }
            let clocks: Vec<u32> = audio
                .encodings
                .iter()
                .filter_map(format_of)
                .map(Format::clock_rate)
                .collect();
            for clock_rate in clocks {
                if audio.telephone_event(clock_rate).is_none() {
                    let last = audio.encodings.len();
                    add(&mut audio.encodings, last, event_encoding(clock_rate));
                }
            }
        }
    }
    versioned(offer, before)
}

/// Puts an encoding in at its place, under a payload type that is free.
fn add(encodings: &mut Vec<Encoding>, place: usize, encoding: Encoding) {
    if let Some(payload_type) = free_payload_type(encodings, encoding.payload_type) {
        let encoding = Encoding {
            payload_type,
            ..encoding
        };
        encodings.insert(place.min(encodings.len()), encoding);
    }
}

fn versioned(mut new: SessionDescription, before: &SessionDescription) -> SessionDescription {
    new.version = before.version;
    if new != *before {
        new.version += 1;
    }
    new
}
