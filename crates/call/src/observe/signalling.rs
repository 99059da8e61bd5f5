//! SIP as a bystander sees it.

use std::net::SocketAddr;
use std::time::Duration;

use squelch_sip::Headers;
use squelch_sip::message::{CSeq, Framing, Message};

use super::sdp::{Announced, announced};

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

const VERSION: &[u8] = b"SIP/2.0";
