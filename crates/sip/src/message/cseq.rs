//! CSeq (RFC 3261 section 20.16).

use std::fmt;

use super::method::Method;
use super::text::trim;

/// A sequence number and the method it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// Less than 2^31.
    pub number: u32,
    /// The method.
    pub method: Method,
}

impl CSeq {
    /// Reads a value. `None` where it is malformed or the number is not below 2^31
    /// (RFC 3261 section 8.1.1.5).
    pub fn parse(text: &str) -> Option<CSeq> {
        let (digits, method) = trim(text).split_once([' ', '\t'])?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number = digits.parse().ok().filter(|n| *n < 1 << 31)?;
        let method = Method::parse(trim(method))?;
        Some(CSeq { number, method })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}
