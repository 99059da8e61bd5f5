//! Requests a UAS must refuse, each with the status and header the RFC names.

use squelch_sip::{Event, Protocol};

use crate::raw::{alone, ask, raw_call, request, statuses};

#[test]
fn methods_not_served_get_405_with_allow_and_unknown_ones_501() {
    let (mut world, node) = alone();
    for method in ["REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH"] {
        let answers = ask(&mut world, &request(method, method, 1, "", ""));
        assert_eq!(answers.len(), 1, "{method}");
        let response = answers[0].response();
        assert_eq!(response.status, 405, "{method}");
        assert_eq!(
            response.headers.get("Allow"),
            Some("INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY")
        );
    }
    assert_eq!(
        statuses(&mut world, &request("FETCH", "x", 1, "", "")),
        [501]
    );
    assert_eq!(
        statuses(&mut world, &request("invite", "y", 1, "", "")),
        [501],
        "methods have case"
    );
    assert!(world.events(node).is_empty());
    assert!(world.endpoint(node).is_idle());
}

#[test]
fn methods_of_dialogs_mean_nothing_outside_one() {
    let (mut world, node) = alone();
    for method in ["INFO", "NOTIFY", "PRACK", "UPDATE"] {
        assert_eq!(
            statuses(&mut world, &request(method, method, 1, "", "")),
            [481],
            "{method}"
        );
    }
    assert_eq!(
        statuses(&mut world, &request("REFER", "r", 1, "", "")),
        [403],
        "nobody is called for somebody outside a call"
    );
    assert!(world.events(node).is_empty());
    assert!(world.endpoint(node).is_idle());
}

#[test]
fn methods_not_served_are_so_inside_calls_too() {
    let (mut world, node) = alone();
    let (_, tag) = raw_call(&mut world, node);
    for (cseq, (method, status)) in [("MESSAGE", 405), ("SUBSCRIBE", 405), ("X", 501)]
        .into_iter()
        .enumerate()
    {
        let text = request(method, method, cseq as u32 + 2, &tag, "");
        assert_eq!(statuses(&mut world, &text), [status], "{method}");
    }
    assert!(world.events(node).is_empty());
}

#[test]
fn an_extension_the_peer_requires_is_refused_by_name() {
    let (mut world, _) = alone();
    let more = "Require: 100rel, timer\r\nRequire: precondition\r\nSupported: x\r\n";
    let answers = ask(&mut world, &request("INVITE", "i", 1, "", more));
    let response = answers[0].response();
    assert_eq!(response.status, 420);
    assert_eq!(response.headers.get("Unsupported"), Some("precondition"));
}

#[test]
fn bodies_that_are_not_sdp_are_refused() {
    let (mut world, node) = alone();
    let with_body = |branch: &str, more: &str| {
        request("INVITE", branch, 1, "", more)
            .replace("Content-Length: 0\r\n\r\n", "Content-Length: 4\r\n\r\nbody")
            .replace("raw-call", branch)
    };
    let answers = ask(
        &mut world,
        &with_body("a", "Content-Type: application/isup\r\n"),
    );
    assert_eq!(answers[0].response().status, 415);
    assert_eq!(
        answers[0].response().headers.get("Accept"),
        Some("application/sdp")
    );
    let gzip = "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n";
    let answers = ask(&mut world, &with_body("b", gzip));
    assert_eq!(answers[0].response().status, 415);
    assert_eq!(
        answers[0].response().headers.get("Accept-Encoding"),
        Some("identity")
    );
    let accept = "Content-Type: application/sdp\r\nAccept: text/plain, text/html;level=1\r\n";
    assert_eq!(statuses(&mut world, &with_body("c", accept)), [406]);
    assert!(world.events(node).is_empty());

    let optional = "Content-Type: x/y\r\nContent-Disposition: session ; handling = optional\r\n";
    assert_eq!(statuses(&mut world, &with_body("d", optional)), [100]);
    assert!(matches!(world.event(node), Event::Invite { invite, .. } if invite.body.is_none()));
    let spelt = "Content-Type: Application/SDP ;charset=utf-8\r\nAccept: application/*;q=0.5\r\n";
    assert_eq!(statuses(&mut world, &with_body("e", spelt)), [100]);
    assert!(matches!(world.event(node), Event::Invite { invite, .. } if invite.body.is_some()));
}

#[test]
fn an_unknown_scheme_gets_416_and_tel_does_not() {
    let (mut world, _) = alone();
    let with_uri = |branch: &str, uri: &str| {
        request("INVITE", branch, 1, "", "")
            .replace("sip:us@192.0.2.1 SIP", &format!("{uri} SIP"))
            .replace("raw-call", branch)
    };
    assert_eq!(
        statuses(&mut world, &with_uri("a", "mailto:a@b.example")),
        [416]
    );
    assert_eq!(
        statuses(&mut world, &with_uri("b", "tel:+15551230001")),
        [100]
    );
}

#[test]
fn the_same_request_by_two_ways_is_served_once() {
    let (mut world, node) = alone();
    assert_eq!(
        statuses(&mut world, &request("INVITE", "one", 1, "", "")),
        [100]
    );
    assert_eq!(
        statuses(&mut world, &request("INVITE", "two", 1, "", "")),
        [482]
    );
    assert_eq!(world.events(node).len(), 1);
}

#[test]
fn max_forwards_zero_is_the_users_to_judge() {
    let (mut world, node) = alone();
    let zero = request("INVITE", "one", 1, "", "").replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert_eq!(statuses(&mut world, &zero), [100]);
    assert!(matches!(world.event(node), Event::Invite { invite, .. } if invite.max_forwards == 0));
}

#[test]
fn a_contact_that_cannot_be_called_gets_400() {
    for contact in ["*", "<mailto:a@b>", "<sip:a@b", "sip:a@b?x=y", ""] {
        let (mut world, _) = alone();
        let text = request("INVITE", "i", 1, "", "").replace("<sip:peer@192.0.2.9:5060>", contact);
        assert_eq!(statuses(&mut world, &text), [400], "{contact}");
    }
}

#[test]
fn a_broken_request_gets_400_with_the_reason_and_leaves_no_state() {
    for (from, to, reason) in [
        ("Call-ID: raw-call\r\n", "", "no Call-ID header"),
        ("CSeq: 1 INVITE", "CSeq: 1 BYE", "CSeq names another method"),
        (
            "CSeq: 1 INVITE",
            "CSeq: 4294967296 INVITE",
            "malformed CSeq header",
        ),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 256",
            "malformed Max-Forwards header",
        ),
        ("To: <sip:us", "To: \"open <sip:us", "malformed To header"),
        (
            "Content-Length: 0",
            "Content-Length: 1",
            "the body is shorter than Content-Length",
        ),
        (
            "Call-ID: raw-call\r\n",
            "Call-ID: a\r\nCall-ID: b\r\n",
            "more than one Call-ID header",
        ),
    ] {
        let (mut world, node) = alone();
        let answers = ask(
            &mut world,
            &request("INVITE", "i", 1, "", "").replace(from, to),
        );
        let response = answers[0].response();
        assert_eq!(
            (response.status, response.reason),
            (400, format!("Bad Request ({reason})"))
        );
        assert!(matches!(
            world.event(node),
            Event::Dropped {
                reason: squelch_sip::DropReason::Refused,
                ..
            }
        ));
        assert!(world.endpoint(node).is_idle());
    }
}

#[test]
fn an_ack_is_never_answered() {
    let (mut world, _) = alone();
    for text in [
        request("ACK", "a", 1, "tag", ""),
        request("ACK", "b", 1, "tag", "").replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"),
        request("ACK", "c", 1, "tag", "").replace("CSeq: 1 ACK", "CSeq: 1 BYE"),
    ] {
        assert!(ask(&mut world, &text).is_empty());
    }
}

#[test]
fn no_listener_for_the_target_is_told_as_a_failure() {
    let mut world = crate::world::World::new();
    let b = world.add("192.0.2.2");
    let a = world.add_with("192.0.2.1", |config| config.listeners.clear());
    let call = world.call_to(b, Protocol::Udp);
    let ours = world.tell(a, |endpoint, now| endpoint.invite(now, call));
    match world.event(a) {
        Event::Rejected {
            dialog,
            failure: squelch_sip::Failure::Transport(_),
        } => assert_eq!(dialog, ours),
        other => panic!("{other:?}"),
    }
    // A stream needs no listener.
    let call = world.call_to(b, Protocol::Tls);
    world.tell(a, |endpoint, now| endpoint.invite(now, call));
    world.settle();
    assert!(matches!(world.event(b), Event::Invite { .. }));
}
