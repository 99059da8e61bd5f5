//! The session descriptions of a load test's calls, both ways.

use std::net::{IpAddr, SocketAddr};

use rand_core::Rng;
use squelch_media::srtp::{MasterKey, Suite};
use squelch_sip::Body;
use squelch_sip::sdp::{
    AudioMedia, Crypto, Direction, Encoding, Media, Profile, Rtcp, SdpError, SessionDescription,
};

use super::leg::Keys;
use super::script::Coding;
use crate::sound::Law;

/// This side of one call's session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// `o=`'s number.
    id: u64,
    version: u64,
    audio: AudioMedia,
}

/// What both sides agreed on.
#[derive(Debug, Clone)]
pub(super) struct Agreed {
    pub(super) remote: SocketAddr,
    pub(super) coding: Coding,
    /// Audio's payload type, in what is sent to the far end.
    pub(super) audio: u8,
    pub(super) events: Option<u8>,
    pub(super) keys: Option<Keys>,
    /// Whether the far end wants to hear us.
    pub(super) held: bool,
}

/// Why a description of the far end's is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    /// There is none.
    #[error("it has no session description")]
    Missing,
    /// It can't be read.
    #[error("its session description can't be read: {0}")]
    Sdp(#[from] SdpError),
    /// Port 0.
    #[error("it refuses the audio")]
    Refused,
    /// None of the formats.
    #[error("it takes none of the formats")]
    Format,
    /// A multicast, broadcast or unspecified address.
    #[error("it names {0}, where no media can be sent to")]
    Address(SocketAddr),
    /// RTP/AVP for RTP/SAVP or the reverse, or no key that fits.
    #[error("its encryption does not fit")]
    Encryption,
}

impl Session {
    /// An offer of one coding.
    pub(super) fn offer(
        at: SocketAddr,
        coding: Coding,
        ptime_ms: u16,
        suites: &[Suite],
        dice: &mut impl Rng,
    ) -> Session {
        let crypto: Vec<Crypto> = (1..)
            .zip(suites)
            .map(|(tag, suite)| line(tag, *suite, dice))
            .collect();
        Session {
            id: u64::from(dice.next_u32()),
            version: 1,
            audio: AudioMedia {
                rtcp: Rtcp::default(),
                address: at.ip(),
                port: at.port(),
                profile: profile(!crypto.is_empty()),
                encodings: encodings(coding),
                ptime: Some(ptime_ms),
                maxptime: None,
                direction: Direction::SendRecv,
                crypto,
            },
        }
    }

    /// An answer to `offer` that takes the first of its formats which is G.711 or Opus, and of its keys the first of
    /// a suite that is known.
    ///
    /// **Errors**: it holds none.
    pub(super) fn answer(
        offer: &[u8],
        at: SocketAddr,
        dice: &mut impl Rng,
    ) -> Result<(Session, Agreed, Body), Unusable> {
        let offer = SessionDescription::parse(offer)?;
        let audio = offer.audio().filter(|audio| audio.port != 0);
        let audio = audio.ok_or(Unusable::Refused)?;
        let taken = audio
            .encodings
            .iter()
            .find_map(|encoding| Some((coding(encoding)?, encoding)));
        let (coding, encoding) = taken.ok_or(Unusable::Format)?;
        let remote = sendable(audio)?;
        let theirs = audio
            .crypto
            .iter()
            .find_map(|line| Some((line, key(line)?)));
        let keys = match (audio.profile, theirs) {
            (Profile::Avp, _) => None,
            (Profile::Savp, Some((line, theirs))) => {
                let own = self::line(line.tag, theirs.suite(), dice);
                let ours = key(&own).ok_or(Unusable::Encryption)?;
                Some((own, Keys { ours, theirs }))
            }
            (Profile::Savp, None) => return Err(Unusable::Encryption),
        };
        let events = event_type(audio, coding);
        let mut encodings = vec![encoding.clone()];
        encodings.extend(
            audio
                .encodings
                .iter()
                .find(|e| Some(e.payload_type) == events)
                .cloned(),
        );
        let (own, keys) = keys.unzip();
        let session = Session {
            id: u64::from(dice.next_u32()),
            version: 1,
            audio: AudioMedia {
                rtcp: Rtcp::default(),
                address: at.ip(),
                port: at.port(),
                profile: audio.profile,
                encodings,
                ptime: audio.ptime,
                maxptime: None,
                direction: audio.direction.mirrored(),
                crypto: own.into_iter().collect(),
            },
        };
        let agreed = Agreed {
            remote,
            coding,
            audio: encoding.payload_type,
            events,
            keys,
            held: matches!(audio.direction, Direction::SendOnly | Direction::Inactive),
        };
        let answered = offer.answered(&session.id.to_string(), at.ip(), session.audio.clone());
        Ok((session, agreed, Body::sdp(answered.write())))
    }

    /// What an answer to this offer comes to.
    ///
    /// **Errors**: it does not fit.
    pub(super) fn take_answer(&self, answer: Option<&Body>) -> Result<Agreed, Unusable> {
        let answer = SessionDescription::parse(&answer.ok_or(Unusable::Missing)?.bytes)?;
        let audio = answer.audio().filter(|audio| audio.port != 0);
        let audio = audio.ok_or(Unusable::Refused)?;
        let offered = self.audio.encodings.first().and_then(coding);
        let offered = offered.ok_or(Unusable::Format)?;
        // Only the coding that was offered, at whatever number the far end wants to see it.
        let taken = audio
            .encodings
            .iter()
            .filter_map(|encoding| Some((coding(encoding)?, encoding.payload_type)))
            .find(|(coding, _)| coding.law() == offered.law());
        let keys = match (self.audio.profile, audio.profile) {
            (Profile::Avp, Profile::Avp) => None,
            (Profile::Savp, Profile::Savp) => {
                let theirs = audio.crypto.first().ok_or(Unusable::Encryption)?;
                let mut lines = self.audio.crypto.iter();
                let ours = lines.find(|line| line.tag == theirs.tag);
                let pair = ours.and_then(key).zip(key(theirs));
                let pair = pair.filter(|(ours, theirs)| ours.suite() == theirs.suite());
                let (ours, theirs) = pair.ok_or(Unusable::Encryption)?;
                Some(Keys { ours, theirs })
            }
            _ => return Err(Unusable::Encryption),
        };
        let (coding, payload_type) = taken.ok_or(Unusable::Format)?;
        Ok(Agreed {
            remote: sendable(audio)?,
            coding,
            audio: payload_type,
            events: event_type(audio, coding),
            keys,
            held: matches!(audio.direction, Direction::SendOnly | Direction::Inactive),
        })
    }

    /// The description as it stands, as an offer or the answer to one of the far end's that changes nothing of ours.
    pub(super) fn describe(&self) -> Body {
        let description = SessionDescription {
            session_id: self.id.to_string(),
            version: self.version,
            address: self.audio.address.to_string(),
            media: vec![Media::Audio(self.audio.clone())],
        };
        Body::sdp(description.write())
    }

    /// The next version of it, with another direction.
    pub(super) fn turn(&mut self, direction: Direction) -> Body {
        self.version += 1;
        self.audio.direction = direction;
        self.describe()
    }

    /// Takes an offer of the far end's in the middle of the call: where media go from now on, whether they are held,
    /// and our answer.
    ///
    /// **Errors**: it can't be read, or names nothing to send to.
    pub(super) fn take_offer(
        &mut self,
        offer: &Body,
    ) -> Result<(SocketAddr, bool, Body), Unusable> {
        let offer = SessionDescription::parse(&offer.bytes)?;
        let audio = offer.audio().filter(|audio| audio.port != 0);
        let audio = audio.ok_or(Unusable::Refused)?;
        let held = matches!(audio.direction, Direction::SendOnly | Direction::Inactive);
        // RFC 2543's hold: nothing is sent to no address.
        let unspecified = audio.address.is_unspecified();
        let remote = match sendable(audio) {
            Ok(remote) => remote,
            Err(_) if unspecified => SocketAddr::new(audio.address, audio.port),
            Err(error) => return Err(error),
        };
        self.version += 1;
        self.audio.direction = audio.direction.mirrored();
        let (id, address) = (self.id.to_string(), self.audio.address);
        let mut answered = offer.answered(&id, address, self.audio.clone());
        answered.version = self.version;
        Ok((remote, held || unspecified, Body::sdp(answered.write())))
    }
}

/// The payload type of telephone-events that go with a coding: those of its clock.
fn event_type(audio: &AudioMedia, coding: Coding) -> Option<u8> {
    let mut encodings = audio.encodings.iter();
    let event = encodings.find(|e| e.is("telephone-event", coding.clock_hz()));
    event.map(|encoding| encoding.payload_type)
}

fn encodings(coding: Coding) -> Vec<Encoding> {
    let audio = match coding {
        Coding::G711(Law::Mu) => Encoding::pcmu(),
        Coding::G711(Law::A) => Encoding::pcma(),
        // RFC 7587 section 7: always 48000 and two channels.
        Coding::Opus { payload_type } => Encoding {
            payload_type,
            name: "opus".into(),
            clock_rate: 48_000,
            channels: 2,
            parameters: None,
        },
    };
    let event_type = match coding.payload_type() {
        EVENTS => EVENTS - 1,
        _ => EVENTS,
    };
    let events = Encoding {
        clock_rate: coding.clock_hz(),
        ..Encoding::telephone_event(event_type)
    };
    vec![audio, events]
}

fn coding(encoding: &Encoding) -> Option<Coding> {
    let opus = encoding.name.eq_ignore_ascii_case("opus") && encoding.clock_rate == 48_000;
    match encoding {
        _ if encoding.is("PCMU", 8_000) => Some(Coding::G711(Law::Mu)),
        _ if encoding.is("PCMA", 8_000) => Some(Coding::G711(Law::A)),
        _ if opus => Some(Coding::Opus {
            payload_type: encoding.payload_type,
        }),
        _ => None,
    }
}

/// Where a description wants its media, if media can be sent there.
fn sendable(audio: &AudioMedia) -> Result<SocketAddr, Unusable> {
    let remote = SocketAddr::new(audio.address, audio.port);
    let nobody = match audio.address {
        IpAddr::V4(ip) => ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unspecified() || ip.is_multicast(),
    };
    if nobody {
        return Err(Unusable::Address(remote));
    }
    Ok(remote)
}

const fn profile(encrypted: bool) -> Profile {
    if encrypted {
        Profile::Savp
    } else {
        Profile::Avp
    }
}

fn line(tag: u32, suite: Suite, dice: &mut impl Rng) -> Crypto {
    let mut key_and_salt = vec![0; suite.key_bytes() + suite.salt_bytes()];
    dice.fill_bytes(&mut key_and_salt);
    Crypto {
        tag,
        suite: suite.name().to_owned(),
        key_and_salt,
    }
}

fn key(line: &Crypto) -> Option<MasterKey> {
    MasterKey::new(Suite::named(&line.suite)?, &line.key_and_salt)
}

/// The payload type that nearly everybody gives to telephone-events.
const EVENTS: u8 = 101;
