//! NOTIFY of a transfer: how far it is (RFC 3515 section 2.4.5).

use squelch_sip::{Body, Headers};

/// What a carrier's NOTIFY says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The status of the call that the carrier places; a body is left out where there is nothing to tell any more.
    pub(crate) status: Option<u16>,
    /// Nothing follows.
    pub(crate) last: bool,
}

impl Progress {
    /// Reads the Subscription-State and the body's status line; what else the body holds is not looked at.
    ///
    /// **Errors**: the status to refuse the NOTIFY with.
    pub(crate) fn read(headers: &Headers, body: Option<&Body>) -> Result<Progress, u16> {
        let state = headers.get("Subscription-State");
        let state = state.map(|state| state.split(';').next().unwrap_or_default().trim());
        let status = match body {
            Some(body) => Some(status_of(body)?),
            None => None,
        };
        let last = match state {
            Some(state) => state.eq_ignore_ascii_case("terminated"),
            // Carriers of old leave it out.
            None => status.is_some_and(|status| status >= 200),
        };
        if status.is_none() && !last {
            return Err(400);
        }
        Ok(Progress { status, last })
    }
}

fn status_of(body: &Body) -> Result<u16, u16> {
    let media_type = body.content_type.split(';').next().unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("message/sipfrag") {
        return Err(415);
    }
    let end = body.bytes.iter().position(|b| matches!(b, b'\r' | b'\n'));
    let line = body.bytes.get(..end.unwrap_or(body.bytes.len()));
    line.and_then(status_line).ok_or(400)
}

/// `SIP/2.0 180 Ringing` (RFC 3261 section 7.2). The version is read without regard to case, the words not at all.
fn status_line(line: &[u8]) -> Option<u16> {
    let (version, rest) = line.split_at_checked(7)?;
    let (code, words) = rest.split_at_checked(4)?;
    let digits = code.strip_prefix(b" ")?;
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        return None;
    }
    let apart = words.is_empty() || words.starts_with(b" ");
    let status = std::str::from_utf8(digits).ok()?;
    let plain = status.bytes().all(|b| b.is_ascii_digit());
    let status = status.parse().ok().filter(|_| plain && apart)?;
    (100..=699).contains(&status).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(state: Option<&str>, body: Option<(&str, &[u8])>) -> Result<Progress, u16> {
        let mut headers = Headers::default();
        if let Some(state) = state {
            headers.push("Subscription-State", state).unwrap();
        }
        let body = body.map(|(content_type, bytes)| Body {
            content_type: content_type.to_owned(),
            bytes: bytes.to_vec().into(),
        });
        Progress::read(&headers, body.as_ref())
    }

    fn status(body: &[u8]) -> Result<Option<u16>, u16> {
        let read = read(Some("active;expires=60"), Some(("message/sipfrag", body)));
        read.map(|progress| progress.status)
    }

    #[test]
    fn a_status_line_is_read_and_nothing_else() {
        assert_eq!(status(b"SIP/2.0 100 Trying"), Ok(Some(100)));
        assert_eq!(status(b"SIP/2.0 180 Ringing\r\n"), Ok(Some(180)));
        assert_eq!(status(b"SIP/2.0 200\r\n"), Ok(Some(200)));
        assert_eq!(status(b"SIP/2.0 603 \xff\xfe\n"), Ok(Some(603)));
        let huge = [b"SIP/2.0 486 ".as_slice(), &[b'x'; 60_000]].concat();
        assert_eq!(status(&huge), Ok(Some(486)));
        let more = b"SIP/2.0 200 OK\r\nContact: <sip:evil@127.0.0.1>\r\n\r\nSIP/2.0 500 X\r\n";
        assert_eq!(status(more), Ok(Some(200)));
    }

    #[test]
    fn all_else_is_refused() {
        for body in [
            b"".as_slice(),
            b"\r\nSIP/2.0 200 OK",
            b" SIP/2.0 200 OK",
            b"SIP/2.0  200 OK",
            b"SIP/2.0 20 OK",
            b"SIP/2.0 2000 OK",
            b"SIP/2.0 +20 OK",
            b"SIP/2.0 099 OK",
            b"SIP/2.0 700 OK",
            b"SIP/2.0 200\tOK",
            b"SIP/3.0 200 OK",
            b"INVITE sip:x@y SIP/2.0",
            b"SIP/2.0 \xd9\xa1\xd9 OK",
        ] {
            assert_eq!(
                status(body),
                Err(400),
                "{:?}",
                String::from_utf8_lossy(body)
            );
        }
        let ok = b"SIP/2.0 200 OK".as_slice();
        assert_eq!(
            read(Some("active"), Some(("application/sdp", ok))),
            Err(415)
        );
        assert_eq!(read(Some("active"), Some(("", ok))), Err(415));
        assert_eq!(read(Some("active"), None), Err(400));
    }

    #[test]
    fn the_end_is_told_by_the_state() {
        let frag = |text: &'static str| Some(("Message/SIPfrag;version=2.0", text.as_bytes()));
        let last = |state: Option<&str>, body: Option<(&str, &[u8])>| {
            read(state, body).map(|progress| progress.last)
        };
        assert_eq!(
            last(Some("terminated;reason=noresource"), frag("SIP/2.0 200 OK")),
            Ok(true)
        );
        assert_eq!(last(Some("Terminated"), None), Ok(true));
        assert_eq!(last(Some("active"), frag("SIP/2.0 100 x")), Ok(false));
        assert_eq!(last(None, frag("SIP/2.0 100 x")), Ok(false));
        assert_eq!(last(None, frag("SIP/2.0 486 x")), Ok(true));
    }
}
