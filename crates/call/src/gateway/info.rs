//! INFO across the legs: a digit that was pressed, in the two forms that gateways of old send it in.

use super::{Clock, Gateway};
use crate::call::State;
use squelch_media::Side;
use squelch_sip::{Body, DialogId, DialogMethod, Headers, OutgoingRequest, RequestId, Response};

/// The longest body looked at: a digit takes thirty bytes.
const MAX_BODY_BYTES: usize = 256;

/// The longest press that is passed on. **Units**: milliseconds.
const MAX_DURATION_MS: u32 = 60_000;

/// A digit, as an INFO tells it. Neither form is a standard: both are the manner of large vendors.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Digit {
    /// `application/dtmf-relay`: `Signal=5`, `Duration=160`.
    Relay {
        signal: char,
        duration_ms: Option<u32>,
    },
    /// `application/dtmf`: `5`.
    Bare { signal: char },
}

impl Gateway {
    /// INFO of either peer: answered by the other one, where it is a digit.
    pub(super) fn info(
        &mut self,
        clock: Clock,
        dialog: DialogId,
        request: RequestId,
        headers: &Headers,
        body: Option<&Body>,
    ) {
        let Some((id, side)) = self.dialogs.get(&dialog).copied() else {
            return self.respond(clock, request, 481);
        };
        // No package was agreed on (RFC 6086 section 4.2.2).
        if headers.get("Info-Package").is_some() {
            return self.refuse_info(clock, side, request, 469);
        }
        // RFC 2976 section 2.2: without a body it asks whether the call is there.
        let Some(body) = body else {
            return self.respond(clock, request, 200);
        };
        let digit = match Digit::read(body) {
            Ok(digit) => digit,
            Err(status) => return self.refuse_info(clock, side, request, status),
        };
        let call = self
            .calls
            .get(&id)
            .filter(|call| matches!(call.state, State::Bridged));
        let to = call.and_then(|call| match side {
            Side::Carrier => call.openai.dialog,
            Side::Openai => (!call.carrier.gone).then_some(call.carrier.dialog),
        });
        let Some(to) = to else {
            return self.refuse_info(clock, side, request, 480);
        };
        // A carrier that names no methods at all may take it; OpenAI must have said so.
        let takes = self.endpoint.takes_info(to);
        if !takes.unwrap_or(side == Side::Openai) {
            return self.refuse_info(clock, side, request, 415);
        }
        let relayed = OutgoingRequest {
            method: DialogMethod::Info,
            headers: Vec::new(),
            body: Some(digit.write()),
        };
        match self.endpoint.request(clock.now, to, relayed) {
            Some(sent) => {
                self.infos.insert(sent, request);
                *self
                    .counters
                    .infos
                    .entry((side.name(), "relayed"))
                    .or_default() += 1;
            }
            None => self.refuse_info(clock, side, request, 480),
        }
    }

    /// The other leg's answer.
    pub(super) fn info_answered(&mut self, clock: Clock, request: RequestId, status: u16) {
        let Some(asked) = self.infos.remove(&request) else {
            return;
        };
        // What speaks of a leg's own dialog, of its credentials or of its proxies says nothing of the other's.
        let status = match status {
            200..=299 => 200,
            400 | 403 | 413 | 415 | 480 | 486 | 488 | 500 | 503 | 600 | 603 => status,
            405 | 469 | 501 => 415,
            _ => 500,
        };
        self.respond(clock, asked, status);
    }

    fn refuse_info(&mut self, clock: Clock, side: Side, request: RequestId, status: u16) {
        *self
            .counters
            .infos
            .entry((side.name(), "refused"))
            .or_default() += 1;
        let mut refused = Response {
            status,
            ..Response::default()
        };
        match status {
            415 => refused.headers.push(("Accept".into(), ACCEPT.into())),
            // RFC 6086 section 4.2.2: with what we would take, which is nothing.
            469 => refused.headers.push(("Recv-Info".into(), String::new())),
            _ => {}
        }
        self.endpoint.respond(clock.now, request, refused);
    }
}

impl Digit {
    /// **Errors**: the status to refuse the INFO with.
    fn read(body: &Body) -> Result<Digit, u16> {
        let media_type = body.content_type.split(';').next().unwrap_or_default();
        let media_type = media_type.trim().to_ascii_lowercase();
        let read = match media_type.as_str() {
            RELAY => Digit::read_relay,
            BARE => Digit::read_bare,
            _ => return Err(415),
        };
        if body.bytes.len() > MAX_BODY_BYTES {
            return Err(413);
        }
        let text = std::str::from_utf8(&body.bytes).map_err(|_| 400_u16)?;
        read(text).ok_or(400)
    }

    fn read_relay(text: &str) -> Option<Digit> {
        let (mut signal, mut duration_ms) = (None, None);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (name, value) = line.split_once('=')?;
            let (name, value) = (name.trim(), value.trim());
            if name.eq_ignore_ascii_case("Signal") {
                signal = Some(signal_of(value)?);
            } else if name.eq_ignore_ascii_case("Duration") {
                let plain = value.bytes().all(|b| b.is_ascii_digit());
                let value: u32 = value.parse().ok().filter(|_| plain)?;
                duration_ms = Some(value.min(MAX_DURATION_MS));
            }
        }
        Some(Digit::Relay {
            signal: signal?,
            duration_ms,
        })
    }

    fn read_bare(text: &str) -> Option<Digit> {
        let signal = signal_of(text.trim())?;
        Some(Digit::Bare { signal })
    }

    fn write(&self) -> Body {
        let (content_type, text) = match self {
            Digit::Bare { signal } => (BARE, signal.to_string()),
            Digit::Relay {
                signal,
                duration_ms: Some(duration_ms),
            } => (
                RELAY,
                format!("Signal={signal}\r\nDuration={duration_ms}\r\n"),
            ),
            Digit::Relay { signal, .. } => (RELAY, format!("Signal={signal}\r\n")),
        };
        Body {
            content_type: content_type.into(),
            bytes: text.into(),
        }
    }
}

/// A key of the telephone, by its sign or by its number (RFC 4733 table 7).
fn signal_of(text: &str) -> Option<char> {
    let named = match text {
        "10" => '*',
        "11" => '#',
        "12" => 'A',
        "13" => 'B',
        "14" => 'C',
        "15" => 'D',
        _ => {
            let mut characters = text.chars();
            let (Some(sign), None) = (characters.next(), characters.next()) else {
                return None;
            };
            sign.to_ascii_uppercase()
        }
    };
    matches!(named, '0'..='9' | '*' | '#' | 'A'..='D').then_some(named)
}

const RELAY: &str = "application/dtmf-relay";
const BARE: &str = "application/dtmf";
/// What a 415 says would do.
const ACCEPT: &str = "application/sdp, application/dtmf-relay, application/dtmf";

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content_type: &str, text: &[u8]) -> Result<String, u16> {
        let body = Body {
            content_type: content_type.into(),
            bytes: text.to_vec().into(),
        };
        let written = Digit::read(&body)?.write();
        Ok(String::from_utf8(written.bytes.to_vec()).unwrap())
    }

    #[test]
    fn a_digit_is_written_anew() {
        let relay = |text: &str| written("Application/DTMF-Relay; charset=x", text.as_bytes());
        let five = Ok("Signal=5\r\nDuration=160\r\n".to_owned());
        assert_eq!(relay("Signal=5\r\nDuration=160\r\n"), five);
        assert_eq!(relay("Signal= 5\nDuration= 160"), five);
        assert_eq!(
            relay("signal=5\r\nX: y=z\r\nduration=160\r\n\r\n"),
            five,
            "what else stands there stays behind"
        );
        assert_eq!(relay("Signal=11"), Ok("Signal=#\r\n".into()));
        assert_eq!(
            relay("Signal=*\r\nDuration=4000000000"),
            Ok("Signal=*\r\nDuration=60000\r\n".into())
        );
        assert_eq!(written("application/dtmf", b"d\r\n"), Ok("D".into()));
    }

    #[test]
    fn all_else_is_refused() {
        for (content_type, text, status) in [
            ("text/plain", b"Signal=5".as_slice(), 415),
            ("", b"Signal=5", 415),
            ("application/dtmf-relay", b"Signal=", 400),
            ("application/dtmf-relay", b"Signal=16", 400),
            ("application/dtmf-relay", b"Duration=5", 400),
            ("application/dtmf-relay", b"Signal=5\r\nDuration=-1", 400),
            ("application/dtmf-relay", b"Signal=5\r\nINVITE x", 400),
            ("application/dtmf-relay", b"Signal=\xff", 400),
            ("application/dtmf-relay", &[b' '; 257], 413),
            ("application/dtmf", b"55", 400),
            ("application/dtmf", b"", 400),
        ] {
            assert_eq!(written(content_type, text), Err(status), "{text:?}");
        }
    }
}
