//! Webhooks: signed as Standard Webhooks are, judged by age and kind.
//!
//! **Source**: the Standard Webhooks specification; OpenAI's guide on webhooks.

use crate::Secret;
use crate::control::proxy::is_call_id;
use crate::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use std::time::{Duration, SystemTime};
use subtle::ConstantTimeEq;

/// How far the signature's time may be from ours, either way. **Source**: Standard Webhooks' libraries.
const TOLERANCE: Duration = Duration::from_secs(300);
/// A call that was announced longer ago than this has long been given up.
const STALE: Duration = Duration::from_secs(180);
/// Signatures looked at in one header: two while a secret is rotated, and some room.
const MAX_SIGNATURES: usize = 8;
/// The longest webhook-id that is taken. **Units**: bytes.
const MAX_ID_BYTES: usize = 256;

/// Why a webhook is not believed. None of it says which part of a signature was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A header is missing, twice there, or can't be read.
    #[error("the webhook's {0} header is missing, repeated or malformed")]
    Header(&'static str),
    /// Signed too long ago, or in the future.
    #[error("the webhook was signed more than 300 s from now")]
    Time,
    /// No signature fits.
    #[error("the webhook's signature fits none of the configured secrets")]
    Signature,
    /// The body is no event.
    #[error("the webhook's body is no event")]
    Body,
}

/// What a believed webhook says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Webhook {
    /// A call is coming in.
    CallIncoming(CallIncoming),
    /// A call came in, but too long ago: a late retry.
    Stale {
        /// OpenAI's name for the call.
        call_id: String,
    },
    /// Something else, which is none of our business.
    Other {
        /// Its type.
        kind: String,
        /// The webhook's own identifier, the same in every retry.
        webhook_id: String,
    },
}

/// `realtime.call.incoming`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallIncoming {
    /// The webhook's own identifier, the same in every retry.
    pub webhook_id: String,
    /// OpenAI's name for the call, `rtc_...`.
    pub call_id: String,
    /// The INVITE's headers as OpenAI saw them; not to be trusted.
    pub sip_headers: Vec<(String, String)>,
}

impl CallIncoming {
    /// The value of a SIP header that is there once, or several times with one value.
    pub fn sip_header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .sip_headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str());
        let first = values.next()?;
        values.all(|value| value == first).then_some(first)
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    created_at: Option<u64>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    call_id: Option<String>,
    #[serde(default)]
    sip_headers: Vec<SipHeader>,
}

#[derive(Deserialize)]
struct SipHeader {
    name: String,
    value: String,
}

/// Checks a webhook's signature and time, then reads it.
///
/// **Errors**: one of [`Refused`]; the reply is 401 for a signature or time, 400 for the rest.
pub fn read(request: &Request, secrets: &[Secret], wall: SystemTime) -> Result<Webhook, Refused> {
    let id = one(request, "webhook-id")?;
    if id.is_empty() || id.len() > MAX_ID_BYTES || id.contains('.') {
        return Err(Refused::Header("webhook-id"));
    }
    let stamp = one(request, "webhook-timestamp")?;
    let signed: u64 = stamp
        .parse()
        .map_err(|_| Refused::Header("webhook-timestamp"))?;
    if distance(wall, signed) > TOLERANCE {
        return Err(Refused::Time);
    }
    let signatures = one(request, "webhook-signature")?;
    if !secrets
        .iter()
        .any(|secret| fits(secret, id, stamp, &request.body, signatures))
    {
        return Err(Refused::Signature);
    }
    let event: Event = serde_json::from_slice(&request.body).map_err(|_| Refused::Body)?;
    if event.kind != "realtime.call.incoming" {
        return Ok(Webhook::Other {
            kind: event.kind,
            webhook_id: id.to_owned(),
        });
    }
    let data = event.data.ok_or(Refused::Body)?;
    let call_id = data
        .call_id
        .filter(|id| is_call_id(id))
        .ok_or(Refused::Body)?;
    let now = wall
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    if event
        .created_at
        .is_some_and(|created| now.saturating_sub(created) > STALE.as_secs())
    {
        return Ok(Webhook::Stale { call_id });
    }
    let sip_headers = data
        .sip_headers
        .into_iter()
        .map(|header| (header.name, header.value))
        .collect();
    Ok(Webhook::CallIncoming(CallIncoming {
        webhook_id: id.to_owned(),
        call_id,
        sip_headers,
    }))
}

fn one<'a>(request: &'a Request, name: &'static str) -> Result<&'a str, Refused> {
    let mut values = request
        .headers
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name));
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(value.trim()),
        _ => Err(Refused::Header(name)),
    }
}

fn distance(wall: SystemTime, signed: u64) -> Duration {
    let Some(at) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(signed)) else {
        return Duration::MAX;
    };
    wall.duration_since(at)
        .or_else(|_| at.duration_since(wall))
        .unwrap_or(Duration::MAX)
}

/// Whether any of the header's signatures is this secret's, compared in constant time.
fn fits(secret: &Secret, id: &str, stamp: &str, body: &[u8], signatures: &str) -> bool {
    let Some(mut mac) = key(secret).and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok())
    else {
        return false;
    };
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(stamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let wanted = mac.finalize().into_bytes();
    signatures
        .split_ascii_whitespace()
        .take(MAX_SIGNATURES)
        .filter_map(|part| part.strip_prefix("v1,"))
        .filter_map(|encoded| STANDARD.decode(encoded).ok())
        .fold(false, |found, given| {
            found | bool::from(given.as_slice().ct_eq(&wanted))
        })
}

/// `whsec_` and base64, or the secret's bytes as they are.
fn key(secret: &Secret) -> Option<Vec<u8>> {
    match secret.expose().strip_prefix(b"whsec_") {
        Some(encoded) => STANDARD.decode(encoded).ok(),
        None => Some(secret.expose().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A vector that OpenAI's own Python client verifies.
    const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    const BODY: &str = r#"{"object":"event","id":"evt_1","type":"realtime.call.incoming","created_at":1750287018,"data":{"call_id":"rtc_u1_x","sip_headers":[]}}"#;
    const SIGNATURE: &str = "v1,SB1pRlNSG+ByJXhpnvXIi7zLIDPvBlakFifsuWUjUhA=";
    const SIGNED: u64 = 1_750_287_078;

    fn webhook(signature: &str) -> Request {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Request {
            method: "POST".into(),
            target: "/webhooks/openai".into(),
            headers: vec![
                header("Webhook-Id", "wh_685342e6c53c8190a1be43f081506c52"),
                header("webhook-timestamp", "1750287078"),
                header("webhook-signature", signature),
            ],
            body: BODY.into(),
        }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn check(request: &Request, secrets: &[&str], now: u64) -> Result<Webhook, Refused> {
        let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        read(request, &secrets, at(now))
    }

    #[test]
    fn the_clients_vector_is_believed() {
        let Ok(Webhook::CallIncoming(call)) = check(&webhook(SIGNATURE), &[SECRET], SIGNED) else {
            panic!()
        };
        assert_eq!(call.call_id, "rtc_u1_x");
    }

    #[test]
    fn while_a_secret_is_rotated_either_fits_and_any_signature_does() {
        assert!(check(&webhook(SIGNATURE), &["another", SECRET], SIGNED).is_ok());
        assert!(check(&webhook(&format!("v1,AAAA {SIGNATURE}")), &[SECRET], SIGNED).is_ok());
        let raw = "0123456789abcdef0123456789abcdef";
        assert!(check(&webhook(SIGNATURE), &[raw], SIGNED).is_ok());
    }

    #[test]
    fn what_is_forged_is_refused() {
        assert_eq!(
            check(&webhook(SIGNATURE), &["another"], SIGNED),
            Err(Refused::Signature)
        );
        assert_eq!(
            check(&webhook(SIGNATURE), &[], SIGNED),
            Err(Refused::Signature)
        );
        let mut tampered = webhook(SIGNATURE);
        tampered.body = BODY.replace("rtc_u1_x", "rtc_u1_y").into();
        assert_eq!(check(&tampered, &[SECRET], SIGNED), Err(Refused::Signature));
        let mut repeated = webhook(SIGNATURE);
        repeated.headers.push(repeated.headers[0].clone());
        assert_eq!(
            check(&repeated, &[SECRET], SIGNED),
            Err(Refused::Header("webhook-id"))
        );
    }

    #[test]
    fn the_time_counts_both_ways() {
        assert!(check(&webhook(SIGNATURE), &[SECRET], SIGNED + 300).is_ok());
        assert_eq!(
            check(&webhook(SIGNATURE), &[SECRET], SIGNED + 301),
            Err(Refused::Time)
        );
        assert_eq!(
            check(&webhook(SIGNATURE), &[SECRET], SIGNED - 301),
            Err(Refused::Time)
        );
    }

    #[test]
    fn a_late_retry_is_stale() {
        let stale = check(&webhook(SIGNATURE), &[SECRET], SIGNED + 200);
        assert_eq!(
            stale,
            Ok(Webhook::Stale {
                call_id: "rtc_u1_x".into()
            })
        );
    }

    #[test]
    fn call_ids_that_would_leave_their_path_are_no_call_ids() {
        assert!(is_call_id("rtc_u0_479a-b"));
        for bad in ["", "../x", "a/b", "a?b", "a b", "é"] {
            assert!(!is_call_id(bad), "{bad}");
        }
    }
}
