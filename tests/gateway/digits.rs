//! Digits in INFO: from one leg to the other, and the answer back.

use crate::pair::{OPENAI, Pair, config};
use squelch_sip::{
    Body, DialogId, DialogMethod, Endpoint, Event, Headers, OutgoingRequest, RequestId, Response,
};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);
const FIVE: &str = "Signal=5\r\nDuration=160\r\n";

fn info(headers: &[(&str, &str)], body: Option<(&str, &str)>) -> OutgoingRequest {
    let headers = headers.iter();
    OutgoingRequest {
        method: DialogMethod::Info,
        headers: headers.map(|(n, v)| ((*n).into(), (*v).into())).collect(),
        body: body.map(|(content_type, text)| Body {
            content_type: content_type.into(),
            bytes: text.to_owned().into(),
        }),
    }
}

/// The INFO that waits for this peer's answer.
fn asked(events: &mut Vec<Event>) -> Option<(RequestId, Headers, Body)> {
    let at = events.iter().position(|event| {
        matches!(
            event,
            Event::Request {
                method: DialogMethod::Info,
                ..
            }
        )
    })?;
    match events.remove(at) {
        Event::Request {
            request,
            headers,
            body,
            ..
        } => Some((request, headers, body.expect("a body"))),
        _ => None,
    }
}

fn answer(events: &mut Vec<Event>) -> Option<(u16, Headers)> {
    let at = events
        .iter()
        .position(|event| matches!(event, Event::Response { .. }))?;
    match events.remove(at) {
        Event::Response {
            status, headers, ..
        } => Some((status, headers)),
        _ => None,
    }
}

fn status(status: u16) -> Response {
    Response {
        status,
        headers: vec![("X-Secret".into(), "mine".into())],
        body: None,
    }
}

/// The carrier asks; gives the answer that comes without OpenAI's help.
fn carrier_asks(
    pair: &mut Pair,
    dialog: DialogId,
    headers: &[(&str, &str)],
    body: Option<(&str, &str)>,
) -> Option<(u16, Headers)> {
    let info = info(headers, body);
    pair.carrier.request(pair.now, dialog, info).unwrap();
    pair.run(SHORT);
    answer(&mut pair.carrier_events)
}

#[test]
fn a_digit_goes_across_and_the_answer_back() {
    let (mut pair, carrier) = Pair::established(config());
    let openai = pair.openai_dialog();
    for (said, back) in [
        (200, 200),
        (204, 200),
        (415, 415),
        (501, 415),
        (480, 480),
        // These end dialogs, or ask for passwords; the other leg's are none of it.
        (481, 500),
        (408, 500),
        (401, 500),
    ] {
        type Leg = fn(&mut Pair) -> (&mut Endpoint, &mut Vec<Event>);
        let of_carrier: Leg = |pair| (&mut pair.carrier, &mut pair.carrier_events);
        let of_openai: Leg = |pair| (&mut pair.openai, &mut pair.openai_events);
        for (from, dialog, to) in [
            (of_carrier, carrier, of_openai),
            (of_openai, openai, of_carrier),
        ] {
            let now = pair.now;
            let sent = info(&[("X-A", "b")], Some(("Application/DTMF-Relay", FIVE)));
            from(&mut pair).0.request(now, dialog, sent).unwrap();
            pair.run(SHORT);
            let (request, headers, body) = asked(to(&mut pair).1).expect("an INFO");
            assert_eq!(body.content_type, "application/dtmf-relay");
            assert_eq!(body.bytes, FIVE);
            assert_eq!(headers.get("X-A"), None);
            assert!(
                answer(from(&mut pair).1).is_none(),
                "only when there is one"
            );
            let now = pair.now;
            to(&mut pair).0.respond(now, request, status(said));
            pair.run(SHORT);
            let (status, headers) = answer(from(&mut pair).1).expect("an answer");
            assert_eq!(status, back, "for {said}");
            assert_eq!(headers.get("X-Secret"), None);
        }
    }
    pair.carrier.bye(pair.now, carrier, None);
    pair.assert_over("completed", "carrier_hangup");
    let infos = &pair.gateway.counters().infos;
    assert_eq!(
        (
            infos[&("carrier", "relayed")],
            infos[&("openai", "relayed")]
        ),
        (8, 8)
    );
}

#[test]
fn a_digit_that_openai_does_not_answer_is_answered_all_the_same() {
    let (mut pair, carrier) = Pair::established(config());
    let none = carrier_asks(&mut pair, carrier, &[], Some(("application/dtmf", "5")));
    assert!(none.is_none());
    pair.cut_off(OPENAI);
    pair.carrier.bye(pair.now, carrier, None);
    pair.run(Duration::from_secs(40));
    assert!(pair.gateway.is_idle(), "no transaction waits for ever");
}

#[test]
fn openai_is_sent_what_it_said_it_takes() {
    let mut pair = Pair::new(config());
    let carrier = pair.call(Some(crate::pair::OFFER));
    pair.run(SHORT);
    // The endpoint in OpenAI's place names INFO in its Allow; this one does not.
    pair.rewrite = Some(|text| text.replace(", INFO", ""));
    pair.openai_answers(crate::pair::ANSWER);
    pair.carrier.acknowledge(pair.now, carrier, None);
    pair.run(SHORT);
    let five = Some(("application/dtmf-relay", FIVE));
    let (status, headers) = carrier_asks(&mut pair, carrier, &[], five).unwrap();
    assert_eq!(status, 415);
    assert!(headers.get("Accept").is_some());
    assert!(asked(&mut pair.openai_events).is_none());
    pair.carrier.bye(pair.now, carrier, None);
    pair.assert_over("completed", "carrier_hangup");
    assert_eq!(pair.gateway.counters().infos[&("carrier", "refused")], 1);
}

#[test]
fn what_is_no_digit_stays_where_it_is() {
    let (mut pair, carrier) = Pair::established(config());
    let huge = format!("Signal=5\r\n{}", "x".repeat(40_000));
    let package: &[(&str, &str)] = &[("Info-Package", "dtmf")];
    for (headers, body, status) in [
        (package, Some(("application/dtmf-relay", FIVE)), 469),
        (&[], None, 200),
        (&[], Some(("text/html", "<script>")), 415),
        (&[], Some(("application/media_control+xml", "<x/>")), 415),
        (
            &[],
            Some(("application/dtmf-relay", "Signal=5\r\nVia: x")),
            400,
        ),
        (&[], Some(("application/dtmf-relay", "Signal=55555")), 400),
        (&[], Some(("application/dtmf-relay", huge.as_str())), 413),
        (&[], Some(("application/dtmf", "\u{1}")), 400),
    ] {
        let (answered, headers) = carrier_asks(&mut pair, carrier, headers, body).unwrap();
        assert_eq!(answered, status, "{:.60}", format!("{body:?}"));
        assert_eq!(headers.get("Recv-Info").is_some(), status == 469);
    }
    assert!(asked(&mut pair.openai_events).is_none());
    pair.carrier.bye(pair.now, carrier, None);
    pair.assert_over("completed", "carrier_hangup");
}
