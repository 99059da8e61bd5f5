//! WWW-Authenticate and Proxy-Authenticate as read.

use super::algorithm::{Algorithm, Proof};
use super::credentials::Credentials;
use super::fields::Fields;

/// A challenge that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    pub(super) algorithm: Algorithm,
    /// The algorithm's name as the peer wrote it; it gets it back.
    algorithm_name: Option<String>,
    /// The password was right, only the nonce is too old.
    pub(super) stale: bool,
    /// Whether `qop=auth` is offered; without any qop the form of RFC 2069 is answered.
    counted: bool,
}

impl Challenge {
    /// `None` where squelch cannot answer: another scheme, algorithm or quality of protection.
    pub(super) fn parse(value: &str) -> Option<Challenge> {
        let fields = Fields::parse(value)?;
        let algorithm_name = fields.get("algorithm");
        let counted = match fields.get("qop") {
            Some(offered) => {
                let mut offered = offered.split(',');
                if !offered.any(|one| one.trim().eq_ignore_ascii_case("auth")) {
                    return None;
                }
                true
            }
            None => false,
        };
        Some(Challenge {
            realm: fields.get("realm")?.to_owned(),
            nonce: fields.get("nonce")?.to_owned(),
            opaque: fields.get("opaque").map(str::to_owned),
            algorithm: Algorithm::named(algorithm_name.unwrap_or("MD5"))?,
            algorithm_name: algorithm_name.map(str::to_owned),
            stale: fields
                .get("stale")
                .is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            counted,
        })
    }

    /// Whether these credentials are for it.
    pub(super) fn is_for(&self, credentials: &Credentials) -> bool {
        credentials.is_for(&self.realm)
    }

    /// The credentials' header value for the `count`th request under this nonce.
    pub(super) fn answer(
        &self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
        count: u32,
        cnonce: &str,
    ) -> String {
        let count = format!("{count:08x}");
        let proof = Proof {
            algorithm: self.algorithm,
            nonce: &self.nonce,
            counted: self.counted.then_some((count.as_str(), cnonce)),
            method,
            uri,
        };
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{}\"",
            credentials.username,
            self.realm,
            self.nonce,
            proof.response(&credentials.in_realm(&self.realm))
        );
        if let Some(name) = &self.algorithm_name {
            value.push_str(&format!(", algorithm={name}"));
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque=\"{opaque}\""));
        }
        if self.counted {
            value.push_str(&format!(", qop=auth, nc={count}, cnonce=\"{cnonce}\""));
        }
        value
    }
}
