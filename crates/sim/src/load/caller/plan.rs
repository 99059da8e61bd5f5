//! What a run of calls is.

use std::net::IpAddr;
use std::time::Duration;

use squelch_media::srtp::Suite;
use squelch_sip::sdp::Direction;
use squelch_sip::{Credentials, Target, Uri};

use crate::impair::Impairment;
use crate::load::content::Expected;
use crate::load::schedule::{Schedule, Share};
use crate::load::script::Coding;

/// A run of calls, or one share of it.
#[derive(Debug, Clone)]
pub struct CallerPlan {
    /// Who is called.
    pub request_uri: Uri,
    /// Who calls.
    pub from: Uri,
    /// Where INVITEs go.
    pub target: Target,
    /// What challenges are answered with.
    pub credentials: Option<Credentials>,
    /// The address written into offers.
    pub media_address: IpAddr,
    /// When calls begin.
    pub schedule: Schedule,
    /// Which of them are begun here.
    pub share: Share,
    /// The most calls at once, in the whole run; one that is due waits for another's end.
    pub concurrent: Option<u32>,
    /// What is sent: at least one.
    pub parts: Vec<Part>,
    /// How long an answered call lasts; its script is cut or begun again. `None`: as long as the script.
    pub talk: Option<Duration>,
    /// How long a call may ring.
    pub ring: Duration,
    /// The suites offered, the most wanted first; none offer plain RTP.
    pub suites: Vec<Suite>,
    /// What befalls the packets that are sent.
    pub impairment: Option<Impairment>,
    /// What impairment's dice begin with, with each call's number: the same fate in every run.
    pub seed: u64,
    /// What calls do wrong.
    pub misbehaviour: Option<Misbehaviour>,
    /// What is to come back.
    pub back: Return,
    /// One call in so many is listened to, where audio is to come back.
    pub listen_to: u32,
}

/// One script, as far as the calling side must know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its coding.
    pub coding: Coding,
    /// How long it is.
    pub duration: Duration,
    /// The ptime that is offered. **Units**: milliseconds.
    pub ptime_ms: u16,
    /// How many calls of all parts' sum play it; 0 none.
    pub weight: u32,
    /// Holds of the capture: when this side offered another direction.
    pub turns: Vec<Turn>,
}

/// A re-INVITE of the captured call that changed who may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// When, from the script's first packet on.
    pub at: Duration,
    /// The direction that was offered.
    pub direction: Direction,
}

/// What a call expects to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// Nothing need come.
    Nothing,
    /// Packets; they are only counted.
    Packets,
    /// Audio, which is listened to.
    Audio(Expected),
}

/// What a call does wrong, to see what the far end makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// CANCEL as soon as it rings.
    Abandon,
    /// No ACK for the 200.
    NoAck,
    /// No BYE at the end: the call is just left.
    NoBye,
    /// A re-INVITE every [`STORM_EVERY`](Self::STORM_EVERY), as far as answers allow.
    ReinviteStorm,
}

impl Misbehaviour {
    /// All of them.
    pub const ALL: [Misbehaviour; 4] = [
        Misbehaviour::Abandon,
        Misbehaviour::NoAck,
        Misbehaviour::NoBye,
        Misbehaviour::ReinviteStorm,
    ];

    /// How often a storm's re-INVITEs are tried: faster than any user agent would, one packet in between.
    pub const STORM_EVERY: Duration = Duration::from_millis(40);

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Misbehaviour::Abandon => "abandon",
            Misbehaviour::NoAck => "no-ack",
            Misbehaviour::NoBye => "no-bye",
            Misbehaviour::ReinviteStorm => "reinvite-storm",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Misbehaviour> {
        Misbehaviour::ALL.into_iter().find(|m| m.name() == name)
    }
}

impl CallerPlan {
    /// The seed of one call's impairment.
    pub(super) fn impairment_of(&self, number: u64) -> Option<(Impairment, [u8; 32])> {
        let mut seed = [0; 32];
        let words = self
            .seed
            .to_le_bytes()
            .into_iter()
            .chain(number.to_le_bytes());
        seed.iter_mut()
            .zip(words)
            .for_each(|(place, byte)| *place = byte);
        self.impairment.map(|plan| (plan, seed))
    }

    /// Which script call `number` plays: by weight, the same in every run.
    pub(super) fn part_of(&self, number: u64) -> usize {
        let weights = || self.parts.iter().map(|part| u64::from(part.weight));
        let mut place = number.checked_rem(weights().sum()).unwrap_or(0);
        for (index, weight) in weights().enumerate() {
            match place.checked_sub(weight) {
                Some(left) => place = left,
                None => return index,
            }
        }
        0
    }
}
