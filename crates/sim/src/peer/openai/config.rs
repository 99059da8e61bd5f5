//! What a stand-in for OpenAI is told when it is made.

use std::net::IpAddr;
use std::time::Duration;

use squelch_sip::EndpointConfig;

use super::fault::{ScheduledFault, SimFault};
use crate::sound::{Law, triple_rate};

/// Everything an [`OpenAi`](super::OpenAi) needs to know.
#[derive(Debug, Clone)]
pub struct OpenAiConfig {
    /// SIP, with the listeners; its seed feeds the stand-in's other dice as well.
    pub sip: EndpointConfig,
    /// The address written into answers; the port is what `PortBound` tells.
    pub media_address: IpAddr,
    /// The laws it answers with, the most wanted first; the offer's order counts more.
    pub laws: Vec<Law>,
    /// Whether it speaks SRTP.
    pub srtp: Security,
    /// The first sequence number it sends; `None` throws dice.
    pub first_sequence: Option<u16>,
    /// The key that REST and WebSocket want as Bearer token.
    pub api_key: String,
    /// `whsec_` and base64: what webhooks are signed with.
    pub webhook_secret: String,
    /// Where webhooks go; `None` sends none.
    pub webhook_url: Option<String>,
    /// How it treats a session's audio format.
    pub profile: Profile,
    /// Faults it produces by the clock, whatever the session says.
    pub faults: Vec<ScheduledFault>,
    /// Faults by the clock hit its first so many calls alone.
    pub faulty_calls: u64,
    /// Whether a fault by the clock outlasts every update of the session.
    pub is_incurable: bool,
    /// How long a session lasts: OpenAI's have an hour. It says so from the start, and hangs up then.
    pub session_length: Duration,
    /// What the call's audio becomes where the session's format is PCM.
    pub misreading: SimFault,
    /// How the static of `g711_as_pcm16` comes.
    pub pacing: Pacing,
    /// How raw PCM16 comes.
    pub packing: Packing,
    /// What it says.
    pub speech: Speech,
    /// Silence between two turns.
    pub pause: Duration,
    /// The prompts its key may read, by id.
    pub prompts: Vec<String>,
    /// A call that nobody accepts is refused after this long.
    pub accept_within: Duration,
}

impl OpenAiConfig {
    /// A stand-in that says `speech`, with the seed's behaviour and no fault by the clock.
    pub fn new(sip: EndpointConfig, media_address: IpAddr, speech: Speech) -> Self {
        OpenAiConfig {
            sip,
            media_address,
            laws: vec![Law::Mu, Law::A],
            srtp: Security::Prefer,
            first_sequence: None,
            api_key: "sk-sim".into(),
            // base64 of "0123456789abcdef0123456789abcdef".
            webhook_secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".into(),
            webhook_url: None,
            profile: Profile::Seed,
            faults: Vec::new(),
            faulty_calls: u64::MAX,
            is_incurable: false,
            session_length: Duration::from_secs(3_600),
            misreading: SimFault::G711AsPcm16,
            pacing: Pacing::Continuous,
            packing: Packing::RealTime,
            speech,
            pause: Duration::from_millis(800),
            prompts: Vec::new(),
            accept_within: Duration::from_secs(60),
        }
    }
}

/// Whether the stand-in speaks SRTP. What it does not is refused with 488. Of all suites it takes
/// AES_CM_128_HMAC_SHA1_80 alone, as was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// RTP/AVP alone.
    Off,
    /// Either, as it is offered.
    Prefer,
    /// RTP/SAVP alone.
    Require,
}

impl Security {
    /// Reads `off`, `prefer` or `require`.
    pub fn parse(name: &str) -> Option<Security> {
        match name {
            "off" => Some(Security::Off),
            "prefer" => Some(Security::Prefer),
            "require" => Some(Security::Require),
            _ => None,
        }
    }
}

/// How the stand-in treats the audio format of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// As the seed saw it: `tools` without an audio format, an invalid tool or an unreadable prompt
    /// set the session's format to PCM16 at 24 kHz, and from then on the call is static.
    Seed,
    /// As it is said to be now: the format is SIP's whatever a session says, and an invalid accept
    /// is refused and ends the call.
    Current,
}

impl Profile {
    /// Reads `seed` or `current`.
    pub fn parse(name: &str) -> Option<Profile> {
        match name {
            "seed" => Some(Profile::Seed),
            "current" => Some(Profile::Current),
            _ => None,
        }
    }
}

/// How fast the G.711 bytes come that are misread as PCM16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// As fast as they are wanted: six seconds of talk become one of static without a gap.
    Continuous,
    /// In real time: a crack of 3.3 ms in each 20 ms packet, silence in the rest.
    Bursts,
}

/// How PCM16 bytes that pass for G.711 are put into packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// All bytes of 20 ms in one packet of 960: they arrive in real time.
    RealTime,
    /// 160 bytes a packet as for G.711: a sixth of real time arrives.
    Sixth,
}

/// A recording of speech at the rates the stand-in needs.
#[derive(Debug, Clone, Default)]
pub struct Speech {
    pub(super) at_8k: Vec<i16>,
    pub(super) at_24k: Vec<i16>,
}

impl Speech {
    /// From PCM16 samples at 8 kHz.
    pub fn from_8k(samples: Vec<i16>) -> Speech {
        Speech {
            at_24k: triple_rate(&samples),
            at_8k: samples,
        }
    }
}
