//! Which way to OpenAI a call takes: addresses that are dead, routes that are down, and how long
//! that costs a caller.

use crate::pair::{OFFER, OPENAI, Pair, config};
use squelch_call::{GatewayConfig, Input, Route};
use squelch_sip::{Event, Rejection, Response};
use std::time::Duration;

const DEAD: &str = "192.0.2.66";

fn routed(uris: &[String]) -> GatewayConfig {
    let mut config = config();
    let known = config.openai.routes[0].clone();
    let route = |uri: &String| Route {
        sip_uri: uri.clone(),
        ..known.clone()
    };
    config.openai.routes = uris.iter().map(route).collect();
    config
}

fn two_routes() -> GatewayConfig {
    routed(&[
        format!("sip:p@{DEAD}:5060;transport=udp"),
        format!("sip:p@{OPENAI};transport=udp"),
    ])
}

/// INVITEs that OpenAI has seen.
fn calls_at_openai(pair: &Pair) -> usize {
    let is_invite = |event: &&Event| matches!(event, Event::Invite { .. });
    pair.openai_events.iter().filter(is_invite).count()
}

/// Lets time pass while OpenAI answers every OPTIONS with `status`.
fn run_answering(pair: &mut Pair, seconds: u64, status: u16) {
    for _ in 0..seconds * 2 {
        pair.run(Duration::from_millis(500));
        let asked: Vec<_> = pair
            .openai_events
            .iter()
            .filter_map(|event| match event {
                Event::Options { request, .. } => Some(*request),
                _ => None,
            })
            .collect();
        let is_options = |event: &Event| matches!(event, Event::Options { .. });
        pair.openai_events.retain(|event| !is_options(event));
        for request in asked {
            let response = Response {
                status,
                ..Response::default()
            };
            pair.openai.respond(pair.now, request, response);
        }
    }
}

#[test]
fn a_dead_address_costs_a_fifth_of_the_setup_time_and_the_next_call_nothing() {
    let mut config = routed(&["sip:p@openai.example:5060;transport=udp".into()]);
    config.limits.setup = Duration::from_secs(15);
    let mut pair = Pair::new(config);
    pair.names = vec![("openai.example", DEAD), ("openai.example", "192.0.2.3")];
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(2_900));
    assert_eq!(calls_at_openai(&pair), 0);
    pair.run(Duration::from_millis(200));
    assert_eq!(calls_at_openai(&pair), 1, "the other address is tried");
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    assert_eq!(calls_at_openai(&pair), 2, "now first");
    // Half a minute later the first address gets its chance again.
    pair.run(Duration::from_secs(35));
    pair.wire.clear();
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    let tried = |(_, to, _): &(_, std::net::SocketAddr, _)| to.ip().to_string() == DEAD;
    assert!(pair.wire.iter().any(tried));
}

#[test]
fn a_dead_route_is_passed_over_by_the_next_call() {
    let mut pair = Pair::new(two_routes());
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(3_100));
    assert_eq!(calls_at_openai(&pair), 1);
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    assert_eq!(calls_at_openai(&pair), 2);
}

#[test]
fn an_address_that_said_anything_keeps_the_call() {
    let mut pair = Pair::new(routed(&[
        format!("sip:p@{OPENAI};transport=udp"),
        format!("sip:p@{DEAD}:5060;transport=udp"),
    ]));
    pair.call(Some(OFFER));
    // 100 Trying alone: OpenAI waits for the webhook to be answered.
    pair.run(Duration::from_secs(10));
    let elsewhere = pair
        .wire
        .iter()
        .any(|(_, to, _)| to.ip().to_string() == DEAD);
    assert!(!elsewhere, "the call was taken away from one who had it");
    let dialog = pair.openai_dialog();
    pair.openai.reject(pair.now, dialog, Rejection::status(486));
    pair.assert_over("failed", "openai_busy");
}

#[test]
fn rfc3263_4_3_a_503_sends_the_call_to_the_next_route() {
    let mut config = two_routes();
    config.openai.routes.reverse();
    let mut pair = Pair::new(config);
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    let dialog = pair.openai_dialog();
    let rejection = Rejection {
        status: 503,
        retry_after: Some(60),
        ..Rejection::default()
    };
    pair.openai.reject(pair.now, dialog, rejection);
    pair.run(Duration::from_millis(100));
    let tried = |(_, to, _): &(_, std::net::SocketAddr, _)| to.ip().to_string() == DEAD;
    assert!(pair.wire.iter().any(tried));
}

#[test]
fn a_route_that_answers_no_probe_is_tried_last_until_it_does() {
    let mut config = routed(&[
        format!("sip:p@{OPENAI};transport=udp"),
        format!("sip:p@{DEAD}:5060;transport=udp"),
    ]);
    config.openai.probe = Some(Duration::from_secs(30));
    let mut pair = Pair::new(config);
    pair.input(Input::Started);
    run_answering(&mut pair, 5, 404);
    assert!(!pair.gateway.is_route_down(0), "404 is an answer");
    run_answering(&mut pair, 40, 404);
    assert!(pair.gateway.is_route_down(1), "nobody is there");
    assert!(!pair.gateway.is_route_down(0));

    pair.cut_off(OPENAI);
    run_answering(&mut pair, 60, 200);
    assert!(pair.gateway.is_route_down(0));
    pair.mend();
    run_answering(&mut pair, 15, 200);
    assert!(!pair.gateway.is_route_down(0));
    assert_eq!(pair.gateway.counters().strangers, 0, "answers are let in");
}

#[test]
fn a_503_to_a_probe_takes_the_route_out() {
    let mut config = two_routes();
    config.openai.routes.reverse();
    config.openai.probe = Some(Duration::from_secs(30));
    let mut pair = Pair::new(config);
    pair.input(Input::Started);
    run_answering(&mut pair, 20, 503);
    assert!(pair.gateway.is_route_down(0));
}

#[test]
fn names_are_looked_up_before_the_first_call() {
    let mut pair = Pair::new(routed(&["sip:p@openai.example:5060;transport=udp".into()]));
    pair.names = vec![("openai.example", "192.0.2.3")];
    pair.input(Input::Started);
    // The DNS dies, and the calls go on.
    pair.names.clear();
    pair.run(Duration::from_secs(3_600));
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    assert_eq!(calls_at_openai(&pair), 1);
}
