//! Reliable provisional responses (RFC 3262).

use std::time::Duration;

use squelch_sip::{Body, EndCause, Event, Protocol};

use crate::raw::{PEER, US, alone, ask, request, response, statuses};
use crate::world::{Node, World};

/// A ringing call whose caller says `more` of extensions: the endpoint's dialog.
fn ringing(world: &mut World, node: Node, more: &str) -> squelch_sip::DialogId {
    world.send_raw(PEER, US, request("INVITE", "first", 1, "", more).as_bytes());
    world.settle();
    let Event::Invite { dialog, .. } = world.event(node) else {
        panic!()
    };
    world.seen.clear();
    dialog
}

fn prack(world: &World, cseq: u32, rseq: u32) -> String {
    let tag = crate::raw::to_tag(&world.last("183 INVITE").response());
    let more = format!("RAck: {rseq} 1 INVITE\r\n");
    request("PRACK", &format!("p{cseq}"), cseq, &tag, &more)
}

fn rseq(world: &World) -> u32 {
    let response = world.last("183 INVITE").response();
    response.headers.get("RSeq").unwrap().parse().unwrap()
}

#[test]
fn early_media_are_repeated_until_the_prack_and_the_answer_waits_for_it() {
    let (mut world, node) = alone();
    let dialog = ringing(&mut world, node, "Supported: timer, 100rel\r\n");
    world.tell(node, |endpoint, now| {
        endpoint.provisional(now, dialog, 183, Some(Body::sdp("early")));
        endpoint.answer(now, dialog, Body::sdp("answer"));
    });
    world.run_for(Duration::from_secs(8));
    assert_eq!(
        world.all("183 INVITE").len(),
        5,
        "after 0, 0.5, 1.5, 3.5, 7.5 s"
    );
    assert!(world.all("200 INVITE").is_empty());
    let first = world.last("183 INVITE").response();
    assert_eq!(first.headers.get("Require"), Some("100rel"));
    assert!(first.headers.get("Contact").is_some());
    let wrong = prack(&world, 2, rseq(&world) + 1);
    assert_eq!(statuses(&mut world, &wrong), [481]);
    let right = {
        world.run_for(Duration::from_secs(9));
        prack(&world, 3, rseq(&world))
    };
    let names: Vec<String> = ask(&mut world, &right).iter().map(|s| s.name()).collect();
    assert_eq!(names, ["200 PRACK", "200 INVITE"]);
    world.run_for(Duration::from_secs(20));
    assert!(world.all("183 INVITE").is_empty());
}

#[test]
fn without_a_description_the_answer_does_not_wait() {
    let (mut world, node) = alone();
    let dialog = ringing(&mut world, node, "Require: 100rel\r\n");
    world.tell(node, |endpoint, now| {
        endpoint.provisional(now, dialog, 183, None);
        endpoint.answer(now, dialog, Body::sdp("answer"));
    });
    assert_eq!(world.all("200 INVITE").len(), 1);
    // Its PRACK comes late and is still right.
    let late = prack(&world, 2, rseq(&world));
    assert_eq!(statuses(&mut world, &late), [200]);
    world.run_for(Duration::from_secs(5));
    assert!(world.all("183 INVITE").is_empty());
}

#[test]
fn one_at_a_time_and_each_number_one_higher() {
    let (mut world, node) = alone();
    let dialog = ringing(&mut world, node, "Require: 100rel\r\n");
    world.tell(node, |endpoint, now| {
        endpoint.provisional(now, dialog, 183, None);
        endpoint.provisional(now, dialog, 183, Some(Body::sdp("early")));
    });
    assert_eq!(world.all("183 INVITE").len(), 1);
    let first = rseq(&world);
    let text = prack(&world, 2, first);
    ask(&mut world, &text);
    assert_eq!(rseq(&world), first + 1);
    assert_eq!(&world.last("183 INVITE").response().body[..], b"early");
}

#[test]
fn a_caller_that_does_not_ask_gets_them_once_without_number() {
    let (mut world, node) = alone();
    let dialog = ringing(&mut world, node, "");
    world.tell(node, |endpoint, now| {
        endpoint.provisional(now, dialog, 183, Some(Body::sdp("early")));
    });
    world.run_for(Duration::from_secs(8));
    assert_eq!(world.all("183 INVITE").len(), 1);
    let response = world.last("183 INVITE").response();
    assert_eq!(response.headers.get("RSeq"), None);
    assert_eq!(response.headers.get("Require"), None);
}

#[test]
fn without_any_prack_the_call_is_refused() {
    let (mut world, node) = alone();
    let dialog = ringing(&mut world, node, "Require: 100rel\r\n");
    world.tell(node, |endpoint, now| {
        endpoint.provisional(now, dialog, 183, None)
    });
    world.run_for(Duration::from_secs(33));
    assert_eq!(world.last("504 INVITE").response().status, 504);
    assert!(matches!(
        world.event(node),
        Event::Ended { dialog: gone, cause: EndCause::NoPrack } if gone == dialog
    ));
    world.assert_idle();
}

#[test]
fn as_caller_each_is_acknowledged_once_along_its_route() {
    let mut world = World::new();
    let a = world.add("192.0.2.1");
    let invite = crate::cancel::raw_target(&world);
    world.tell(a, |endpoint, now| endpoint.invite(now, invite));
    world.settle();
    let invite = world.last("INVITE").request();
    assert_eq!(invite.headers.get("Supported"), Some("100rel"));
    let progress = |tag: &str, rseq: u32| {
        response(
            &invite,
            183,
            tag,
            &format!("Require: 100rel\r\nRSeq: {rseq}\r\nContact: <sip:{tag}@192.0.2.9:5070>\r\n"),
        )
    };
    let hears = |world: &mut World, text: &str| {
        world.seen.clear();
        world.send_raw(PEER, US, text.as_bytes());
        world.settle();
        let pracks: Vec<String> = world
            .all("PRACK")
            .iter()
            .map(|seen| {
                let prack = seen.request();
                // Answered, so that it is not repeated.
                let ok = response(&prack, 200, "x", "").replacen(";tag=x", "", 1);
                world.send_raw(PEER, US, ok.as_bytes());
                format!("{} {}", prack.uri, prack.headers.get("RAck").unwrap())
            })
            .collect();
        (world.events(a).len(), pracks)
    };
    let cseq = invite.headers.get("CSeq").unwrap();
    let prack = |tag: &str, rseq: u32| vec![format!("sip:{tag}@192.0.2.9:5070 {rseq} {cseq}")];
    let none: Vec<String> = Vec::new();
    assert_eq!(hears(&mut world, &progress("t1", 7)), (1, prack("t1", 7)));
    assert_eq!(
        hears(&mut world, &progress("t1", 7)),
        (0, none.clone()),
        "again"
    );
    assert_eq!(
        hears(&mut world, &progress("t1", 9)),
        (0, none),
        "8 is missing"
    );
    assert_eq!(hears(&mut world, &progress("t1", 8)), (1, prack("t1", 8)));
    assert_eq!(
        hears(&mut world, &progress("t2", 3)),
        (1, prack("t2", 3)),
        "a fork"
    );
}

#[test]
fn two_endpoints_agree_over_a_network_that_loses() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, theirs) = world.invite(a, b, Protocol::Udp);
    let mut lost = std::collections::BTreeSet::new();
    world.lose(move |seen| lost.insert(seen.name()));
    world.tell(b, |endpoint, now| {
        endpoint.provisional(now, theirs, 183, Some(Body::sdp("early")));
        endpoint.answer(now, theirs, Body::sdp("answer"));
    });
    world.run_for(Duration::from_secs(6));
    let events = world.events(a);
    assert!(matches!(
        events[..],
        [
            Event::Provisional { status: 183, .. },
            Event::Answered { .. }
        ]
    ));
    world.tell(a, |endpoint, now| endpoint.acknowledge(now, ours, None));
    world.run_for(Duration::from_secs(6));
    assert!(matches!(world.event(b), Event::Acknowledged { .. }));
    world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
    world.assert_idle();
}
