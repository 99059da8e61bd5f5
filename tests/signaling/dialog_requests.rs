//! What is asked inside a call beside BYE and re-INVITE.

use squelch_sip::{Body, DialogMethod, Event, OutgoingRequest, Protocol, Response};

use crate::raw::{alone, raw_call, request, statuses};
use crate::world::World;

fn info() -> OutgoingRequest {
    OutgoingRequest {
        method: DialogMethod::Info,
        headers: vec![("Info-Package".into(), "dtmf".into())],
        body: Some(Body {
            content_type: "application/dtmf-relay".into(),
            bytes: "Signal=5\r\nDuration=160\r\n".into(),
        }),
    }
}

#[test]
fn a_request_and_its_answer_arrive_whole_on_every_transport() {
    for protocol in [Protocol::Udp, Protocol::Tcp, Protocol::Tls] {
        let mut world = World::new();
        let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
        let (ours, theirs) = world.call(a, b, protocol);
        // Both ways: the caller's and the callee's route sets differ.
        for (from, to, dialog, there) in [(a, b, ours, theirs), (b, a, theirs, ours)] {
            let sent = world.tell(from, |endpoint, now| endpoint.request(now, dialog, info()));
            world.settle();
            let Event::Request {
                dialog: which,
                request,
                method: DialogMethod::Info,
                headers,
                body: Some(body),
            } = world.event(to)
            else {
                panic!()
            };
            assert_eq!(which, there);
            assert_eq!(headers.get("Info-Package"), Some("dtmf"));
            assert_eq!(body, info().body.unwrap());
            let answer = Response {
                status: 200,
                headers: vec![("X-Heard".into(), "5".into())],
                body: None,
            };
            world.tell(to, |endpoint, now| endpoint.respond(now, request, answer));
            world.settle();
            let Event::Response {
                dialog: which,
                request,
                status: 200,
                headers,
                ..
            } = world.event(from)
            else {
                panic!()
            };
            assert_eq!((which, Some(request)), (dialog, sent));
            assert_eq!(headers.get("X-Heard"), Some("5"));
        }
    }
}

#[test]
fn a_request_nobody_answers_ends_in_408_and_the_call_stands() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, theirs) = world.call(a, b, Protocol::Udp);
    world.lose(|seen| seen.name().contains("INFO"));
    world.tell(a, |endpoint, now| endpoint.request(now, ours, info()));
    world.run_for(std::time::Duration::from_secs(33));
    assert!(matches!(
        world.event(a),
        Event::Response { status: 408, .. }
    ));
    world.lose(|_| false);
    world.tell(b, |endpoint, now| endpoint.bye(now, theirs, None));
    world.settle();
    assert!(matches!(world.event(a), Event::Bye { dialog, .. } if dialog == ours));
    world.assert_idle();
}

#[test]
fn an_update_with_an_offer_on_top_of_another_is_told_to_wait() {
    let (mut world, node) = alone();
    let (_, tag) = raw_call(&mut world, node);
    let update = |cseq: u32| {
        request("UPDATE", &format!("u{cseq}"), cseq, &tag, "").replace(
            "Content-Length: 0\r\n\r\n",
            "Content-Type: application/sdp\r\nContent-Length: 3\r\n\r\nnew",
        )
    };
    assert_eq!(statuses(&mut world, &update(2)), []);
    let Event::Request { request: first, .. } = world.event(node) else {
        panic!()
    };
    assert_eq!(statuses(&mut world, &update(3)), [500]);
    assert!(
        world
            .last("500 UPDATE")
            .response()
            .headers
            .get("Retry-After")
            .is_some()
    );
    let ok = || Response {
        status: 200,
        ..Response::default()
    };
    world.tell(node, |endpoint, now| endpoint.respond(now, first, ok()));
    assert!(
        world
            .last("200 UPDATE")
            .response()
            .headers
            .get("Contact")
            .is_some()
    );
    assert_eq!(statuses(&mut world, &update(4)), [], "the first is over");
}

#[test]
fn an_update_moves_the_target_when_it_is_taken() {
    let (mut world, node) = alone();
    let (dialog, tag) = raw_call(&mut world, node);
    for (cseq, status, port) in [(2, 488, 5060), (3, 200, 5099)] {
        let update = request("UPDATE", &format!("u{cseq}"), cseq, &tag, "")
            .replace("192.0.2.9:5060>", "192.0.2.9:5099>");
        statuses(&mut world, &update);
        let Event::Request { request, .. } = world.event(node) else {
            panic!()
        };
        let response = Response {
            status,
            ..Response::default()
        };
        world.tell(node, |endpoint, now| {
            endpoint.respond(now, request, response)
        });
        world.tell(node, |endpoint, now| endpoint.request(now, dialog, info()));
        let uri = world.last("INFO").request().uri;
        assert_eq!(uri.port(), Some(port), "after {status}");
    }
}

#[test]
fn a_transfer_and_its_news_say_where_their_sender_is() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, _) = world.call(a, b, Protocol::Udp);
    for (method, name) in [
        (DialogMethod::Refer, "REFER"),
        (DialogMethod::Notify, "NOTIFY"),
    ] {
        let hostile = OutgoingRequest {
            method,
            headers: vec![
                ("Refer-To".into(), "<tel:+1>\r\nVia: SIP/2.0/UDP x".into()),
                ("Event".into(), "refer".into()),
                ("Contact".into(), "<sip:a@127.0.0.1>".into()),
            ],
            body: None,
        };
        world.tell(a, |endpoint, now| endpoint.request(now, ours, hostile));
        let sent = world.last(name);
        let headers = &sent.request().headers;
        // RFC 3515 table 1, RFC 6665 section 8.2: mandatory in both.
        let contact = headers.get("Contact").expect("a Contact");
        assert!(contact.contains("192.0.2.1"), "{contact}");
        assert_eq!(headers.get("Event"), Some("refer"));
        assert_eq!(headers.get("Refer-To"), None, "no header brings another");
        assert_eq!(headers.all("Via").count(), 1);
        world.settle();
    }
}

#[test]
fn what_a_peer_takes_is_what_its_allow_says() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, theirs) = world.call(a, b, Protocol::Udp);
    for (end, dialog) in [(a, ours), (b, theirs)] {
        let takes = world.tell(end, |endpoint, _| endpoint.takes_info(dialog));
        assert_eq!(takes, Some(true));
    }
    let (mut world, node) = alone();
    let (dialog, _) = raw_call(&mut world, node);
    let takes = world.tell(node, |endpoint, _| endpoint.takes_info(dialog));
    assert_eq!(takes, None, "its INVITE had no Allow");
}
