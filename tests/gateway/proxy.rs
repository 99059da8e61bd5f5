//! The application speaks to OpenAI through squelch: what goes on, what stays here, what comes back.

use crate::pair::{Pair, config};
use crate::webhooks::{SECRET, announce, ringing, token};
use bytes::Bytes;
use serde_json::{Value, json};
use squelch_call::{AudioFormatPolicy, ExchangeId, GatewayConfig, Input, Secret, http};
use std::time::Duration;

const KEY: &str = "sk-canary-own-3e77";
const TOKEN: &str = "squelch-canary-token-91";
const ACCEPT: &str = "/v1/realtime/calls/rtc_u0_1/accept";

fn proxying() -> GatewayConfig {
    let mut config = config();
    config.openai.webhook_secrets = vec![Secret::new(SECRET)];
    config.openai.webhook_forward = Some("https://app.example/webhook".into());
    config.openai.api_key = Some(Secret::new(KEY));
    config.http_token = Some(Secret::new(TOKEN));
    config
}

fn session() -> Value {
    json!({"type": "realtime", "model": "gpt-realtime", "instructions": "Answer the phone."})
}

fn request(method: &str, target: &str, key: &str, body: impl Into<Bytes>) -> http::Request {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    http::Request {
        method: method.into(),
        target: target.into(),
        headers: vec![
            header("authorization", &format!("Bearer {key}")),
            header("content-type", "application/json"),
            header("cookie", "session=canary"),
            header("x-forwarded-for", "192.0.2.200"),
            header("idempotency-key", "stainless-1"),
        ],
        body: body.into(),
    }
}

fn ask(pair: &mut Pair, number: u64, request: http::Request) {
    pair.input(Input::Http {
        exchange: ExchangeId(number),
        request,
    });
}

fn accept(pair: &mut Pair, number: u64, key: &str) {
    let body = session().to_string();
    ask(pair, number, request("POST", ACCEPT, key, body));
}

/// OpenAI answers the `nth` request.
fn upstream(pair: &mut Pair, nth: usize, status: u16, body: &str) {
    let fetch = pair.fetches[nth].0;
    let response = http::Response {
        status,
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("x-request-id".into(), "req_1".into()),
            ("set-cookie".into(), "__cf=canary".into()),
        ],
        body: Bytes::from(body.to_owned()),
    };
    let result = Ok(response);
    pair.input(Input::HttpResponse { fetch, result });
}

/// Status and body of the answer to an exchange.
fn answer(pair: &Pair, number: u64) -> Option<(u16, Value)> {
    let (_, response) = pair.answers.iter().find(|(id, _)| id.0 == number)?;
    let body = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
    Some((response.status, body))
}

/// A call that OpenAI announced; what squelch did about the webhook is done.
fn announced() -> Pair {
    let mut pair = ringing(proxying());
    let token = token(&pair);
    announce(&mut pair, "wh_1", &token, SECRET);
    let fetch = pair.fetches[0].0;
    let result = Ok(http::Response::empty(200));
    pair.input(Input::HttpResponse { fetch, result });
    pair.fetches.clear();
    pair.answers.clear();
    pair
}

#[test]
fn the_application_accepts_through_squelch_with_its_own_key() {
    let mut pair = announced();
    accept(&mut pair, 7, "sk-app");
    let (_, sent) = &pair.fetches[0];
    assert_eq!(
        sent.target,
        "https://api.example/v1/realtime/calls/rtc_u0_1/accept"
    );
    assert_eq!(sent.header("Authorization"), Some("Bearer sk-app"));
    assert_eq!(sent.header("Idempotency-Key"), Some("stainless-1"));
    assert_eq!(sent.header("Cookie"), None);
    assert_eq!(sent.header("X-Forwarded-For"), None);
    // Nothing was to be changed: not a byte was.
    assert_eq!(sent.body, session().to_string());
    assert_eq!(answer(&pair, 7), None);
    upstream(&mut pair, 0, 200, "{}");
    assert_eq!(answer(&pair, 7), Some((200, json!({}))));
    let (_, response) = &pair.answers[0];
    let names: Vec<&str> = response.headers.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(names, ["content-type", "x-request-id"]);
}

#[test]
fn squelchs_token_stands_for_its_key_and_never_leaves() {
    let mut pair = announced();
    accept(&mut pair, 7, TOKEN);
    let (_, sent) = &pair.fetches[0];
    assert_eq!(
        sent.header("Authorization"),
        Some(&format!("Bearer {KEY}")[..])
    );
    assert!(!format!("{sent:?}").contains(TOKEN));
}

#[test]
fn without_a_key_nothing_is_asked() {
    let mut pair = announced();
    let mut bare = request("POST", ACCEPT, "", session().to_string());
    bare.headers.remove(0);
    ask(&mut pair, 7, bare);
    ask(
        &mut pair,
        8,
        request("POST", ACCEPT, "", session().to_string()),
    );
    assert_eq!(answer(&pair, 7).unwrap().0, 401);
    assert_eq!(answer(&pair, 8).unwrap().0, 401);
    assert!(pair.fetches.is_empty());
}

#[test]
fn nothing_else_below_v1_goes_anywhere() {
    let mut pair = announced();
    let elsewhere = [
        "/v1",
        "/v1/",
        "/v1/models",
        "/v1/realtime/client_secrets",
        "/v1/realtime/calls",
        "/v1/realtime/calls/rtc_u0_1",
        "/v1/realtime/calls/rtc_u0_1/accept/",
        "/v1/realtime/calls/rtc_u0_1/accept/x",
        "/v1/realtime/calls/rtc_u0_1/accept?x=1",
        "/v1/realtime/calls/../models/accept",
        "/v1/realtime/calls/%2e%2e/accept",
        "/v1/realtime/calls//accept",
        "/v1/realtime/calls/rtc_u0_1@evil.example/accept",
        "/v1/realtime/calls/rtc_u0_1/delete",
    ];
    for (number, target) in (10..).zip(elsewhere) {
        ask(&mut pair, number, request("POST", target, "sk-app", "{}"));
        let (status, body) = answer(&pair, number).expect(target);
        assert_eq!(status, 404, "{target}");
        assert_eq!(body["error"]["type"], "invalid_request_error", "{target}");
    }
    ask(&mut pair, 9, request("GET", ACCEPT, "sk-app", ""));
    assert_eq!(answer(&pair, 9).unwrap().0, 405);
    assert!(pair.fetches.is_empty());
}

#[test]
fn repeats_in_flight_join_and_repeats_after_it_get_its_answer() {
    let mut pair = announced();
    for number in [7, 8, 9] {
        accept(&mut pair, number, "sk-app");
    }
    assert_eq!(pair.fetches.len(), 1);
    upstream(&mut pair, 0, 200, "{\"ok\":1}");
    for number in [7, 8, 9] {
        assert_eq!(answer(&pair, number), Some((200, json!({"ok": 1}))));
    }
    accept(&mut pair, 10, "sk-app");
    assert_eq!(answer(&pair, 10), Some((200, json!({"ok": 1}))));
    assert_eq!(pair.fetches.len(), 1);
    // Another key is another matter: OpenAI says what it is worth.
    accept(&mut pair, 11, "sk-somebody");
    assert_eq!(pair.fetches.len(), 2);
    upstream(&mut pair, 1, 403, "{}");
    assert_eq!(answer(&pair, 11).unwrap().0, 403);
    accept(&mut pair, 12, "sk-app");
    assert_eq!(answer(&pair, 12), Some((200, json!({"ok": 1}))));
}

#[test]
fn after_a_failure_the_next_goes_upstream_again() {
    for status in [408, 409, 429, 500, 503] {
        let mut pair = announced();
        accept(&mut pair, 7, "sk-app");
        accept(&mut pair, 8, "sk-app");
        upstream(&mut pair, 0, status, "{}");
        assert_eq!(answer(&pair, 7).unwrap().0, status);
        assert_eq!(answer(&pair, 8).unwrap().0, status);
        accept(&mut pair, 9, "sk-app");
        assert_eq!(pair.fetches.len(), 2, "{status}");
        upstream(&mut pair, 1, 200, "{}");
        assert_eq!(answer(&pair, 9).unwrap().0, 200);
    }
    let mut pair = announced();
    accept(&mut pair, 7, "sk-app");
    let fetch = pair.fetches[0].0;
    let result = Err("connection reset, Bearer sk-app".to_owned());
    pair.input(Input::HttpResponse { fetch, result });
    let (status, body) = answer(&pair, 7).unwrap();
    assert_eq!(status, 502);
    assert!(!body.to_string().contains("sk-app"));
    accept(&mut pair, 8, "sk-app");
    assert_eq!(pair.fetches.len(), 2);
}

#[test]
fn a_format_that_contradicts_sip_does_not_go_out() {
    let clobbering = json!({"type": "realtime", "model": "gpt-realtime", "tools": [],
        "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "marin"},
                  "input": {"turn_detection": {"type": "semantic_vad"}}}});
    for (policy, format) in [
        (AudioFormatPolicy::Omit, Value::Null),
        (AudioFormatPolicy::Pin, json!({"type": "audio/pcmu"})),
    ] {
        let mut config = proxying();
        config.openai.audio_format = policy;
        let mut pair = ringing(config);
        let token = token(&pair);
        announce(&mut pair, "wh_1", &token, SECRET);
        ask(
            &mut pair,
            7,
            request("POST", ACCEPT, "sk-app", clobbering.to_string()),
        );
        let (_, sent) = pair.fetches.last().unwrap();
        let sent: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(sent["audio"]["output"]["format"], format, "{policy:?}");
        assert_eq!(sent["audio"]["output"]["voice"], "marin");
        assert_eq!(
            sent["audio"]["input"]["turn_detection"],
            json!({"type": "semantic_vad"})
        );
    }
}

#[test]
fn what_openai_would_refuse_is_refused_here_in_its_words() {
    let mut pair = announced();
    let broken =
        json!({"type": "realtime", "model": "gpt-realtime", "tools": [{"type": "web_search"}]});
    ask(
        &mut pair,
        7,
        request("POST", ACCEPT, "sk-app", broken.to_string()),
    );
    let (status, body) = answer(&pair, 7).unwrap();
    assert_eq!(status, 400);
    assert_eq!(body["error"]["param"], "session.tools[0].type");
    ask(&mut pair, 8, request("POST", ACCEPT, "sk-app", "{"));
    let (status, body) = answer(&pair, 8).unwrap();
    assert_eq!(
        (status, &body["error"]["code"]),
        (400, &json!("invalid_json"))
    );
    assert!(pair.fetches.is_empty());
    // Mended, it goes.
    accept(&mut pair, 9, "sk-app");
    assert_eq!(pair.fetches.len(), 1);
}

#[test]
fn the_other_three_go_as_they_are() {
    for operation in ["reject", "refer", "hangup"] {
        let mut pair = announced();
        let target = format!("/v1/realtime/calls/rtc_u0_1/{operation}");
        let body = "{ \"target_uri\": \"tel:+14155550123\" }";
        ask(&mut pair, 7, request("POST", &target, TOKEN, body));
        let (_, sent) = &pair.fetches[0];
        assert_eq!(sent.target, format!("https://api.example{target}"));
        assert_eq!(sent.body, body);
        upstream(&mut pair, 0, 200, "");
        assert_eq!(answer(&pair, 7).unwrap().0, 200);
    }
}

#[test]
fn a_call_that_squelch_did_not_place_is_guarded_all_the_same() {
    let mut pair = Pair::new(proxying());
    let target = "/v1/realtime/calls/rtc_elsewhere/accept";
    let clobbering = json!({"type": "realtime", "model": "gpt-realtime",
        "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24_000}}}});
    ask(
        &mut pair,
        7,
        request("POST", target, "sk-app", clobbering.to_string()),
    );
    let sent: Value = serde_json::from_slice(&pair.fetches[0].1.body).unwrap();
    assert_eq!(sent["audio"]["output"]["format"], Value::Null);
}

#[test]
fn squelchs_own_accept_is_joined_by_the_applications() {
    let mut config = proxying();
    config.openai.webhook_forward = None;
    config.openai.session = Some(session());
    let mut pair = ringing(config);
    let token = token(&pair);
    announce(&mut pair, "wh_1", &token, SECRET);
    assert_eq!(pair.fetches.len(), 1);
    accept(&mut pair, 7, TOKEN);
    assert_eq!(pair.fetches.len(), 1);
    upstream(&mut pair, 0, 200, "{}");
    assert_eq!(answer(&pair, 7).unwrap().0, 200);
}

#[test]
fn the_webhook_goes_on_untouched_and_is_repeated_for_four_minutes() {
    let mut pair = ringing(proxying());
    let token = token(&pair);
    announce(&mut pair, "wh_1", &token, SECRET);
    assert_eq!(pair.replies, [200]);
    let (_, first) = pair.fetches[0].clone();
    assert_eq!(first.target, "https://app.example/webhook");
    assert!(first.header("webhook-signature").is_some());
    assert_eq!(first.header("webhook-id"), Some("wh_1"));
    // The same id again: OpenAI repeats itself, the application hears it once.
    announce(&mut pair, "wh_1", &token, SECRET);
    assert_eq!(pair.fetches.len(), 1);
    let begun = pair.now;
    // Not what squelch says to OpenAI itself: that nobody accepted in time.
    let attempts = |pair: &Pair| -> Vec<_> {
        let to_app = |(_, request): &&(_, http::Request)| request.target == first.target;
        pair.fetches.iter().filter(to_app).cloned().collect()
    };
    let mut answered = 0;
    while let Some((fetch, request)) = attempts(&pair).get(answered).cloned() {
        assert_eq!(request, first);
        answered += 1;
        let result = Ok(http::Response::empty(503));
        pair.input(Input::HttpResponse { fetch, result });
        for _ in 0..60 {
            if attempts(&pair).len() > answered {
                break;
            }
            pair.run(Duration::from_secs(1));
        }
    }
    assert!((8..30).contains(&answered), "{answered} attempts");
    let last = pair.gateway.counters().webhooks.get("undelivered");
    assert_eq!(last, Some(&1));
    assert!(pair.now - begun < Duration::from_secs(330));
}
