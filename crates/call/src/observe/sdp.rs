//! SDP as a bystander reads it: what it announces, never whether it is right.
//!
//! An observer must make something of descriptions that the gateway refuses (other profiles,
//! other encodings, grammar that peers bend), so this takes what it finds and leaves out what
//! it can't read. The gateway's own reader is `squelch_sip::sdp`.

use std::net::{IpAddr, SocketAddr};

use super::encoding::Encoding;

/// Payload types and what they mean.
type Formats = Vec<(u8, Encoding)>;

/// Audio that an SDP announces: where its sender wants to receive, and what payload types mean there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) address: SocketAddr,
    pub(super) formats: Formats,
    /// Whether the media are encrypted (SRTP): their payload is nothing to listen to.
    pub(super) encrypted: bool,
}

impl Announced {
    /// `PCMU telephone-event at 192.0.2.1:4000`.
    pub(super) fn in_short(&self) -> String {
        let names: Vec<&str> = self.formats.iter().map(|(_, e)| e.name()).collect();
        format!("{} at {}", names.join(" "), self.address)
    }
}

/// The audio of an SDP (RFC 8866) with a usable address.
pub(super) fn announced(sdp: &str) -> Vec<Announced> {
    let mut session_address: Option<IpAddr> = None;
    let mut found: Vec<(Option<IpAddr>, MediaLine)> = Vec::new();
    let mut in_audio = false;
    let mut in_media = false;
    for line in sdp.lines() {
        let Some((kind, value)) = line.split_once('=') else {
            continue;
        };
        match kind {
            "m" => {
                in_media = true;
                let audio = MediaLine::read(value);
                in_audio = audio.is_some();
                found.extend(audio.map(|line| (None, line)));
            }
            "c" => {
                let address = value.split_ascii_whitespace().nth(2);
                let address = address.and_then(|text| text.split('/').next()?.parse().ok());
                match found.last_mut() {
                    Some((own, _)) if in_audio => *own = address,
                    _ if !in_media => session_address = address,
                    _ => {}
                }
            }
            "a" if in_audio => {
                if let Some((_, line)) = found.last_mut() {
                    rtpmap(value, &mut line.formats);
                }
            }
            _ => {}
        }
    }
    found
        .into_iter()
        .filter_map(|(address, line)| {
            let address = SocketAddr::new(address.or(session_address)?, line.port);
            (line.port != 0).then_some(Announced {
                address,
                formats: line.formats,
                encrypted: line.encrypted,
            })
        })
        .collect()
}

/// `audio 4000 RTP/AVP 0 8 101`.
struct MediaLine {
    port: u16,
    encrypted: bool,
    formats: Formats,
}

impl MediaLine {
    /// None where it is no audio over RTP.
    fn read(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        if words.next()? != "audio" {
            return None;
        }
        let port = words.next()?.split('/').next()?.parse().ok()?;
        let profile = words.next()?;
        if !profile.contains("RTP/") {
            return None;
        }
        let formats = words
            .filter_map(|word| word.parse().ok())
            .filter(|payload_type| *payload_type < 128)
            .map(|payload_type| (payload_type, Encoding::of_static(payload_type)))
            .take(128)
            .collect();
        Some(Self {
            port,
            encrypted: profile.contains("RTP/SAVP"),
            formats,
        })
    }
}

/// `rtpmap:101 telephone-event/8000`.
fn rtpmap(value: &str, formats: &mut [(u8, Encoding)]) {
    let read = || {
        let (number, name) = value.strip_prefix("rtpmap:")?.split_once(' ')?;
        let mut parts = name.trim().split('/');
        let (name, clock) = (parts.next()?, parts.next()?);
        Some((
            number.parse::<u8>().ok()?,
            Encoding::of_rtpmap(name, clock.parse().ok()?),
        ))
    };
    if let Some((number, encoding)) = read() {
        for slot in formats.iter_mut().filter(|slot| slot.0 == number) {
            slot.1 = encoding;
        }
    }
}
