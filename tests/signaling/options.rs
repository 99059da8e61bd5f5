//! OPTIONS: the user answers, in and out of a dialog.

use squelch_sip::{Event, Response};

use crate::raw::{PEER, US, alone, ask, raw_call, request, statuses};

#[test]
fn an_options_is_answered_by_the_user_once() {
    let (mut world, node) = alone();
    assert!(ask(&mut world, &request("OPTIONS", "o", 1, "", "")).is_empty());
    let Event::Options {
        request: id,
        source,
        in_dialog: None,
    } = world.event(node)
    else {
        panic!()
    };
    assert_eq!(source.remote.to_string(), PEER);
    let answer = Response {
        status: 200,
        ..Response::default()
    };
    for _ in 0..2 {
        world.tell(node, |endpoint, now| {
            endpoint.respond(now, id, answer.clone())
        });
    }
    let ok = world.last("200 OPTIONS").response();
    assert_eq!(world.all("200 OPTIONS").len(), 1);
    assert_eq!(
        ok.headers.get("Allow"),
        Some("INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY")
    );
    assert_eq!(ok.headers.get("Accept"), Some("application/sdp"));
    assert!(!crate::raw::to_tag(&ok).is_empty());
    // A repetition gets the same answer without the user.
    assert_eq!(
        statuses(&mut world, &request("OPTIONS", "o", 1, "", "")),
        [200]
    );
    assert!(world.events(node).is_empty());
    world.assert_idle();
}

#[test]
fn a_user_that_does_not_answer_leaves_no_state() {
    let (mut world, node) = alone();
    ask(&mut world, &request("OPTIONS", "o", 1, "", ""));
    assert!(!world.endpoint(node).is_idle());
    world.assert_idle();
}

#[test]
fn an_options_inside_a_call_says_which() {
    let (mut world, node) = alone();
    let (dialog, tag) = raw_call(&mut world, node);
    world.send_raw(PEER, US, request("OPTIONS", "o", 2, &tag, "").as_bytes());
    world.settle();
    assert!(
        matches!(world.event(node), Event::Options { in_dialog: Some(id), .. } if id == dialog)
    );
}

#[test]
fn headers_of_the_user_cannot_break_a_message() {
    let (mut world, node) = alone();
    ask(&mut world, &request("OPTIONS", "o", 1, "", ""));
    let Event::Options { request: id, .. } = world.event(node) else {
        panic!()
    };
    let headers = [
        ("X-Good", "yes"),
        ("X-Bad", "a\r\nX-Injected: 1"),
        ("X-Bad\r\nX-Injected", "1"),
        ("Via", "SIP/2.0/UDP 203.0.113.1"),
        ("v", "SIP/2.0/UDP 203.0.113.1"),
        ("l", "9999"),
        ("Contact", "<sip:evil@203.0.113.1>"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let answer = Response {
        status: 200,
        headers,
        body: None,
    };
    world.tell(node, |endpoint, now| endpoint.respond(now, id, answer));
    let ok = world.last("200 OPTIONS").response();
    assert_eq!(ok.headers.get("X-Good"), Some("yes"));
    assert_eq!(ok.headers.get("X-Injected"), None);
    assert_eq!(ok.headers.get("Contact"), None);
    assert_eq!(ok.headers.all("Via").count(), 1);
    assert_eq!(world.endpoint(node).counters().refused_headers, 6);
}
