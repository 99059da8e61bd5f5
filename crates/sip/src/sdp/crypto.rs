//! Keys in session descriptions: `a=crypto` (RFC 4568).
//!
//! ```text
//! a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNf...l1|2^20 KDR=0
//!          | |                       |             |      session parameters
//!          | crypto suite            key and salt  lifetime, then MKI:length
//!          tag
//! ```

use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::{Zeroize, Zeroizing};

/// The most `a=crypto` lines of one media description that are read; rtpengine offers twelve.
const MAX_LINES: usize = 32;

/// The longest tag (RFC 4568 section 9.1). **Units**: digits.
const MAX_TAG_DIGITS: usize = 9;

/// Base64 as peers write it, with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One offered or chosen key, one way: what its sender sends with. Overwritten when dropped, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Crypto {
    /// Names the line: an answer repeats the one it takes.
    pub tag: u32,
    /// The crypto suite's name.
    pub suite: String,
    /// Master key and salt, one behind the other.
    pub key_and_salt: Vec<u8>,
}

impl Crypto {
    /// Reads the value of an `a=crypto`. `None` where it is malformed, or asks for what is not done here: several
    /// keys, a master key identifier, and session parameters that change the cryptography. RFC 4568 section 7.1.2
    /// lets an answerer pass over such lines.
    pub fn parse(text: &str) -> Option<Crypto> {
        let mut words = text.split_ascii_whitespace();
        let tag = words.next()?;
        let is_tag = tag.len() <= MAX_TAG_DIGITS && tag.bytes().all(|byte| byte.is_ascii_digit());
        let suite = words.next()?;
        let (method, info) = words.next()?.split_once(':')?;
        let is_usable = is_tag && method.eq_ignore_ascii_case("inline") && !info.contains(';');
        if !is_usable || !words.all(changes_nothing) {
            return None;
        }
        let mut parts = info.split('|');
        let key = parts.next()?;
        // A lifetime may follow, and no master key identifier: that one holds a colon.
        if parts.any(|part| part.contains(':')) {
            return None;
        }
        let mut key_and_salt = Vec::new();
        if BASE64.decode_vec(key, &mut key_and_salt).is_err() {
            key_and_salt.zeroize();
            return None;
        }
        Some(Crypto {
            tag: tag.parse().ok()?,
            suite: suite.to_owned(),
            key_and_salt,
        })
    }

    /// The value of an `a=crypto`.
    pub fn write(&self) -> Zeroizing<String> {
        let key = Zeroizing::new(BASE64.encode(&self.key_and_salt));
        Zeroizing::new(format!("{} {} inline:{}", self.tag, self.suite, *key))
    }
}

/// The usable ones among these values, in their order: the sender's preference.
pub(super) fn usable<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Crypto> {
    values.take(MAX_LINES).filter_map(Crypto::parse).collect()
}

/// Session parameters that may be there: the replay window is ours to choose (WSH is a hint), a key derivation rate
/// of zero is what there is without it, and what begins with "-" is no must (RFC 4568 sections 6.3 and 9.1).
fn changes_nothing(parameter: &str) -> bool {
    parameter.starts_with('-')
        || parameter.eq_ignore_ascii_case("KDR=0")
        || parameter
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("WSH="))
}

impl Drop for Crypto {
    fn drop(&mut self) {
        self.key_and_salt.zeroize();
    }
}

impl fmt::Debug for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crypto({} {})", self.tag, self.suite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4568 section 6.1's first example.
    const LINE: &str =
        "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32";

    #[test]
    fn the_key_is_read_and_written_and_never_shown() {
        let line = LINE.replace("|1:32", "");
        let crypto = Crypto::parse(&line).unwrap();
        assert_eq!(
            (crypto.tag, &crypto.suite[..], crypto.key_and_salt.len()),
            (1, "AES_CM_128_HMAC_SHA1_80", 30)
        );
        assert_eq!(*crypto.write(), line.replace("|2^20", ""));
        assert_eq!(Crypto::parse(&crypto.write()).as_ref(), Some(&crypto));
        let shown = format!("{crypto:?}");
        assert!(!shown.contains("PS1u") && !shown.contains('['), "{shown}");
    }

    #[test]
    fn what_does_not_change_the_cryptography_is_taken() {
        let plain = "7 X inline:AAAA";
        for more in [
            "",
            "|2^31",
            "|1048576",
            " KDR=0",
            " WSH=128",
            " -SOMETHING=1",
            "|2^20 kdr=0 wsh=64",
        ] {
            assert!(Crypto::parse(&format!("{plain}{more}")).is_some(), "{more}");
        }
        assert!(Crypto::parse("7 X INLINE:AAAAAA==").is_some(), "padded");
        assert!(Crypto::parse("7 X inline:AAAAAA").is_some(), "not padded");
    }

    #[test]
    fn what_is_not_done_or_malformed_is_passed_over() {
        for broken in [
            LINE,
            "",
            "1",
            "1 X",
            "1 X inline",
            "x X inline:AAAA",
            "-1 X inline:AAAA",
            "1234567890 X inline:AAAA",
            "1 X uri:AAAA",
            "1 X inline:A*AA",
            "1 X inline:AAAA|1:4",
            "1 X inline:AAAA;inline:BBBB",
            "1 X inline:AAAA UNENCRYPTED_SRTP",
            "1 X inline:AAAA UNAUTHENTICATED_SRTP",
            "1 X inline:AAAA KDR=1",
            "1 X inline:AAAA FEC_ORDER=SRTP_FEC",
        ] {
            assert_eq!(Crypto::parse(broken), None, "{broken}");
        }
    }
}
