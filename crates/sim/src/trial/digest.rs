//! Digest authentication (RFC 7616, SHA-256, qop=auth) as a caller answers it.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::text::Text;

/// Whom the trunk and the route know.
pub(super) const USER: &str = "trial";
/// The realm that OpenAI's side asks in.
pub(super) const REALM: &str = "openai";

/// The Authorization line for a refusal that asks for one; `None` where it asks for none that is
/// known here.
pub(super) fn authorization(refusal: &Text<'_>, uri: &str, password: &str) -> Option<String> {
    let challenge = refusal
        .all("WWW-Authenticate")
        .find(|challenge| challenge.contains("SHA-256") && !challenge.contains("SHA-256-"))?;
    let (realm, nonce) = (value(challenge, "realm")?, value(challenge, "nonce")?);
    let ha1 = hash(&format!("{USER}:{realm}:{password}"));
    let ha2 = hash(&format!("INVITE:{uri}"));
    let response = hash(&format!("{ha1}:{nonce}:00000001:c0ffee:auth:{ha2}"));
    let opaque = value(challenge, "opaque");
    let opaque = opaque.map_or(String::new(), |opaque| format!(", opaque=\"{opaque}\""));
    Some(format!(
        "Authorization: Digest username=\"{USER}\", realm=\"{realm}\", nonce=\"{nonce}\", \
         uri=\"{uri}\", response=\"{response}\", algorithm=SHA-256, cnonce=\"c0ffee\", \
         qop=auth, nc=00000001{opaque}\r\n"
    ))
}

/// What OpenAI's side asks with.
pub(super) fn challenge() -> String {
    format!(
        "WWW-Authenticate: Digest realm=\"{REALM}\", nonce=\"once\", algorithm=SHA-256, \
         qop=\"auth\"\r\n"
    )
}

fn value<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0)
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
