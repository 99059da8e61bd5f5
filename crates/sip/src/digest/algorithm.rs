//! The hash algorithms and the one formula (RFC 7616 section 3.4.1).

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

use super::credentials::Credentials;

/// A hash algorithm of digest authentication, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RFC 2617's, broken as a hash: only where nothing better is to be had.
    Md5,
    /// RFC 7616's, which RFC 8760 asks of everybody.
    Sha256,
    /// RFC 7616's other one.
    Sha512_256,
}

impl Algorithm {
    /// All of them, the strongest first.
    pub const ALL: [Algorithm; 3] = [Algorithm::Sha512_256, Algorithm::Sha256, Algorithm::Md5];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha512_256 => "SHA-512-256",
        }
    }

    /// The algorithm of this name, without regard to case.
    pub(crate) fn named(name: &str) -> Option<Algorithm> {
        let mut all = Algorithm::ALL.into_iter();
        all.find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// `H` of RFC 7616: the hash of the parts with a colon between them, in lower-case hex.
    fn hash(self, parts: &[&[u8]]) -> String {
        match self {
            Algorithm::Md5 => hex::<Md5>(parts),
            Algorithm::Sha256 => hex::<Sha256>(parts),
            Algorithm::Sha512_256 => hex::<Sha512_256>(parts),
        }
    }
}

/// What a response is computed of, beside the credentials. The texts are as they stand between the
/// quotes on the wire, escapes unresolved: both sides hash what they see.
pub(crate) struct Proof<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) nonce: &'a str,
    /// Count and cnonce of `qop=auth`; `None` is RFC 2069's form.
    pub(crate) counted: Option<(&'a str, &'a str)>,
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
}

impl Proof<'_> {
    /// The value of `response`.
    pub(crate) fn response(&self, credentials: &Credentials) -> String {
        let hash = |parts: &[&[u8]]| self.algorithm.hash(parts);
        let secret = zeroize::Zeroizing::new(hash(&[
            credentials.username.as_bytes(),
            credentials.realm.as_bytes(),
            credentials.password(),
        ]));
        let asked = hash(&[self.method.as_bytes(), self.uri.as_bytes()]);
        let nonce = self.nonce.as_bytes();
        match self.counted {
            Some((count, cnonce)) => hash(&[
                secret.as_bytes(),
                nonce,
                count.as_bytes(),
                cnonce.as_bytes(),
                b"auth",
                asked.as_bytes(),
            ]),
            None => hash(&[secret.as_bytes(), nonce, asked.as_bytes()]),
        }
    }
}

fn hex<D: Digest>(parts: &[&[u8]]) -> String {
    let mut hasher = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    hex_text(&hasher.finalize())
}

pub(crate) fn hex_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof<'a>(
        algorithm: Algorithm,
        nonce: &'a str,
        cnonce: &'a str,
        method: &'a str,
        uri: &'a str,
    ) -> Proof<'a> {
        Proof {
            algorithm,
            nonce,
            counted: Some(("00000001", cnonce)),
            method,
            uri,
        }
    }

    #[test]
    fn rfc2617_section_3_5_the_example() {
        let credentials =
            Credentials::new("Mufasa", "testrealm@host.com", "Circle Of Life").unwrap();
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let proof = proof(Algorithm::Md5, nonce, "0a4f113b", "GET", "/dir/index.html");
        assert_eq!(
            proof.response(&credentials),
            "6629fae49393a05397450978507c4ef1"
        );
    }

    #[test]
    fn rfc7616_section_3_9_1_the_examples() {
        let credentials =
            Credentials::new("Mufasa", "http-auth@example.org", "Circle of Life").unwrap();
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, response) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (
                Algorithm::Sha256,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let proof = proof(algorithm, nonce, cnonce, "GET", "/dir/index.html");
            assert_eq!(proof.response(&credentials), response, "{algorithm:?}");
        }
    }

    /// RFC 7616 section 3.9.2's own figure is wrong for `userhash`; this is FIPS 180-4's "abc".
    #[test]
    fn sha_512_256_is_the_truncated_hash_of_its_own() {
        assert_eq!(
            Algorithm::Sha512_256.hash(&[b"abc"]),
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"
        );
    }
}
