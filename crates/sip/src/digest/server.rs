//! Our own challenges, and what peers answer.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

use crate::message::Headers;

use super::algorithm::{Algorithm, Proof};
use super::credentials::Credentials;
use super::fields::Fields;
use super::nonces::{Nonces, Worth};

/// Asks peers for credentials and judges them. Nothing is kept for a challenge; only nonces that
/// were used rightly are, up to a cap.
///
/// ACK and CANCEL cannot be challenged (RFC 3261 section 22.1): do not ask for theirs.
#[derive(Debug)]
pub struct DigestServer {
    nonces: Nonces,
    /// The first instant it was told of.
    started: Option<Instant>,
}

/// What a request's credentials are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestVerdict {
    /// The password is known, and the request is no copy of another.
    Right,
    /// None for this realm and these algorithms: challenge.
    Missing,
    /// The password is known, the nonce is too old or not ours: challenge with `stale`.
    Stale,
    /// The password is known and the nonce good, its count was there before: challenge with
    /// `stale`, which a copy cannot answer.
    Replayed,
    /// Wrong user name or password, which of the two is not told apart; or fields amiss.
    Wrong,
}

impl DigestVerdict {
    /// The name used as a label: `right`, `missing`, `stale`, `replayed`, `wrong`.
    pub const fn name(self) -> &'static str {
        match self {
            DigestVerdict::Right => "right",
            DigestVerdict::Missing => "missing",
            DigestVerdict::Stale => "stale",
            DigestVerdict::Replayed => "replayed",
            DigestVerdict::Wrong => "wrong",
        }
    }
}

impl DigestServer {
    /// A server whose nonces are made with `key`, which must be random.
    pub fn new(key: [u8; 32]) -> Self {
        DigestServer {
            nonces: Nonces::new(key),
            started: None,
        }
    }

    /// The values of WWW-Authenticate for `source`, one an algorithm, in their order.
    pub fn challenges(
        &mut self,
        now: Instant,
        source: IpAddr,
        realm: &str,
        algorithms: &[Algorithm],
        stale: bool,
    ) -> Vec<String> {
        let now = self.elapsed(now);
        let nonce = self.nonces.make(now, source);
        let stale = if stale { ", stale=true" } else { "" };
        let challenge = |algorithm: &Algorithm| {
            let name = algorithm.name();
            format!(
                "Digest realm=\"{realm}\", nonce=\"{nonce}\"{stale}, algorithm={name}, qop=\"auth\""
            )
        };
        algorithms.iter().map(challenge).collect()
    }

    /// Judges the credentials of a request from `source`.
    pub fn judge(
        &mut self,
        now: Instant,
        source: IpAddr,
        method: &str,
        headers: &Headers,
        credentials: &Credentials,
        algorithms: &[Algorithm],
    ) -> DigestVerdict {
        let given = headers
            .all("Authorization")
            .filter_map(Fields::parse)
            .find_map(|fields| {
                let algorithm = Algorithm::named(fields.get("algorithm").unwrap_or("MD5"))?;
                let ours = fields.get("realm") == Some(credentials.realm.as_str());
                (ours && algorithms.contains(&algorithm)).then_some((fields, algorithm))
            });
        let Some((fields, algorithm)) = given else {
            return DigestVerdict::Missing;
        };
        let Some(given) = Given::read(&fields) else {
            return DigestVerdict::Wrong;
        };
        let proof = Proof {
            algorithm,
            nonce: given.nonce,
            counted: Some((given.count_text, given.cnonce)),
            method,
            uri: given.uri,
        };
        // The response is made with the user name, so a wrong one takes as long as a wrong password.
        let expected = proof.response(credentials);
        let right = expected.as_bytes().ct_eq(given.response.as_bytes())
            & (credentials.username.as_bytes()).ct_eq(given.username.as_bytes());
        if !bool::from(right) {
            return DigestVerdict::Wrong;
        }
        let now = self.elapsed(now);
        match self.nonces.judge(now, source, given.nonce) {
            Worth::Stale => DigestVerdict::Stale,
            Worth::Good(stamp) if self.nonces.count(now, stamp, given.count) => {
                DigestVerdict::Right
            }
            Worth::Good(_) => DigestVerdict::Replayed,
        }
    }

    fn elapsed(&mut self, now: Instant) -> Duration {
        now.saturating_duration_since(*self.started.get_or_insert(now))
    }
}

/// The fields of an Authorization that answers `qop="auth"`.
///
/// The URI is hashed as given and not compared with the Request-URI: edges on the way rewrite
/// that, and the count keeps copies away.
struct Given<'a> {
    username: &'a str,
    nonce: &'a str,
    uri: &'a str,
    response: &'a str,
    cnonce: &'a str,
    count_text: &'a str,
    count: u32,
}

impl<'a> Given<'a> {
    fn read(fields: &Fields<'a>) -> Option<Given<'a>> {
        let count_text = fields.get("nc")?;
        if !fields.get("qop")?.eq_ignore_ascii_case("auth") || count_text.len() != 8 {
            return None;
        }
        Some(Given {
            username: fields.get("username")?,
            nonce: fields.get("nonce")?,
            uri: fields.get("uri")?,
            response: fields.get("response")?,
            cnonce: fields.get("cnonce").filter(|cnonce| !cnonce.is_empty())?,
            count_text,
            count: u32::from_str_radix(count_text, 16).ok()?,
        })
    }
}
