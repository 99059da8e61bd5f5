//! OpenAI announces the call, squelch accepts it.

use crate::pair::{ANSWER, OFFER, Pair, config};
use base64::Engine as _;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use squelch_call::{AudioFormatPolicy, ExchangeId, GatewayConfig, Input, Route, Secret, http};
use std::time::{Duration, SystemTime};

pub(crate) const SECRET: &str = "a raw secret";
const KEY: &str = "sk-canary-7c1f";

fn accepting(policy: AudioFormatPolicy, session: Value) -> GatewayConfig {
    let mut config = config();
    config.openai.session = Some(session);
    config.openai.audio_format = policy;
    config.openai.webhook_secrets = vec![Secret::new(SECRET)];
    config.openai.api_key = Some(Secret::new(KEY));
    config
}

fn session() -> Value {
    json!({"type": "realtime", "model": "gpt-realtime", "tools": [{"type": "function", "name": "end_call"}]})
}

/// A call that has reached OpenAI.
pub(crate) fn ringing(config: GatewayConfig) -> Pair {
    let mut pair = Pair::new(config);
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    pair
}

/// The token on the INVITE that OpenAI got.
pub(crate) fn token(pair: &Pair) -> String {
    let invite = pair
        .wire
        .iter()
        .map(|(_, _, bytes)| String::from_utf8_lossy(bytes))
        .find_map(|text| {
            text.lines()
                .find_map(|line| line.strip_prefix("X-Squelch-Call-ID: ").map(str::to_owned))
        });
    invite.expect("a token on the INVITE")
}

pub(crate) fn announce(pair: &mut Pair, id: &str, token: &str, secret: &str) {
    announce_as(pair, id, "rtc_u0_1", token, secret);
}

fn announce_as(pair: &mut Pair, id: &str, call_id: &str, token: &str, secret: &str) {
    let created_at = pair
        .wall()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let body = json!({
        "object": "event", "id": "evt_1", "type": "realtime.call.incoming", "created_at": created_at,
        "data": {"call_id": call_id, "sip_headers": [{"name": "x-squelch-call-id", "value": token}]},
    })
    .to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{id}.{created_at}.{body}").as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let header = |name: &str, value: String| (name.to_owned(), value);
    pair.input(Input::Http {
        exchange: ExchangeId(1),
        request: http::Request {
            method: "POST".into(),
            target: "/webhooks/openai".into(),
            headers: vec![
                header("webhook-id", id.into()),
                header("webhook-timestamp", created_at.to_string()),
                header("webhook-signature", format!("v1,{signature}")),
            ],
            body: body.into(),
        },
    });
}

fn accepted_session(policy: AudioFormatPolicy, session: Value) -> Value {
    let mut pair = ringing(accepting(policy, session));
    let token = token(&pair);
    announce(&mut pair, "wh_1", &token, SECRET);
    assert_eq!(pair.replies, [200]);
    let (_, request) = pair.fetches.first().expect("an accept");
    assert_eq!(
        request.target,
        "https://api.example/v1/realtime/calls/rtc_u0_1/accept"
    );
    assert_eq!(
        request.header("authorization"),
        Some("Bearer sk-canary-7c1f")
    );
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn squelch_accepts_with_its_session_under_each_policy() {
    assert_eq!(
        accepted_session(AudioFormatPolicy::Omit, session()),
        session()
    );
    assert_eq!(
        accepted_session(AudioFormatPolicy::Pass, session()),
        session()
    );
    let pinned = accepted_session(AudioFormatPolicy::Pin, session());
    assert_eq!(
        pinned["audio"]["output"]["format"],
        json!({"type": "audio/pcmu"})
    );
    let mut clobbering = session();
    clobbering["audio"] = json!({"output": {"format": {"type": "audio/pcm", "rate": 24_000}}});
    assert_eq!(
        accepted_session(AudioFormatPolicy::Omit, clobbering),
        session()
    );
}

#[test]
fn an_accepted_call_stands_and_its_record_names_it() {
    let mut pair = ringing(accepting(AudioFormatPolicy::Omit, session()));
    let token = token(&pair);
    announce(&mut pair, "wh_1", &token, SECRET);
    let fetch = pair.fetches[0].0;
    pair.input(Input::HttpResponse {
        fetch,
        result: Ok(http::Response::empty(200)),
    });
    pair.openai_answers(ANSWER);
    assert_eq!(pair.plans.len(), 1);
    let dialog = pair.openai_dialog();
    pair.openai.bye(pair.now, dialog, None);
    pair.run(Duration::from_secs(40));
    let record = serde_json::to_string(&pair.records[0]).unwrap();
    assert!(record.contains("rtc_u0_1"), "{record}");
    assert!(
        !record.contains(KEY) && !record.contains(SECRET),
        "a secret in {record}"
    );
}

#[test]
fn a_forged_webhook_accepts_nothing() {
    let mut pair = ringing(accepting(AudioFormatPolicy::Omit, session()));
    let token = token(&pair);
    announce(&mut pair, "wh_1", &token, "another secret");
    announce(&mut pair, "wh_2", "guessed", SECRET);
    assert_eq!(pair.replies, [401, 200]);
    assert!(pair.fetches.is_empty());
    let webhooks = &pair.gateway.counters().webhooks;
    assert_eq!(
        (webhooks["bad_signature"], webhooks["unknown_call"]),
        (1, 1)
    );
}

#[test]
fn a_repeated_webhook_is_accepted_once() {
    let mut pair = ringing(accepting(AudioFormatPolicy::Omit, session()));
    let token = token(&pair);
    for _ in 0..3 {
        announce(&mut pair, "wh_1", &token, SECRET);
    }
    assert_eq!(pair.replies, [200, 200, 200]);
    assert_eq!(pair.fetches.len(), 1);
}

#[test]
fn an_accept_that_fails_for_now_is_tried_again() {
    let mut pair = ringing(accepting(AudioFormatPolicy::Omit, session()));
    let token = token(&pair);
    announce(&mut pair, "wh_1", &token, SECRET);
    for result in [
        Ok(http::Response::empty(503)),
        Err("connection reset".to_owned()),
    ] {
        let fetch = pair.fetches.last().unwrap().0;
        pair.input(Input::HttpResponse { fetch, result });
        pair.run(Duration::from_secs(2));
    }
    assert_eq!(pair.fetches.len(), 3);
}

#[test]
fn an_accept_that_is_refused_ends_the_call_with_the_reason() {
    let mut pair = ringing(accepting(AudioFormatPolicy::Omit, session()));
    let token = token(&pair);
    announce(&mut pair, "wh_1", &token, SECRET);
    let fetch = pair.fetches[0].0;
    pair.input(Input::HttpResponse {
        fetch,
        result: Ok(http::Response::empty(400)),
    });
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.refused_with(), Some(503));
    pair.assert_over("failed", "accept_failed");
}

#[test]
fn a_session_openai_would_refuse_is_not_sent() {
    let mut bad = session();
    bad["tools"] = json!([{"type": "web_search"}]);
    let mut pair = ringing(accepting(AudioFormatPolicy::Omit, bad));
    let token = token(&pair);
    announce(&mut pair, "wh_1", &token, SECRET);
    // Nothing but that there will be no call.
    assert_eq!(pair.fetches.len(), 1);
    assert!(pair.fetches[0].1.target.ends_with("/rtc_u0_1/reject"));
    pair.assert_over("failed", "accept_failed");
    let events = &pair.records[0].events;
    let refused = events.iter().find(|e| e.event == "session_refused");
    let detail = &refused.expect("told in the record").detail;
    assert!(detail.contains("session.tools[0].type"), "{detail}");
}

#[test]
fn an_invite_that_went_elsewhere_is_accepted_under_its_own_name() {
    let mut config = accepting(AudioFormatPolicy::Omit, session());
    let known = config.openai.routes[0].clone();
    let dead = Route {
        sip_uri: "sip:p@192.0.2.66:5060;transport=udp".into(),
        ..known.clone()
    };
    config.openai.routes = vec![dead, known];
    let mut pair = ringing(config);
    let first = token(&pair);
    pair.wire.clear();
    pair.run(Duration::from_secs(4));
    let is_first = |(_, _, bytes): &(_, _, Bytes)| {
        String::from_utf8_lossy(bytes).contains(&first) || bytes.starts_with(b"SIP/2.0")
    };
    pair.wire.retain(|packet| !is_first(packet));
    let second = token(&pair);
    // It had reached OpenAI after all, and its webhook comes late: nobody waits for that call.
    announce_as(&mut pair, "wh_1", "rtc_u0_1", &first, SECRET);
    assert!(pair.fetches.is_empty());
    announce_as(&mut pair, "wh_2", "rtc_u0_2", &second, SECRET);
    let (_, request) = pair.fetches.first().expect("an accept");
    assert_eq!(
        request.target,
        "https://api.example/v1/realtime/calls/rtc_u0_2/accept"
    );
}

#[test]
fn a_caller_that_gives_up_before_the_accept_is_withdrawn_at_openai() {
    let mut config = accepting(AudioFormatPolicy::Omit, session());
    config.openai.session = None;
    config.openai.webhook_forward = Some("https://app.example/webhook".into());
    for (accepted, operation) in [(false, "reject"), (true, "hangup")] {
        let mut pair = Pair::new(config.clone());
        let dialog = pair.call(Some(OFFER));
        pair.run(Duration::from_millis(100));
        let token = token(&pair);
        announce(&mut pair, "wh_1", &token, SECRET);
        if accepted {
            pair.input(Input::Http {
                exchange: ExchangeId(9),
                request: http::Request {
                    method: "POST".into(),
                    target: "/v1/realtime/calls/rtc_u0_1/accept".into(),
                    headers: vec![("authorization".into(), "Bearer sk-app".into())],
                    body: session().to_string().into(),
                },
            });
        }
        pair.carrier.cancel(pair.now, dialog, None);
        pair.run(Duration::from_secs(1));
        let (_, last) = pair.fetches.last().unwrap();
        assert_eq!(
            last.target,
            format!("https://api.example/v1/realtime/calls/rtc_u0_1/{operation}")
        );
        assert_eq!(
            last.header("Authorization"),
            Some(&format!("Bearer {KEY}")[..])
        );
        pair.assert_over("rejected", "cancelled");
    }
}
