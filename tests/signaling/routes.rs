//! Record-Route and Contact: loose and strict routing, and no way to be led astray.

use squelch_sip::Event;

use crate::cancel::raw_target;
use crate::raw::{PEER, US, alone, request, response, to_tag};

#[test]
fn a_callee_uses_the_recorded_route_in_order() {
    let (mut world, node) = alone();
    let more = "Record-Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\nRecord-Route: <sip:p3.example;lr>\r\n";
    world.send_raw(PEER, US, request("INVITE", "i", 1, "", more).as_bytes());
    world.settle();
    let Event::Invite { dialog, .. } = world.event(node) else {
        panic!()
    };
    world.tell(node, |endpoint, now| {
        endpoint.answer(now, dialog, squelch_sip::Body::sdp("answer"));
    });
    let ok = world.last("200 INVITE").response();
    assert_eq!(
        ok.headers.all("Record-Route").count(),
        2,
        "copied into the response"
    );
    world.send_raw(
        PEER,
        US,
        request("ACK", "a", 1, &to_tag(&ok), "").as_bytes(),
    );
    world.settle();
    world.tell(node, |endpoint, now| endpoint.bye(now, dialog, None));
    let seen = world.last("BYE");
    let bye = seen.request();
    assert_eq!(bye.uri.to_string(), "sip:peer@192.0.2.9:5060");
    let routes: Vec<_> = bye.headers.all("Route").collect();
    assert_eq!(
        routes,
        [
            "<sip:p1.example;lr>",
            "<sip:p2.example;lr>",
            "<sip:p3.example;lr>"
        ]
    );
    assert_eq!(
        seen.to.to_string(),
        PEER,
        "to the neighbour, whatever names it gives"
    );
}

#[test]
fn a_caller_uses_it_in_reverse_and_obeys_a_strict_router() {
    let (mut world, node) = alone();
    let call = raw_target(&world);
    let ours = world.tell(node, |endpoint, now| endpoint.invite(now, call));
    let invite = world.last("INVITE").request();
    let more = "Contact: <sip:peer@198.51.100.1>\r\nRecord-Route: <sip:far.example;lr>, <sip:near@192.0.2.9:5077>\r\n";
    world.send_raw(PEER, US, response(&invite, 200, "x", more).as_bytes());
    world.settle();
    world.tell(node, |endpoint, now| endpoint.acknowledge(now, ours, None));
    let seen = world.last("ACK");
    let ack = seen.request();
    assert_eq!(
        ack.uri.to_string(),
        "sip:near@192.0.2.9:5077",
        "RFC 3261 section 12.2.1.1"
    );
    let routes: Vec<_> = ack.headers.all("Route").collect();
    assert_eq!(routes, ["<sip:far.example;lr>", "<sip:peer@198.51.100.1>"]);
    assert_eq!(seen.to.to_string(), "192.0.2.9:5077");
}

#[test]
fn a_contact_elsewhere_leads_no_request_there() {
    for contact in [
        "<sip:x@127.0.0.1:9090>",
        "<sip:x@169.254.169.254>",
        "<sip:x@[::1]:22>",
        "<sip:x@victim.example>",
    ] {
        let (mut world, node) = alone();
        let call = raw_target(&world);
        let ours = world.tell(node, |endpoint, now| endpoint.invite(now, call));
        let invite = world.last("INVITE").request();
        let more = format!("Contact: {contact}\r\n");
        world.send_raw(PEER, US, response(&invite, 200, "x", &more).as_bytes());
        world.settle();
        world.tell(node, |endpoint, now| endpoint.acknowledge(now, ours, None));
        world.tell(node, |endpoint, now| endpoint.bye(now, ours, None));
        for name in ["ACK", "BYE"] {
            assert_eq!(world.last(name).to.to_string(), PEER, "{contact}");
        }
    }
}

#[test]
fn a_redirection_is_a_failure_and_is_not_followed() {
    let (mut world, node) = alone();
    let call = raw_target(&world);
    world.tell(node, |endpoint, now| endpoint.invite(now, call));
    let invite = world.last("INVITE").request();
    let text = response(&invite, 302, "x", "Contact: <sip:other@198.51.100.1>\r\n");
    world.send_raw(PEER, US, text.as_bytes());
    world.settle();
    assert!(matches!(
        world.event(node),
        Event::Rejected {
            failure: squelch_sip::Failure::Status { status: 302, .. },
            ..
        }
    ));
    assert_eq!(world.all("INVITE").len(), 1);
    world.assert_idle();
}
