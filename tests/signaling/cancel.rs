//! CANCEL: before ringing, while ringing, across the answer, without effect.

use std::time::Duration;

use squelch_sip::{Body, EndCause, Event, Failure, Protocol, Reason};

use crate::raw::{PEER, US, alone, request, response};
use crate::world::{Node, World};

fn pair() -> (World, Node, Node) {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    (world, a, b)
}

fn status_of(event: Event) -> u16 {
    match event {
        Event::Rejected {
            failure: Failure::Status { status, .. },
            ..
        } => status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ringing_call_is_given_up() {
    for protocol in [Protocol::Udp, Protocol::Tls] {
        let (mut world, a, b) = pair();
        let (ours, theirs) = world.invite(a, b, protocol);
        let reason = Reason {
            protocol: "SIP".into(),
            cause: 487,
            text: None,
        };
        world.tell(a, |endpoint, now| {
            endpoint.cancel(now, ours, Some(reason.clone()))
        });
        world.settle();
        match world.event(b) {
            Event::Cancelled {
                dialog,
                reason: heard,
            } => {
                assert_eq!((dialog, heard), (theirs, Some(reason)));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(status_of(world.event(a)), 487);

        let (invite, cancel) = (
            world.last("INVITE").request(),
            world.last("CANCEL").request(),
        );
        assert_eq!(cancel.uri, invite.uri);
        for name in ["Via", "To", "From", "Call-ID"] {
            assert_eq!(cancel.headers.get(name), invite.headers.get(name), "{name}");
        }
        assert_eq!(cancel.headers.all("Via").count(), 1);
        let ok = world.last("200 CANCEL").response();
        let gone = world.last("487 INVITE").response();
        assert_eq!(
            ok.headers.get("To"),
            gone.headers.get("To"),
            "RFC 3261 section 9.2"
        );
        assert_eq!(world.all("ACK").len(), 1);
        world.assert_idle();
    }
}

#[test]
fn a_cancel_waits_for_the_first_provisional_response() {
    let (mut world, a, b) = pair();
    world.lose(|seen| seen.name() == "100 INVITE");
    let call = world.call_to(b, Protocol::Udp);
    let ours = world.tell(a, |endpoint, now| endpoint.invite(now, call));
    world.tell(a, |endpoint, now| endpoint.cancel(now, ours, None));
    world.settle();
    assert!(world.all("CANCEL").is_empty(), "RFC 3261 section 9.1");
    world.lose(|_| false);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.all("CANCEL").len(), 1);
    assert_eq!(status_of(world.event(a)), 487);
    world.assert_idle();
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    for protocol in [Protocol::Udp, Protocol::Tcp] {
        let (mut world, a, b) = pair();
        let (ours, theirs) = world.invite(a, b, protocol);
        // Both at the same moment.
        world.tell(a, |endpoint, now| endpoint.cancel(now, ours, None));
        world.tell(b, |endpoint, now| {
            endpoint.answer(now, theirs, Body::sdp("answer"))
        });
        world.settle();
        match world.event(a) {
            Event::Ended { dialog, cause } => {
                assert_eq!((dialog, cause), (ours, EndCause::CancelCrossed));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            world.events(b).as_slice(),
            [Event::Acknowledged { .. }, Event::Bye { .. }]
        ));
        assert_eq!(
            world.all("200 CANCEL").len(),
            1,
            "the CANCEL is answered, it has no effect"
        );
        world.assert_idle();
    }
}

#[test]
fn an_answer_before_the_cancel_could_go_out_is_hung_up_too() {
    let (mut world, node) = alone();
    let call = raw_target(&world);
    let ours = world.tell(node, |endpoint, now| endpoint.invite(now, call));
    world.tell(node, |endpoint, now| endpoint.cancel(now, ours, None));
    world.settle();
    let invite = world.last("INVITE").request();
    let contact = "Contact: <sip:peer@192.0.2.9:5060>\r\n";
    world.send_raw(PEER, US, response(&invite, 200, "x", contact).as_bytes());
    world.settle();
    assert!(matches!(
        world.event(node),
        Event::Ended {
            cause: EndCause::CancelCrossed,
            ..
        }
    ));
    assert!(world.all("CANCEL").is_empty());
    assert_eq!((world.all("ACK").len(), world.all("BYE").len()), (1, 1));
    world.assert_idle();
}

#[test]
fn a_cancel_without_effect_frees_the_call_after_32_seconds() {
    let (mut world, node) = alone();
    let call = raw_target(&world);
    let ours = world.tell(node, |endpoint, now| endpoint.invite(now, call));
    world.settle();
    let invite = world.last("INVITE").request();
    world.send_raw(PEER, US, response(&invite, 180, "x", "").as_bytes());
    world.settle();
    world.tell(node, |endpoint, now| endpoint.cancel(now, ours, None));
    world.settle();
    let cancel = world.last("CANCEL").request();
    world.send_raw(PEER, US, response(&cancel, 200, "x", "").as_bytes());
    world.run_for(Duration::from_secs(31));
    assert!(matches!(world.event(node), Event::Provisional { .. }));
    world.run_for(Duration::from_secs(2));
    assert!(matches!(
        world.event(node),
        Event::Rejected {
            failure: Failure::Timeout,
            ..
        }
    ));
    world.assert_idle();
}

#[test]
fn a_cancel_for_nothing_is_answered_481_and_one_too_late_has_no_effect() {
    let (mut world, node) = alone();
    assert_eq!(
        crate::raw::statuses(&mut world, &request("CANCEL", "none", 1, "", "")),
        [481]
    );
    let (_, _) = crate::raw::raw_call(&mut world, node);
    assert_eq!(
        crate::raw::statuses(&mut world, &request("CANCEL", "first", 1, "", "")),
        [200]
    );
    assert!(world.events(node).is_empty());
}

#[test]
fn somebody_elses_cancel_ends_nothing() {
    let (mut world, node) = alone();
    world.send_raw(PEER, US, request("INVITE", "first", 1, "", "").as_bytes());
    world.settle();
    world.events(node);
    world.send_raw(
        "192.0.2.66:5060",
        US,
        request("CANCEL", "first", 1, "", "").as_bytes(),
    );
    world.settle();
    assert_eq!(world.all("481 CANCEL").len(), 1);
    assert!(world.events(node).is_empty());
}

#[test]
fn a_bye_before_the_answer_does_what_cancel_does() {
    let (mut world, node) = alone();
    world.send_raw(PEER, US, request("INVITE", "first", 1, "", "").as_bytes());
    world.settle();
    let Event::Invite { dialog, .. } = world.event(node) else {
        panic!()
    };
    world.tell(node, |endpoint, now| {
        endpoint.provisional(now, dialog, 180, None)
    });
    let tag = crate::raw::to_tag(&world.last("180 INVITE").response());
    let statuses = crate::raw::statuses(&mut world, &request("BYE", "bye", 2, &tag, ""));
    assert_eq!(statuses, [200, 487]);
    assert!(matches!(world.event(node), Event::Cancelled { .. }));
}

/// A call from the lone endpoint to the raw peer.
pub(crate) fn raw_target(world: &World) -> squelch_sip::OutgoingInvite {
    let mut call = world.call_to(Node(0), Protocol::Udp);
    call.request_uri = "sip:peer@192.0.2.9".parse().unwrap();
    call.target.addr = PEER.parse().unwrap();
    call
}
