//! SIP and SDP as a bystander reads them: what they announce, never whether they are right.
//!
//! An observer must make something of descriptions that the gateway would refuse, so this
//! takes what it finds and leaves out what it can't read.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use squelch_sip::Headers;
use squelch_sip::message::{CSeq, Framing, Message};

use super::encoding::Encoding;

/// One SIP message that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// When, on the observer's clock.
    pub at: Duration,
    /// Who sent it.
    pub source: SocketAddr,
    /// Whom it was sent to.
    pub destination: SocketAddr,
    /// A request or a response.
    pub kind: SignalKind,
    /// `INVITE`, `200 OK (INVITE)`.
    pub text: String,
    /// What its SDP says of audio, in short, or why it can't be read; else empty.
    pub detail: String,
    /// The dialog it belongs to.
    pub call_id: String,
}

/// A request or a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKind {
    /// A request.
    Request,
    /// A response, with its status code.
    Response(u16),
}

/// A SIP message, as far as a bystander cares.
#[derive(Debug)]
pub(super) struct SeenMessage {
    pub(super) kind: SignalKind,
    pub(super) text: String,
    pub(super) call_id: String,
    pub(super) media: Vec<Announced>,
    /// Why it can't be read, where it can't.
    pub(super) problem: Option<String>,
}

/// Payload types and what they mean.
type Formats = Vec<(u8, Encoding)>;

/// Audio that an SDP announces: where its sender wants to receive, and what payload types mean there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) address: SocketAddr,
    pub(super) formats: Formats,
}

impl Announced {
    /// `PCMU telephone-event at 192.0.2.1:4000`.
    pub(super) fn in_short(&self) -> String {
        let names: Vec<&str> = self.formats.iter().map(|(_, e)| e.name()).collect();
        format!("{} at {}", names.join(" "), self.address)
    }
}

impl SeenMessage {
    /// Reads one message; None where it is no SIP at all.
    pub(super) fn read(bytes: &[u8], framing: Framing) -> Option<Self> {
        if !names_sip(bytes) {
            return None;
        }
        match Message::read(bytes, framing) {
            Ok(Message::Request(request)) => Some(Self {
                kind: SignalKind::Request,
                text: request.method.name().to_owned(),
                call_id: call_id(&request.headers),
                media: media(&request.headers, &request.body),
                problem: None,
            }),
            Ok(Message::Response(response)) => {
                let cseq = response.headers.get("CSeq").and_then(CSeq::parse);
                let method =
                    cseq.map_or_else(String::new, |cseq| format!(" ({})", cseq.method.name()));
                Some(Self {
                    kind: SignalKind::Response(response.status),
                    text: format!("{} {}{method}", response.status, response.reason),
                    call_id: call_id(&response.headers),
                    media: media(&response.headers, &response.body),
                    problem: None,
                })
            }
            Err(refusal) => {
                let basis = refusal.basis?;
                Some(Self {
                    kind: SignalKind::Request,
                    text: basis.method.name().to_owned(),
                    call_id: call_id(&basis.headers),
                    media: Vec::new(),
                    problem: Some(refusal.error.to_string()),
                })
            }
        }
    }
}

/// Whether the first line is one of SIP's: what else is on the wire need not be read any further.
fn names_sip(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.windows(VERSION.len()).any(|word| word == VERSION)
}

fn call_id(headers: &Headers) -> String {
    headers.get("Call-ID").unwrap_or_default().to_owned()
}

fn media(headers: &Headers, body: &[u8]) -> Vec<Announced> {
    let content_type = headers.get("Content-Type").unwrap_or_default();
    if content_type
        .to_ascii_lowercase()
        .starts_with("application/sdp")
    {
        announced(&String::from_utf8_lossy(body))
    } else {
        Vec::new()
    }
}

/// The audio of an SDP (RFC 8866) with a usable address.
fn announced(sdp: &str) -> Vec<Announced> {
    let mut session_address: Option<IpAddr> = None;
    let mut found: Vec<(Option<IpAddr>, u16, Formats)> = Vec::new();
    let mut in_audio = false;
    let mut in_media = false;
    for line in sdp.lines() {
        let Some((kind, value)) = line.split_once('=') else {
            continue;
        };
        match kind {
            "m" => {
                in_media = true;
                let audio = media_line(value);
                in_audio = audio.is_some();
                if let Some((port, formats)) = audio {
                    found.push((None, port, formats));
                }
            }
            "c" => {
                let address = value.split_ascii_whitespace().nth(2);
                let address = address.and_then(|text| text.split('/').next()?.parse().ok());
                match found.last_mut() {
                    Some(media) if in_audio => media.0 = address,
                    _ if !in_media => session_address = address,
                    _ => {}
                }
            }
            "a" if in_audio => {
                if let Some((_, _, formats)) = found.last_mut() {
                    rtpmap(value, formats);
                }
            }
            _ => {}
        }
    }
    found
        .into_iter()
        .filter_map(|(address, port, formats)| {
            let address = SocketAddr::new(address.or(session_address)?, port);
            (port != 0).then_some(Announced { address, formats })
        })
        .collect()
}

/// `audio 4000 RTP/AVP 0 8 101`: port and payload types.
fn media_line(value: &str) -> Option<(u16, Formats)> {
    let mut words = value.split_ascii_whitespace();
    if words.next()? != "audio" {
        return None;
    }
    let port = words.next()?.split('/').next()?.parse().ok()?;
    if !words.next()?.contains("RTP/") {
        return None;
    }
    let formats = words
        .filter_map(|word| word.parse().ok())
        .filter(|payload_type| *payload_type < 128)
        .map(|payload_type| (payload_type, Encoding::of_static(payload_type)))
        .take(128)
        .collect();
    Some((port, formats))
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

const VERSION: &[u8] = b"SIP/2.0";
