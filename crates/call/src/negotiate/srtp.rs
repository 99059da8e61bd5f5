//! Keys: whether a leg's media are encrypted, and with what (RFC 4568).

use super::Unacceptable;
use crate::config::{OpenAi, Srtp, Trunk};
use crate::termination::EndReason;
use rand_core::Rng;
use squelch_media::SrtpPlan;
use squelch_media::srtp::{MasterKey, Suite};
use squelch_sip::Protocol;
use squelch_sip::sdp::{AudioMedia, Crypto, Media, Profile, SessionDescription};
use zeroize::Zeroizing;

/// What OpenAI is offered: the one that it is known to take.
const OPENAI_SUITES: [Suite; 1] = [Suite::AesCm128HmacSha1_80];

/// The longest key and salt of any suite: AES-256-GCM's. **Units**: bytes.
const MAX_KEY_AND_SALT_BYTES: usize = 44;

/// What a leg's encryption is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    srtp: Srtp,
    /// Nobody on the way reads the keys.
    over_tls: bool,
    suites: &'static [Suite],
}

/// What a peer and squelch send with, and the line that said so.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    tag: u32,
    pub(crate) plan: SrtpPlan,
}

impl Terms {
    /// A carrier's leg, signalled by `protocol`.
    pub(crate) fn carrier(trunk: &Trunk, protocol: Protocol) -> Terms {
        Terms {
            srtp: trunk.srtp,
            over_tls: protocol == Protocol::Tls,
            suites: &Suite::ALL,
        }
    }

    /// OpenAI's leg, signalled by `protocol`.
    pub(crate) fn openai(openai: &OpenAi, protocol: Protocol) -> Terms {
        Terms {
            srtp: openai.srtp,
            over_tls: protocol == Protocol::Tls,
            suites: &OPENAI_SUITES,
        }
    }

    /// The same for an offer that was refused with 488: once more without keys.
    pub(crate) fn without_keys(self) -> Terms {
        Terms {
            srtp: Srtp::Off,
            ..self
        }
    }

    /// Whether a call is possible at all: keys that must be had are worth nothing where anyone reads them.
    ///
    /// **Errors**: SRTP is required, and the signalling is not encrypted.
    pub(crate) fn check(&self) -> Result<(), Unacceptable> {
        if self.srtp == Srtp::Require && !self.over_tls {
            return refused(
                399,
                "SRTP is required, and its keys are only taken over TLS",
            );
        }
        Ok(())
    }

    /// Whether a 488 to our offer may mean its encryption, and plain RTP is as good.
    pub(crate) fn may_do_without(&self) -> bool {
        self.srtp == Srtp::Prefer
    }

    /// The lines of an offer of ours, a key each; none where plain RTP is offered.
    pub(crate) fn lines(&self, random: &mut impl Rng) -> Vec<Crypto> {
        if self.srtp == Srtp::Off || !self.over_tls {
            return Vec::new();
        }
        (1..)
            .zip(self.suites)
            .map(|(tag, suite)| line(tag, &fresh(*suite, random)))
            .collect()
    }

    /// Refuses what is offered beside what is wanted: the same audio as RTP/AVP and as RTP/SAVP, of which one is to
    /// be taken.
    pub(crate) fn choose(&self, description: &mut SessionDescription) {
        let fits = |media: &Media| match media {
            Media::Audio(audio) if audio.port != 0 => self.fits(audio),
            _ => None,
        };
        let offered = description.media.iter().enumerate();
        let best = offered.filter_map(|(at, media)| Some((fits(media)?, at)));
        let Some((_, best)) = best.min() else {
            return;
        };
        for (at, media) in description.media.iter_mut().enumerate() {
            if let Media::Audio(audio) = media
                && at != best
            {
                audio.port = 0;
            }
        }
    }

    /// How well an offered audio fits, the least best; `None` where it does not.
    fn fits(&self, audio: &AudioMedia) -> Option<u8> {
        match (audio.profile, self.srtp) {
            (Profile::Avp, Srtp::Off) => Some(0),
            (Profile::Avp, Srtp::Prefer) => Some(1),
            (Profile::Savp, Srtp::Prefer | Srtp::Require) => {
                let mut keys = audio.crypto.iter().filter_map(|line| self.key_of(line));
                keys.next().map(|_| 0)
            }
            _ => None,
        }
    }

    /// Takes a peer's offer in kind: its first line that is acceptable. `ours` is what squelch sends with already;
    /// it stays while the suite does, so that a peer which takes a new key for a new stream keeps hearing us.
    ///
    /// **Errors**: a profile that is not spoken on this leg, or no acceptable line.
    pub(crate) fn take_offer(
        &self,
        audio: &AudioMedia,
        ours: Option<&MasterKey>,
        random: &mut impl Rng,
    ) -> Result<Option<Keys>, Unacceptable> {
        self.check()?;
        match (audio.profile, self.srtp) {
            (Profile::Savp, Srtp::Off) => {
                return refused(302, "RTP/SAVP is not spoken here, RTP/AVP is");
            }
            (Profile::Avp, Srtp::Require) => {
                return refused(302, "RTP/AVP is not spoken here, RTP/SAVP is");
            }
            (Profile::Avp, Srtp::Off | Srtp::Prefer) => return Ok(None),
            (Profile::Savp, Srtp::Prefer | Srtp::Require) => {}
        }
        let taken = audio.crypto.iter().find_map(|crypto| {
            let receive = self.key_of(crypto)?;
            Some((crypto.tag, receive))
        });
        let Some((tag, receive)) = taken else {
            return refused(399, "none of the a=crypto lines can be used here");
        };
        let suite = receive.suite();
        let ours = ours.filter(|ours| ours.suite() == suite).cloned();
        let send = ours.unwrap_or_else(|| fresh(suite, random));
        Ok(Some(self.keys(tag, send, receive)))
    }

    /// Reads the answer to an offer of ours.
    ///
    /// **Errors**: a profile or a key that was not offered.
    pub(crate) fn take_answer(
        &self,
        offered: &AudioMedia,
        answer: &AudioMedia,
    ) -> Result<Option<Keys>, Unacceptable> {
        if answer.profile != offered.profile {
            let text = format!("takes {}, which was not offered", answer.profile.name());
            return refused(399, text);
        }
        if answer.profile == Profile::Avp {
            return Ok(None);
        }
        let [line] = &answer.crypto[..] else {
            return refused(399, "has not one usable a=crypto line, but none or several");
        };
        let ours = offered.crypto.iter().find(|ours| ours.tag == line.tag);
        let pair = ours.and_then(|ours| Some((self.key_of(ours)?, self.key_of(line)?)));
        match pair {
            Some((send, receive)) if send.suite() == receive.suite() => {
                Ok(Some(self.keys(line.tag, send, receive)))
            }
            _ => refused(399, "takes an a=crypto line that was not offered"),
        }
    }

    fn key_of(&self, crypto: &Crypto) -> Option<MasterKey> {
        let suite = Suite::named(&crypto.suite)?;
        let spoken = self.suites.contains(&suite);
        spoken.then(|| MasterKey::new(suite, &crypto.key_and_salt))?
    }

    fn keys(&self, tag: u32, send: MasterKey, receive: MasterKey) -> Keys {
        let plan = SrtpPlan {
            send,
            receive,
            confidential: self.over_tls,
        };
        Keys { tag, plan }
    }
}

impl Keys {
    /// The line of our answer.
    pub(crate) fn line(&self) -> Crypto {
        line(self.tag, &self.plan.send)
    }
}

/// The profile of a description with these lines.
pub(crate) fn profile_of(crypto: &[Crypto]) -> Profile {
    if crypto.is_empty() {
        Profile::Avp
    } else {
        Profile::Savp
    }
}

fn refused<T>(warning: u16, text: impl Into<String>) -> Result<T, Unacceptable> {
    Err(Unacceptable::new(EndReason::Srtp, warning, text))
}

fn line(tag: u32, key: &MasterKey) -> Crypto {
    let suite = key.suite();
    // As large as it gets from the start: what grows leaves copies behind.
    let mut key_and_salt = Vec::with_capacity(MAX_KEY_AND_SALT_BYTES);
    key_and_salt.extend(key.expose());
    Crypto {
        tag,
        suite: suite.name().to_owned(),
        key_and_salt,
    }
}

/// A new master key. **Source**: the gateway's CSPRNG.
fn fresh(suite: Suite, random: &mut impl Rng) -> MasterKey {
    let mut bytes = Zeroizing::new([0; MAX_KEY_AND_SALT_BYTES]);
    random.fill_bytes(&mut bytes[..]);
    let wanted = suite.key_bytes() + suite.salt_bytes();
    match bytes
        .get(..wanted)
        .and_then(|bytes| MasterKey::new(suite, bytes))
    {
        Some(key) => key,
        None => unreachable!("a suite's own length"),
    }
}
