//! WebSockets about calls: the application's through squelch, and squelch's own.

use crate::pair::{ANSWER, Pair, config};
use crate::webhooks::{SECRET, announce, ringing, token};
use serde_json::json;
use squelch_call::control::sideband::{Report, Said, SaidFormat};
use squelch_call::{
    ExchangeId, GatewayConfig, Input, OnStatic, Secret, SidebandEvent, SidebandId, http,
};
use squelch_media::{BridgeStats, LegStats};
use squelch_sip::Event;
use std::time::Duration;

const TARGET: &str = "/v1/realtime?call_id=rtc_u0_1";

fn forwarding() -> GatewayConfig {
    let mut config = config();
    config.openai.webhook_secrets = vec![Secret::new(SECRET)];
    config.openai.webhook_forward = Some("https://app.example/webhook".into());
    config.openai.api_key = Some(Secret::new("sk-own"));
    config
}

fn accepting() -> GatewayConfig {
    let mut config = forwarding();
    config.openai.webhook_forward = None;
    config.openai.session = Some(json!({"type": "realtime", "model": "gpt-realtime"}));
    config
}

fn announced(config: GatewayConfig) -> Pair {
    let mut pair = ringing(config);
    let token = token(&pair);
    announce(&mut pair, "wh_1", &token, SECRET);
    pair
}

fn open(pair: &mut Pair, number: u64, target: &str, key: Option<&str>) {
    let header = |key| ("authorization".to_owned(), format!("Bearer {key}"));
    pair.input(Input::SidebandAsked {
        exchange: ExchangeId(number),
        request: http::Request {
            method: "GET".into(),
            target: target.into(),
            headers: key.map(header).into_iter().collect(),
            body: Default::default(),
        },
    });
}

fn happened(pair: &mut Pair, sideband: SidebandId, event: SidebandEvent) {
    pair.input(Input::Sideband { sideband, event });
}

fn refused(status: u16) -> SidebandEvent {
    SidebandEvent::Refused(Ok(http::Response::empty(status)))
}

fn status(pair: &Pair, number: u64) -> Option<u16> {
    let answer = pair.answers.iter().find(|(id, _)| id.0 == number);
    answer.map(|(_, response)| response.status)
}

/// The first call's accept is answered, and OpenAI's SIP as well.
fn answered(pair: &mut Pair) {
    let fetch = pair.fetches[0].0;
    let result = Ok(http::Response::empty(200));
    pair.input(Input::HttpResponse { fetch, result });
    pair.openai_answers(ANSWER);
    let dialogs = pair.carrier_events.iter().filter_map(|event| match event {
        Event::Answered { dialog, .. } => Some(*dialog),
        _ => None,
    });
    for dialog in dialogs.collect::<Vec<_>>() {
        pair.carrier.acknowledge(pair.now, dialog, None);
    }
    pair.run(Duration::from_millis(100));
}

#[test]
fn the_applications_socket_goes_to_openai_with_its_own_key() {
    let mut pair = announced(forwarding());
    open(&mut pair, 7, TARGET, Some("sk-app"));
    let (sideband, request) = pair.sockets[0].clone();
    assert_eq!(
        request.target,
        "wss://api.example/v1/realtime?call_id=rtc_u0_1"
    );
    assert_eq!(request.header("Authorization"), Some("Bearer sk-app"));
    happened(&mut pair, sideband, SidebandEvent::Connected);
    assert_eq!(pair.started, [(sideband, Some(ExchangeId(7)))]);
    assert_eq!(status(&pair, 7), None);
}

#[test]
fn until_the_call_exists_the_handshake_waits() {
    let mut pair = announced(forwarding());
    open(&mut pair, 7, TARGET, Some("sk-app"));
    for _ in 0..3 {
        let sideband = pair.sockets.last().unwrap().0;
        let before = pair.sockets.len();
        happened(&mut pair, sideband, refused(404));
        pair.run(Duration::from_secs(2));
        assert_eq!(pair.sockets.len(), before + 1);
    }
    let sideband = pair.sockets[0].0;
    happened(&mut pair, sideband, SidebandEvent::Connected);
    assert_eq!(pair.started.len(), 1);
}

#[test]
fn a_call_that_never_exists_is_404_before_the_client_gives_up() {
    let mut pair = announced(forwarding());
    let begun = pair.now;
    open(&mut pair, 7, TARGET, Some("sk-app"));
    let sideband = pair.sockets[0].0;
    while status(&pair, 7).is_none() {
        happened(&mut pair, sideband, refused(404));
        pair.run(Duration::from_secs(2));
        assert!(pair.now - begun < Duration::from_secs(20));
    }
    assert_eq!(status(&pair, 7), Some(404));
    assert!(pair.started.is_empty());
}

#[test]
fn what_openai_refuses_for_good_is_refused_at_once() {
    for code in [400, 401, 403] {
        let mut pair = announced(forwarding());
        open(&mut pair, 7, TARGET, Some("sk-wrong"));
        let sideband = pair.sockets[0].0;
        happened(&mut pair, sideband, refused(code));
        assert_eq!(status(&pair, 7), Some(code));
    }
}

#[test]
fn no_other_socket_is_opened() {
    let mut pair = announced(forwarding());
    for target in [
        "/v1/realtime",
        "/v1/realtime?model=gpt-realtime",
        "/v1/realtime?call_id=",
        "/v1/realtime?call_id=a/../b",
        "/v1/realtime?call_id=a%0d%0ab",
        "/v1/realtime/x?call_id=rtc_1",
    ] {
        let number = 10 + pair.answers.len() as u64;
        open(&mut pair, number, target, Some("sk-app"));
        assert_eq!(status(&pair, number), Some(404), "{target}");
    }
    open(&mut pair, 100, TARGET, None);
    assert_eq!(status(&pair, 100), Some(401));
    assert!(pair.sockets.is_empty());
}

#[test]
fn squelch_listens_by_itself_to_a_call_that_it_accepted_and_comes_back() {
    let mut pair = announced(accepting());
    assert!(pair.sockets.is_empty());
    answered(&mut pair);
    let (sideband, request) = pair.sockets[0].clone();
    assert_eq!(request.header("Authorization"), Some("Bearer sk-own"));
    happened(&mut pair, sideband, SidebandEvent::Connected);
    assert_eq!(pair.started, [(sideband, None)]);
    happened(&mut pair, sideband, SidebandEvent::Closed("1006".into()));
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.sockets.len(), 2);
    happened(&mut pair, sideband, SidebandEvent::Connected);
    let dialog = pair.openai_dialog();
    pair.openai.bye(pair.now, dialog, None);
    pair.run(Duration::from_secs(40));
    assert_eq!(pair.shut, [sideband]);
    assert_eq!(pair.records.len(), 1);
}

#[test]
fn a_socket_that_is_refused_harms_no_call() {
    let mut pair = announced(accepting());
    answered(&mut pair);
    for _ in 0..40 {
        let sideband = pair.sockets[0].0;
        happened(&mut pair, sideband, refused(500));
        pair.run(Duration::from_millis(700));
    }
    let tries = pair.sockets.len();
    assert!((5..20).contains(&tries), "{tries}");
    assert_eq!(pair.gateway.active_calls(), 1);
}

/// OpenAI hears speech every three seconds and counts its audio at `rate` of the time; the carrier sends for `sent`
/// of it.
fn speaks(pair: &mut Pair, rate: f64, sent: f64) {
    let (sideband, start) = (pair.sockets[0].0, pair.now);
    for _ in 0..8 {
        pair.run(Duration::from_secs(3));
        let passed = (pair.now - start).as_secs_f64() * 1_000.0;
        let packets = (passed / 20.0 * sent) as u64;
        pair.stats(BridgeStats {
            openai: LegStats {
                sent: packets,
                ..LegStats::default()
            },
            ..BridgeStats::default()
        });
        let audio_ms = (passed * rate) as u64;
        let report = Report::Said(Said::Speech { audio_ms });
        happened(pair, sideband, SidebandEvent::Report(report));
    }
}

#[test]
fn static_in_openais_ear_alone_is_told_by_its_clock_and_mended() {
    for (rate, sent, disagrees) in [
        (1.0, 1.0, false),
        (1.0 / 6.0, 1.0, true),
        (6.0, 1.0, true),
        // The carrier is silent in pauses: OpenAI counts what it was sent.
        (1.0 / 6.0, 1.0 / 6.0, false),
    ] {
        let mut config = accepting();
        config.limits.media_timeout = Duration::from_secs(3_600);
        config.guard.on_static = vec![OnStatic::Mend];
        let mut pair = announced(config);
        answered(&mut pair);
        let sideband = pair.sockets[0].0;
        happened(&mut pair, sideband, SidebandEvent::Connected);
        speaks(&mut pair, rate, sent);
        let counted = pair.gateway.counters().disagreements.get("clock");
        assert_eq!(counted.is_some(), disagrees, "{rate}, {sent}");
        let pinned = pair.said.first();
        let pinned = pinned.is_some_and(|(_, text)| text.contains("audio/pcmu"));
        assert_eq!(pinned, disagrees, "{:?}", pair.said);
    }
}

#[test]
fn a_session_that_openai_will_end_is_told_five_minutes_before() {
    let mut config = accepting();
    config.limits.media_timeout = Duration::from_secs(36_000);
    let mut pair = announced(config);
    answered(&mut pair);
    let sideband = pair.sockets[0].0;
    happened(&mut pair, sideband, SidebandEvent::Connected);
    let since = pair.wall().duration_since(std::time::UNIX_EPOCH).unwrap();
    let report = Report::Said(Said::Format(SaidFormat {
        event: "session.created",
        input: None,
        output: None,
        expires_at: Some(since.as_secs() + 3_600),
    }));
    happened(&mut pair, sideband, SidebandEvent::Report(report));
    let begun = pair.now;
    pair.run(Duration::from_secs(3_400));
    let dialog = pair.openai_dialog();
    pair.openai.bye(pair.now, dialog, None);
    pair.run(Duration::from_secs(40));
    let events = &pair.records[0].events;
    let told = events.iter().find(|event| event.event == "session_expires");
    let at = told.expect("told in the record").at_ms / 1_000;
    assert!(
        (3_298..=3_302).contains(&at),
        "{at} s, {:?}",
        pair.now - begun
    );
}
