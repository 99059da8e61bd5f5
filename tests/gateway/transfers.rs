//! OpenAI asks for a transfer: what the carrier hears of it, what OpenAI hears back, and what becomes of the call.

use crate::pair::{CARRIER, OPENAI, Pair, config};
use squelch_call::{GatewayConfig, Transfer};
use squelch_media::{Direction, LegStats};
use squelch_sip::message::{Framing, Message, Request};
use squelch_sip::{
    Body, DialogId, DialogMethod, Event, Headers, OutgoingRequest, RequestId, Response,
};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);

/// A call whose trunk lets `+1415*` be dialled.
fn allowed() -> (Pair, DialogId) {
    Pair::established(allowing(&["+1415*"]))
}

fn allowing(patterns: &[&str]) -> GatewayConfig {
    let mut config = config();
    let patterns = patterns.iter().map(|pattern| pattern.parse().unwrap());
    config.trunks[0].transfer = Transfer::Numbers(patterns.collect());
    config
}

/// OpenAI asks; gives the status it is answered with.
fn refer(pair: &mut Pair, headers: &[(&str, &str)]) -> u16 {
    let dialog = pair.openai_dialog();
    let refer = asked(DialogMethod::Refer, headers, None);
    let sent = pair.openai.request(pair.now, dialog, refer).unwrap();
    pair.run(SHORT);
    let answer = pair.openai_events.iter().find_map(|event| match event {
        Event::Response {
            request, status, ..
        } if *request == sent => Some(*status),
        _ => None,
    });
    answer.expect("an answer to the REFER")
}

fn asked(
    method: DialogMethod,
    headers: &[(&str, &str)],
    body: Option<(&str, &str)>,
) -> OutgoingRequest {
    let headers = headers.iter();
    OutgoingRequest {
        method,
        headers: headers.map(|(n, v)| ((*n).into(), (*v).into())).collect(),
        body: body.map(|(content_type, text)| Body {
            content_type: content_type.into(),
            bytes: text.to_owned().into(),
        }),
    }
}

/// The REFER that waits at the carrier.
fn at_carrier(pair: &Pair) -> (RequestId, Headers) {
    let found = pair
        .carrier_events
        .iter()
        .rev()
        .find_map(|event| match event {
            Event::Request {
                request,
                method: DialogMethod::Refer,
                headers,
                ..
            } => Some((*request, headers.clone())),
            _ => None,
        });
    found.expect("a REFER at the carrier")
}

fn nothing_at_carrier(pair: &Pair) {
    let any = pair
        .carrier_events
        .iter()
        .any(|event| matches!(event, Event::Request { .. }));
    assert!(!any, "{:?}", pair.carrier_events);
}

fn carrier_says(pair: &mut Pair, status: u16) {
    let (request, _) = at_carrier(pair);
    let response = Response {
        status,
        ..Response::default()
    };
    pair.carrier.respond(pair.now, request, response);
    pair.run(SHORT);
}

/// The carrier tells how it goes on; gives the status it is answered with.
fn carrier_tells(pair: &mut Pair, dialog: DialogId, state: &str, frag: &str) -> u16 {
    let headers = [("Event", "refer"), ("Subscription-State", state)];
    let body = Some(("message/sipfrag", frag)).filter(|_| !frag.is_empty());
    carrier_notifies(pair, dialog, asked(DialogMethod::Notify, &headers, body))
}

fn carrier_notifies(pair: &mut Pair, dialog: DialogId, notify: OutgoingRequest) -> u16 {
    pair.carrier_events
        .retain(|event| !matches!(event, Event::Response { .. }));
    let sent = pair.carrier.request(pair.now, dialog, notify).unwrap();
    pair.run(SHORT);
    let answer = pair.carrier_events.iter().find_map(|event| match event {
        Event::Response {
            request, status, ..
        } if *request == sent => Some(*status),
        _ => None,
    });
    answer.expect("an answer to the NOTIFY")
}

/// The NOTIFYs that OpenAI got since, all answered: state and body of each.
fn heard(pair: &mut Pair) -> Vec<(String, String)> {
    let mut heard = Vec::new();
    loop {
        let mut waiting = Vec::new();
        pair.openai_events.retain(|event| match event {
            Event::Request {
                request,
                method: DialogMethod::Notify,
                headers,
                body: Some(body),
                ..
            } => {
                assert_eq!(body.content_type, "message/sipfrag;version=2.0");
                assert!(headers.get("Contact").is_some());
                let state = headers.get("Subscription-State").unwrap().to_owned();
                let text = String::from_utf8(body.bytes.to_vec()).unwrap();
                heard.push((state, text));
                waiting.push(*request);
                false
            }
            _ => true,
        });
        if waiting.is_empty() {
            return heard;
        }
        for request in waiting {
            let ok = Response {
                status: 200,
                ..Response::default()
            };
            pair.openai.respond(pair.now, request, ok);
        }
        pair.run(SHORT);
    }
}

/// As `heard`, where the whole sequence is of the form `active`s and one last.
fn heard_in_short(pair: &mut Pair) -> Vec<String> {
    let short = |(state, frag): (String, String)| {
        let state = state.split(';').next().unwrap().to_owned();
        format!("{state} {}", frag.trim_end())
    };
    heard(pair).into_iter().map(short).collect()
}

fn events(pair: &Pair) -> Vec<&'static str> {
    let events = pair.records[0].events.iter();
    events.map(|event| event.event).collect()
}

/// What went from the gateway to `to`, of this method.
fn requests(pair: &Pair, to: &str, name: &str) -> Vec<Request> {
    let to = to.parse().unwrap();
    let sent = pair.wire.iter().filter(|(_, at, _)| *at == to);
    sent.filter_map(
        |(_, _, bytes)| match Message::read(bytes, Framing::Datagram) {
            Ok(Message::Request(request)) => Some(request),
            _ => None,
        },
    )
    .filter(|request| request.method.to_string() == name)
    .collect()
}

fn over(pair: &mut Pair, reason: &str) {
    pair.assert_over("completed", reason);
}

#[test]
fn a_transfer_comes_through() {
    let (mut pair, dialog) = allowed();
    let refer_to = "\"Sales\" <sip:+1-415-555-0100:pw@192.0.2.1:25;transport=tcp>;x=y";
    assert_eq!(
        refer(&mut pair, &[("Refer-To", refer_to), ("X-A", "b")]),
        202
    );
    let (_, headers) = at_carrier(&pair);
    assert_eq!(
        headers.get("Refer-To"),
        Some("<sip:+14155550100@192.0.2.1>")
    );
    assert_eq!(
        headers.get("Referred-By"),
        Some("<sip:+15559870000@192.0.2.2>")
    );
    assert_eq!(headers.get("X-A"), None);
    assert_eq!(
        heard(&mut pair),
        [("active;expires=60".into(), "SIP/2.0 100 Trying\r\n".into())]
    );
    carrier_says(&mut pair, 202);
    let frag = "SIP/2.0 180 Come and get me\r\nVia: x\r\n";
    assert_eq!(
        carrier_tells(&mut pair, dialog, "active;expires=30", frag),
        200
    );
    assert_eq!(heard_in_short(&mut pair), ["active SIP/2.0 180 Ringing"]);
    let frag = "SIP/2.0 200 OK\r\n";
    let state = "terminated;reason=noresource";
    assert_eq!(carrier_tells(&mut pair, dialog, state, frag), 200);
    assert_eq!(heard_in_short(&mut pair), ["terminated SIP/2.0 200 OK"]);
    assert!(pair.records.is_empty(), "the BYE is the carrier's to send");
    pair.carrier.bye(pair.now, dialog, None);
    over(&mut pair, "transferred");
    assert_eq!(
        events(&pair),
        ["transfer_asked", "transfer_taken", "transfer_done"]
    );
    assert_eq!(pair.records[0].events[0].detail, "+1415***0100");
    assert_eq!(pair.gateway.counters().transfers[&(0, "transferred")], 1);
    assert_eq!(requests(&pair, OPENAI, "BYE").len(), 1);
}

#[test]
fn a_carrier_that_does_not_hang_up_after_success_is_hung_up_on() {
    let (mut pair, dialog) = allowed();
    refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]);
    assert_eq!(
        at_carrier(&pair).1.get("Refer-To"),
        Some("<tel:+14155550100>")
    );
    carrier_says(&mut pair, 202);
    carrier_tells(&mut pair, dialog, "terminated", "SIP/2.0 200 OK");
    heard(&mut pair);
    pair.run(Duration::from_secs(4));
    assert!(pair.records.is_empty());
    over(&mut pair, "transferred");
    assert_eq!(requests(&pair, CARRIER, "BYE").len(), 1);
}

#[test]
fn a_carrier_that_only_hangs_up_has_transferred_too() {
    let (mut pair, dialog) = allowed();
    refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]);
    heard(&mut pair);
    carrier_says(&mut pair, 202);
    pair.carrier.bye(pair.now, dialog, None);
    pair.run(SHORT);
    let notify = requests(&pair, OPENAI, "NOTIFY").pop().unwrap();
    let state = notify.headers.get("Subscription-State");
    assert_eq!(
        state,
        Some("terminated;reason=noresource"),
        "nothing stays open"
    );
    let last = pair
        .wire
        .iter()
        .rev()
        .find(|(_, to, _)| *to == OPENAI.parse().unwrap());
    assert!(last.unwrap().2.starts_with(b"BYE "), "after it");
    heard(&mut pair);
    over(&mut pair, "transferred");
}

#[test]
fn a_caller_that_hangs_up_before_the_carrier_took_it_is_not_transferred() {
    let (mut pair, dialog) = allowed();
    refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]);
    heard(&mut pair);
    pair.carrier.bye(pair.now, dialog, None);
    pair.run(SHORT);
    heard(&mut pair);
    carrier_says(&mut pair, 487);
    over(&mut pair, "carrier_hangup");
}

#[test]
fn by_default_and_from_the_carrier_it_is_refused() {
    let (mut pair, dialog) = Pair::established(config());
    assert_eq!(refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]), 603);
    nothing_at_carrier(&pair);
    pair.carrier.bye(pair.now, dialog, None);
    over(&mut pair, "carrier_hangup");
    assert_eq!(events(&pair), ["transfer_declined"]);

    let (mut pair, dialog) = allowed();
    let headers = [("Refer-To", "<tel:+14155550100>")];
    let from_carrier = asked(DialogMethod::Refer, &headers, None);
    assert_eq!(carrier_notifies(&mut pair, dialog, from_carrier), 603);
    pair.carrier.bye(pair.now, dialog, None);
    over(&mut pair, "carrier_hangup");
    assert_eq!(pair.gateway.counters().transfers[&(0, "declined")], 1);
}

#[test]
fn nowhere_but_to_the_numbers_allowed() {
    let (mut pair, dialog) = allowed();
    let long = format!("<tel:+1415{}>", "5".repeat(7_000));
    for (refer_to, status) in [
        ("<tel:+14165550100>", 603),
        ("<tel:+19005550100>", 603),
        ("<tel:+1415555;phone-context=+1>", 603),
        (&long, 603),
        ("<sip:+14155550100@127.0.0.1:9090>", 603),
        ("<sip:+14155550100@[::1]>", 603),
        ("<sip:+14155550100@[::ffff:169.254.169.254]>", 603),
        ("<sip:+14155550100@evil.example>", 603),
        ("<sip:+14155550100@192.0.2.2>", 603),
        ("<sip:+14155550100@192.0.2.1?Replaces=a%3Bto-tag%3Db>", 603),
        ("<sip:+1415%0D%0AVia:x@192.0.2.1>", 603),
        ("<sips:+14155550100@192.0.2.1>", 603),
        ("<https://api.example/v1>", 603),
        ("<tel:+14155550100>, <tel:+14155550101>", 400),
        ("nonsense", 400),
    ] {
        let answer = refer(&mut pair, &[("Refer-To", refer_to)]);
        assert_eq!(answer, status, "{refer_to:.60}");
    }
    assert_eq!(refer(&mut pair, &[]), 400);
    nothing_at_carrier(&pair);
    assert_eq!(heard(&mut pair), []);
    pair.carrier.bye(pair.now, dialog, None);
    over(&mut pair, "carrier_hangup");
}

#[test]
fn a_carrier_that_refuses_leaves_the_call_as_it_was() {
    for status in [405, 403, 603, 503] {
        let (mut pair, dialog) = allowed();
        refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]);
        carrier_says(&mut pair, status);
        let told = heard_in_short(&mut pair);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].starts_with(&format!("terminated SIP/2.0 {status} ")));
        pair.run(Duration::from_secs(300));
        assert!(pair.records.is_empty());
        assert_eq!(pair.gateway.counters().transfers[&(0, "failed")], 1);
        // And it may be asked for again.
        let again = refer(&mut pair, &[("Refer-To", "<tel:+14155550101>")]);
        assert_eq!(again, 202);
        let notify = requests(&pair, OPENAI, "NOTIFY").pop().unwrap();
        let cseq = refer_cseq(&pair);
        let event = format!("refer;id={cseq}");
        assert_eq!(notify.headers.get("Event"), Some(event.as_str()));
        carrier_says(&mut pair, status);
        heard(&mut pair);
        pair.carrier.bye(pair.now, dialog, None);
        over(&mut pair, "carrier_hangup");
    }
}

/// The number of OpenAI's last REFER.
fn refer_cseq(pair: &Pair) -> u32 {
    let refers = requests(pair, crate::pair::GATEWAY, "REFER");
    let cseq = refers
        .last()
        .unwrap()
        .headers
        .get("CSeq")
        .unwrap()
        .to_owned();
    cseq.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_target_that_does_not_answer_leaves_the_call_as_it_was() {
    let (mut pair, dialog) = allowed();
    refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]);
    carrier_says(&mut pair, 202);
    carrier_tells(&mut pair, dialog, "active", "SIP/2.0 180 Ringing");
    carrier_tells(&mut pair, dialog, "terminated", "SIP/2.0 486 Busy Here");
    assert_eq!(
        heard_in_short(&mut pair),
        [
            "active SIP/2.0 100 Trying",
            "terminated SIP/2.0 486 Busy Here"
        ],
        "what is overtaken is not told"
    );
    let late = carrier_tells(&mut pair, dialog, "terminated", "SIP/2.0 200 OK");
    assert_eq!(late, 481, "it is over");
    pair.carrier.bye(pair.now, dialog, None);
    over(&mut pair, "carrier_hangup");
}

#[test]
fn a_carrier_that_tells_nothing_is_waited_for_as_long_as_ringing_may_take() {
    let (mut pair, dialog) = allowed();
    refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]);
    carrier_says(&mut pair, 202);
    heard(&mut pair);
    pair.run(Duration::from_secs(59));
    assert_eq!(heard(&mut pair), []);
    pair.run(Duration::from_secs(1));
    assert_eq!(
        heard(&mut pair),
        [(
            "terminated;reason=timeout".into(),
            "SIP/2.0 408 Request Timeout\r\n".into()
        )]
    );
    pair.carrier.bye(pair.now, dialog, None);
    over(&mut pair, "carrier_hangup");
}

#[test]
fn openai_hangs_up_at_once_and_the_transfer_comes_through_all_the_same() {
    let (mut pair, dialog) = allowed();
    refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]);
    heard(&mut pair);
    let openai = pair.openai_dialog();
    pair.openai.bye(pair.now, openai, None);
    pair.run(SHORT);
    let plan = pair.updates.last().expect("the media are told");
    assert_eq!(plan.openai.direction, Direction::Inactive);
    assert_eq!(plan.carrier.direction, Direction::SendRecv);
    carrier_says(&mut pair, 202);
    // Only the carrier sends still.
    pair.run(Duration::from_secs(40));
    let stats = squelch_media::BridgeStats {
        carrier: LegStats {
            last_packet: Some(pair.now),
            ..LegStats::default()
        },
        ..squelch_media::BridgeStats::default()
    };
    pair.stats(stats);
    assert_eq!(requests(&pair, CARRIER, "BYE").len(), 0);
    assert_eq!(
        carrier_tells(&mut pair, dialog, "terminated", "SIP/2.0 200 OK"),
        200
    );
    pair.carrier.bye(pair.now, dialog, None);
    over(&mut pair, "transferred");
    assert_eq!(
        requests(&pair, OPENAI, "NOTIFY").len(),
        1,
        "nobody is there to be told"
    );
}

#[test]
fn openai_hangs_up_at_once_and_the_transfer_fails() {
    for fails in [
        |pair: &mut Pair, _| carrier_says(pair, 603),
        |pair: &mut Pair, dialog| {
            carrier_says(pair, 202);
            carrier_tells(pair, dialog, "terminated", "SIP/2.0 486 Busy Here");
        },
        |pair: &mut Pair, _| {
            carrier_says(pair, 202);
            pair.run(Duration::from_secs(60));
        },
    ] {
        let (mut pair, dialog) = allowed();
        refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]);
        heard(&mut pair);
        let openai = pair.openai_dialog();
        pair.openai.bye(pair.now, openai, None);
        pair.run(SHORT);
        assert!(pair.records.is_empty());
        fails(&mut pair, dialog);
        over(&mut pair, "openai_hangup");
        assert_eq!(requests(&pair, CARRIER, "BYE").len(), 1);
    }
}

#[test]
fn while_one_is_under_way_another_has_to_wait() {
    let (mut pair, dialog) = allowed();
    refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]);
    assert_eq!(refer(&mut pair, &[("Refer-To", "<tel:+14155550101>")]), 491);
    carrier_says(&mut pair, 202);
    assert_eq!(refer(&mut pair, &[("Refer-To", "<tel:+14155550101>")]), 491);
    assert_eq!(requests(&pair, CARRIER, "REFER").len(), 1);
    heard(&mut pair);
    pair.carrier.bye(pair.now, dialog, None);
    pair.run(SHORT);
    heard(&mut pair);
    over(&mut pair, "transferred");
}

#[test]
fn hostile_progress_is_refused_and_nothing_of_it_goes_on() {
    let (mut pair, dialog) = allowed();
    refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]);
    carrier_says(&mut pair, 202);
    heard(&mut pair);
    let huge = "x".repeat(50_000);
    for (frag, status) in [
        ("INVITE sip:a@127.0.0.1 SIP/2.0\r\n", 400),
        ("\r\nSIP/2.0 200 OK", 400),
        ("SIP/2.0 999 Beyond", 400),
        ("SIP/2.0 -20 OK", 400),
        (&huge, 400),
        ("", 400),
    ] {
        let answer = carrier_tells(&mut pair, dialog, "active", frag);
        assert_eq!(answer, status, "{frag:.40}");
    }
    let wrong = |event: &str, content_type: &str| {
        let headers = [("Event", event), ("Subscription-State", "active")];
        let body = Some((content_type, "SIP/2.0 200 OK"));
        asked(DialogMethod::Notify, &headers, body)
    };
    for (notify, status) in [
        (wrong("refer", "text/plain"), 415),
        (wrong("presence", "message/sipfrag"), 489),
        (wrong("refer;id=4000000000", "message/sipfrag"), 481),
    ] {
        assert_eq!(carrier_notifies(&mut pair, dialog, notify), status);
    }
    assert_eq!(heard(&mut pair), []);
    let words = "SIP/2.0 183 \u{1}\u{7f}Event: presence\r\nContact: <sip:a@127.0.0.1>\r\n";
    assert_eq!(carrier_tells(&mut pair, dialog, "active", words), 200);
    assert_eq!(
        heard(&mut pair),
        [(
            "active;expires=60".into(),
            "SIP/2.0 183 Session Progress\r\n".into()
        )]
    );
    pair.carrier.bye(pair.now, dialog, None);
    pair.run(SHORT);
    heard(&mut pair);
    over(&mut pair, "transferred");
}

#[test]
fn nobody_is_notified_who_does_not_want_to_be() {
    let (mut pair, dialog) = allowed();
    let headers = [("Refer-To", "<tel:+14155550100>"), ("Refer-Sub", "false")];
    assert_eq!(refer(&mut pair, &headers), 202);
    carrier_says(&mut pair, 202);
    carrier_tells(&mut pair, dialog, "terminated", "SIP/2.0 200 OK");
    assert_eq!(heard(&mut pair), []);
    pair.carrier.bye(pair.now, dialog, None);
    over(&mut pair, "transferred");
}

#[test]
fn an_openai_that_knows_of_no_subscription_is_left_alone() {
    let (mut pair, dialog) = allowed();
    refer(&mut pair, &[("Refer-To", "<tel:+14155550100>")]);
    let gone = |event: &Event| match event {
        Event::Request { request, .. } => Some(*request),
        _ => None,
    };
    let request = pair.openai_events.iter().find_map(gone).unwrap();
    let response = Response {
        status: 481,
        ..Response::default()
    };
    pair.openai.respond(pair.now, request, response);
    pair.openai_events.clear();
    carrier_says(&mut pair, 202);
    carrier_tells(&mut pair, dialog, "active", "SIP/2.0 180 Ringing");
    assert_eq!(requests(&pair, OPENAI, "NOTIFY").len(), 1);
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "transferred");
}
