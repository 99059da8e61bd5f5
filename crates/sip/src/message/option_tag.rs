//! Option tags (RFC 3261 section 19.2): the extensions a message names.

use super::header::Headers;
use super::text::split_outside_quotes;

/// Reliable provisional responses (RFC 3262).
pub(crate) const RELIABLE: &str = "100rel";
/// Session timers (RFC 4028).
pub(crate) const TIMER: &str = "timer";

/// The extensions this endpoint knows.
pub(crate) const SUPPORTED: [&str; 2] = [RELIABLE, TIMER];

/// Whether `header` (Supported, Require, Allow) names this tag or method. Option tags are compared
/// without regard to case, as other tokens are (RFC 3261 section 7.3.1).
pub(crate) fn names(headers: &Headers, header: &str, tag: &str) -> bool {
    headers
        .all(header)
        .flat_map(|value| split_outside_quotes(value, ','))
        .any(|named| named.eq_ignore_ascii_case(tag))
}
