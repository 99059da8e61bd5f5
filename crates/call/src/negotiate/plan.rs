//! The plan of a call's media.

use super::formats::{events_of, format_of, noise_of, ptime_of, wants_fec};
use super::srtp::{Keys, Terms};
use super::{Offer, Unacceptable, direction_of, rtcp};
use crate::config::{GatewayConfig, Trunk, media_allowed};
use crate::termination::EndReason;
use ipnet::IpNet;
use rand_core::Rng;
use squelch_media::rtcp::WallClock;
use squelch_media::rtp::{PayloadType, RtpTime, Ssrc};
use squelch_media::{Format, GuardPlan, LegPlan, MediaPlan};
use squelch_sip::sdp::{AudioMedia, Rtcp, SessionDescription};
use std::net::SocketAddr;

/// What OpenAI was invited with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Invited<'a> {
    pub(crate) said: &'a SessionDescription,
    pub(crate) terms: Terms,
}

/// What both descriptions come to: all that a media worker needs.
///
/// **Errors**: when OpenAI's answer is broken, holds nothing that was offered, or names an address that media
/// may not be sent to.
pub(crate) fn plan(
    config: &GatewayConfig,
    trunk: &Trunk,
    offer: &Offer,
    invited: Invited<'_>,
    answer: &[u8],
    clock: WallClock,
    random: &mut impl Rng,
) -> Result<MediaPlan, Unacceptable> {
    let refused = |text: String| Unacceptable::new(EndReason::OpenaiBadAnswer, 399, text);
    let description =
        SessionDescription::parse(answer).map_err(|error| refused(error.to_string()))?;
    let audio = description.audio().filter(|audio| audio.port != 0);
    let audio = audio.ok_or_else(|| refused("the answer refuses the audio".into()))?;
    let offered = invited.said.audio();
    let offered = offered.ok_or_else(|| refused("nothing was offered".into()))?;
    let keys = invited.terms.take_answer(offered, audio);
    let keys = keys.map_err(|wrong| refused(format!("the answer {}", wrong.text)))?;
    let chosen = audio.encodings.iter().find_map(|encoding| {
        let format = format_of(encoding)?;
        // Only what was offered, at the payload type it was offered at (RFC 3264 section 6.1).
        let mut ours = offered.encodings.iter();
        let ours = ours.any(|ours| {
            ours.payload_type == encoding.payload_type && format_of(ours) == Some(format)
        });
        let payload_type = PayloadType::new(encoding.payload_type)?;
        ours.then_some((format, payload_type))
    });
    let (format, payload_type) =
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
        payload_type,
        media_sources: &config.openai.media_sources,
        keys: keys.as_ref(),
        ours: Some(&offered.rtcp),
        allowed: &|address| media_allowed(address, &config.openai.media_sources),
        clock,
    };
    let carrier = Leg {
        audio: &offer.audio,
        format: offer.format,
        payload_type: offer.payload_type,
        media_sources: &trunk.media_sources,
        keys: offer.keys.as_ref(),
        ours: None,
        allowed: &|address| trunk.media_allowed(address),
        clock,
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
    keys: Option<&'a Keys>,
    /// What squelch offered, where this is the answer.
    ours: Option<&'a Rtcp>,
    /// Where media may go to on this leg.
    allowed: &'a dyn Fn(SocketAddr) -> bool,
    clock: WallClock,
}

impl Leg<'_> {
    fn plan(&self, random: &mut impl Rng) -> LegPlan {
        LegPlan {
            format: self.format,
            payload_type: self.payload_type,
            telephone_event: events_of(self.audio, self.format)
                .and_then(|event| PayloadType::new(event.payload_type)),
            comfort_noise: noise_of(self.audio, self.format)
                .and_then(|noise| PayloadType::new(noise.payload_type)),
            fec: wants_fec(self.audio, self.payload_type),
            ptime: ptime_of(self.audio, self.format),
            direction: direction_of(self.audio.direction),
            remote: SocketAddr::new(self.audio.address, self.audio.port),
            media_sources: self.media_sources.to_vec(),
            srtp: self.keys.map(|keys| keys.plan.clone()),
            dialog: 0,
            rtcp: rtcp::agreed(self.audio, self.ours, self.allowed)
                .map(|agreed| rtcp::plan(agreed, self.clock, random)),
            ssrc: Ssrc(random.next_u32()),
            sequence: random.next_u32() as u16,
            timestamp: RtpTime(random.next_u32()),
        }
    }
}
