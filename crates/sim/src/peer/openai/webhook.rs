//! The webhook of an incoming call, signed as Standard Webhooks asks.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use squelch_sip::Headers;

use crate::http::Request;

/// The body of `realtime.call.incoming`.
pub(super) fn incoming_call(
    event: &str,
    call: &str,
    security: &str,
    created: SystemTime,
    sip: &Headers,
) -> String {
    let authorization = ["authorization", "proxy-authorization"];
    let headers: Vec<_> = sip
        .iter()
        .filter(|(name, _)| !authorization.contains(&name.to_ascii_lowercase().as_str()))
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    json!({
        "object": "event",
        "id": event,
        "type": "realtime.call.incoming",
        "created_at": unix_seconds(created),
        "data": {"call_id": call, "sip_media_security": security, "sip_headers": headers},
    })
    .to_string()
}

/// A signed delivery of `body`. Each attempt carries its own time, all the same `id`.
pub(crate) fn delivery(url: &str, secret: &str, id: &str, at: SystemTime, body: &str) -> Request {
    let timestamp = unix_seconds(at);
    let signature = sign(secret, id, timestamp, body);
    let header = |name: &str, value: String| (name.to_owned(), value);
    Request {
        method: "POST".into(),
        target: url.into(),
        headers: vec![
            header("content-type", "application/json".into()),
            header(
                "user-agent",
                "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)".into(),
            ),
            header("webhook-id", id.into()),
            header("webhook-timestamp", timestamp.to_string()),
            header("webhook-signature", format!("v1,{signature}")),
        ],
        body: body.to_owned().into(),
    }
}

/// HMAC-SHA256 over `id.timestamp.body`; the key is what stands in base64 after `whsec_`, or the
/// secret's own bytes where the prefix is missing.
fn sign(secret: &str, id: &str, timestamp: u64, body: &str) -> String {
    let key = secret
        .strip_prefix("whsec_")
        .and_then(|key| STANDARD.decode(key).ok())
        .unwrap_or_else(|| secret.as_bytes().to_vec());
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        return String::new(); // HMAC takes keys of any length.
    };
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn unix_seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_openais_own_sdk_accepts() {
        // Checked against the verifier of openai-python 3.54.0.
        let body = r#"{"object":"event","id":"evt_1","type":"realtime.call.incoming","created_at":1750287018,"data":{"call_id":"rtc_u1_x","sip_headers":[]}}"#;
        let signature = sign(
            "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            "wh_685342e6c53c8190a1be43f081506c52",
            1_750_287_078,
            body,
        );
        assert_eq!(signature, "SB1pRlNSG+ByJXhpnvXIi7zLIDPvBlakFifsuWUjUhA=");
    }
}
