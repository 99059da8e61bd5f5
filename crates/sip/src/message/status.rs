//! Reason phrases, made from the names of rsip's status codes.

use rsip::StatusCode;

/// The usual words for a status (RFC 3261 section 21); empty where rsip knows none.
pub fn phrase(status: u16) -> String {
    match StatusCode::from(status) {
        // rsip's name differs from the RFC's words by more than the spaces.
        StatusCode::RequestUriTooLong => "Request-URI Too Long".into(),
        StatusCode::UnsupportedUriScheme => "Unsupported URI Scheme".into(),
        StatusCode::CallTransactionDoesNotExist => "Call/Transaction Does Not Exist".into(),
        StatusCode::ServerTimeOut => "Server Time-out".into(),
        StatusCode::NotAcceptableGlobal => "Not Acceptable".into(),
        StatusCode::Other(..) => String::new(),
        known => words(&format!("{known:?}")),
    }
}

/// `BusyHere` -> `Busy Here`.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower {
            words.push(' ');
        }
        lower = c.is_ascii_lowercase();
        words.push(c);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::phrase;

    #[test]
    fn phrases_are_the_rfcs() {
        assert_eq!(phrase(200), "OK");
        assert_eq!(phrase(183), "Session Progress");
        assert_eq!(phrase(486), "Busy Here");
        assert_eq!(phrase(481), "Call/Transaction Does Not Exist");
        assert_eq!(phrase(699), "");
    }
}
