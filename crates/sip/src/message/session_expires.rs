//! Session-Expires and Min-SE (RFC 4028 sections 4 and 5).

use std::fmt;
use std::time::Duration;

use super::params::Params;
use super::text::trim;

/// Who keeps a session alive, seen from the transaction that settled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresher {
    /// The one that sent the request.
    Uac,
    /// The one that answered it.
    Uas,
}

/// How long a session lives without a refresh, and whose the refresh is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionExpires {
    pub(crate) interval: Duration,
    pub(crate) refresher: Option<Refresher>,
}

impl SessionExpires {
    /// Reads `1800;refresher=uas`. `None` where the number is malformed; a refresher that is
    /// neither is as if it were not there.
    pub(crate) fn parse(text: &str) -> Option<SessionExpires> {
        let (seconds, rest) = text.split_once(';').unwrap_or((text, ""));
        let params = if rest.is_empty() {
            Params::default()
        } else {
            Params::parse(rest).unwrap_or_default()
        };
        let refresher = match params.get("refresher") {
            Some(who) if who.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(who) if who.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            _ => None,
        };
        Some(SessionExpires {
            interval: parse_seconds(seconds)?,
            refresher,
        })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval.as_secs())?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

/// Reads Min-SE's number; its parameters mean nothing.
pub(crate) fn parse_min_se(text: &str) -> Option<Duration> {
    parse_seconds(text.split(';').next()?)
}

fn parse_seconds(text: &str) -> Option<Duration> {
    let digits = trim(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // A delta-seconds too large to hold is the largest (RFC 3261 section 25.1 sets no limit).
    let seconds: u32 = digits.parse().unwrap_or(u32::MAX);
    Some(Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_and_who_refreshes_are_read() {
        let read = |text| SessionExpires::parse(text).map(|read| read.to_string());
        assert_eq!(read("1800").as_deref(), Some("1800"));
        assert_eq!(
            read(" 90 ;Refresher=UAS").as_deref(),
            Some("90;refresher=uas")
        );
        assert_eq!(
            read("90;x=1;refresher=uac").as_deref(),
            Some("90;refresher=uac")
        );
        assert_eq!(read("90;refresher=me").as_deref(), Some("90"));
        assert_eq!(read("99999999999999999999").as_deref(), Some("4294967295"));
        for broken in ["", ";refresher=uas", "x", "-1", "1.5"] {
            assert_eq!(read(broken), None, "{broken}");
        }
        assert_eq!(parse_min_se("90;x"), Some(Duration::from_secs(90)));
    }
}
