//! The peer changes the session of a running call.

use std::time::Duration;

use squelch_sip::{Body, EndCause, Event, Response};

use crate::raw::{PEER, US, alone, raw_call, request, statuses, to_tag};

fn ok(body: &'static str) -> Response {
    Response {
        status: 200,
        headers: Vec::new(),
        body: Some(Body::sdp(body)),
    }
}

#[test]
fn a_reinvite_is_answered_repeated_and_acknowledged_and_moves_the_target() {
    let (mut world, node) = alone();
    let (dialog, tag) = raw_call(&mut world, node);
    let moved = request("INVITE", "re", 2, &tag, "").replace("192.0.2.9:5060>", "192.0.2.9:5099>");
    assert_eq!(statuses(&mut world, &moved), [100]);
    let Event::Reinvite {
        dialog: which,
        request: id,
        body: None,
    } = world.event(node)
    else {
        panic!()
    };
    assert_eq!(which, dialog);
    world.seen.clear();
    world.tell(node, |endpoint, now| {
        endpoint.respond(now, id, ok("new answer"))
    });
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.all("200 INVITE").len(), 3);
    let response = world.last("200 INVITE").response();
    assert_eq!(to_tag(&response), tag);
    assert!(response.headers.get("Contact").is_some());
    let ack = request("ACK", "re-ack", 2, &tag, "").replace(
        "Content-Length: 0\r\n\r\n",
        "Content-Type: application/sdp\r\nContent-Length: 3\r\n\r\nnew",
    );
    world.send_raw(PEER, US, ack.as_bytes());
    world.settle();
    assert!(
        matches!(world.event(node), Event::Acknowledged { body: Some(body), .. } if body == Body::sdp("new"))
    );
    world.tell(node, |endpoint, now| endpoint.bye(now, dialog, None));
    assert_eq!(
        world.last("BYE").request().uri.to_string(),
        "sip:peer@192.0.2.9:5099"
    );
}

#[test]
fn a_refused_reinvite_leaves_the_call_as_it_was() {
    let (mut world, node) = alone();
    let (dialog, tag) = raw_call(&mut world, node);
    let moved = request("INVITE", "re", 2, &tag, "").replace("192.0.2.9:5060>", "192.0.2.9:5099>");
    statuses(&mut world, &moved);
    let Event::Reinvite { request: id, .. } = world.event(node) else {
        panic!()
    };
    let refusal = Response {
        status: 488,
        ..Response::default()
    };
    world.tell(node, |endpoint, now| endpoint.respond(now, id, refusal));
    assert_eq!(world.last("488 INVITE").to.to_string(), PEER);
    world.send_raw(PEER, US, request("ACK", "re", 2, &tag, "").as_bytes());
    world.settle();
    assert!(world.events(node).is_empty());
    world.tell(node, |endpoint, now| endpoint.bye(now, dialog, None));
    assert_eq!(
        world.last("BYE").request().uri.to_string(),
        "sip:peer@192.0.2.9:5060"
    );
}

#[test]
fn a_second_reinvite_before_the_first_is_done_gets_500_with_retry_after() {
    let (mut world, node) = alone();
    let (_, tag) = raw_call(&mut world, node);
    statuses(&mut world, &request("INVITE", "re1", 2, &tag, ""));
    let answers = crate::raw::ask(&mut world, &request("INVITE", "re2", 3, &tag, ""));
    let response = answers[0].response();
    assert_eq!(response.status, 500);
    assert!(response.headers.get("Retry-After").is_some());
    assert_eq!(world.events(node).len(), 1);
}

#[test]
fn a_refused_reinvite_stays_refused_when_it_is_repeated_later() {
    let (mut world, node) = alone();
    let (_, tag) = raw_call(&mut world, node);
    statuses(&mut world, &request("INVITE", "re1", 2, &tag, ""));
    let Event::Reinvite { request: id, .. } = world.event(node) else {
        panic!()
    };
    let second = request("INVITE", "re2", 3, &tag, "");
    let first_answer = crate::raw::ask(&mut world, &second)[0].response();
    assert_eq!(first_answer.status, 500);
    world.tell(node, |endpoint, now| endpoint.respond(now, id, ok("x")));
    world.send_raw(PEER, US, request("ACK", "ack1", 2, &tag, "").as_bytes());
    world.settle();
    world.events(node);
    // The way is free now, but this request has had its answer.
    let answers = crate::raw::ask(&mut world, &second);
    let again: Vec<_> = answers.iter().map(|seen| seen.response()).collect();
    assert!(
        again.iter().all(|answer| *answer == first_answer),
        "{again:?}"
    );
    assert!(!again.is_empty());
    assert!(world.events(node).is_empty());
}

#[test]
fn a_refused_request_gets_the_same_answer_when_the_call_is_over() {
    let (mut world, node) = alone();
    let (dialog, tag) = raw_call(&mut world, node);
    let message = request("MESSAGE", "message", 2, &tag, "");
    assert_eq!(statuses(&mut world, &message), [405]);
    world.tell(node, |endpoint, now| endpoint.bye(now, dialog, None));
    let bye = world.last("BYE").request();
    let ok = crate::raw::response(&bye, 200, "", "");
    world.send_raw(PEER, US, ok.as_bytes());
    world.settle();
    assert_eq!(statuses(&mut world, &message), [405]);
}

#[test]
fn a_reinvite_without_ack_ends_the_call() {
    let (mut world, node) = alone();
    let (_, tag) = raw_call(&mut world, node);
    statuses(&mut world, &request("INVITE", "re", 2, &tag, ""));
    let Event::Reinvite { request: id, .. } = world.event(node) else {
        panic!()
    };
    world.tell(node, |endpoint, now| endpoint.respond(now, id, ok("x")));
    world.run_for(Duration::from_secs(33));
    assert!(matches!(
        world.event(node),
        Event::Ended {
            cause: EndCause::NoAck,
            ..
        }
    ));
    world.assert_idle();
}

#[test]
fn a_bye_while_a_reinvite_waits_ends_both() {
    let (mut world, node) = alone();
    let (_, tag) = raw_call(&mut world, node);
    statuses(&mut world, &request("INVITE", "re", 2, &tag, ""));
    let Event::Reinvite { request: id, .. } = world.event(node) else {
        panic!()
    };
    assert_eq!(
        statuses(&mut world, &request("BYE", "bye", 3, &tag, "")),
        [200, 487]
    );
    assert!(matches!(world.event(node), Event::Bye { .. }));
    world.seen.clear();
    world.tell(node, |endpoint, now| endpoint.respond(now, id, ok("late")));
    assert!(world.names().is_empty());
    world.assert_idle();
}

#[test]
fn a_cancelled_reinvite_leaves_the_call_running() {
    let (mut world, node) = alone();
    let (dialog, tag) = raw_call(&mut world, node);
    statuses(&mut world, &request("INVITE", "re", 2, &tag, ""));
    world.events(node);
    assert_eq!(
        statuses(&mut world, &request("CANCEL", "re", 2, &tag, "")),
        [200, 487]
    );
    assert!(world.events(node).is_empty());
    world.seen.clear();
    world.tell(node, |endpoint, now| endpoint.bye(now, dialog, None));
    assert_eq!(world.names(), ["BYE"]);
}

#[test]
fn the_2xx_to_a_reinvite_of_ours_is_acknowledged_when_the_peer_has_hung_up_meanwhile() {
    let (mut world, node) = alone();
    let (dialog, tag) = raw_call(&mut world, node);
    world.tell(node, |endpoint, now| {
        endpoint.reinvite(now, dialog, Body::sdp("new"))
    });
    let invite = world.last("INVITE").request();
    assert_eq!(
        statuses(&mut world, &request("BYE", "bye", 2, &tag, "")),
        [200]
    );
    let contact = "Contact: <sip:peer@192.0.2.9:5060>\r\n";
    let ok = crate::raw::response(&invite, 200, "x", contact).replacen(";tag=x", "", 1);
    for _ in 0..2 {
        world.seen.clear();
        world.send_raw(PEER, US, ok.as_bytes());
        world.settle();
        let ack = world.last("ACK").request();
        for same in ["To", "From", "Call-ID"] {
            assert_eq!(ack.headers.get(same), invite.headers.get(same));
        }
        assert_ne!(ack.headers.get("Via"), invite.headers.get("Via"));
    }
    world.assert_idle();
}
