//! Who ends a call must know both tags, come from the peer's address and count upwards.

use squelch_sip::Event;

use crate::raw::{PEER, US, alone, raw_call, request, statuses};

#[test]
fn a_bye_with_a_wrong_tag_is_answered_481() {
    let (mut world, node) = alone();
    let (_, tag) = raw_call(&mut world, node);
    assert_eq!(
        statuses(&mut world, &request("BYE", "b1", 2, "guess", "")),
        [481]
    );
    let forged = request("BYE", "b2", 2, &tag, "").replace("tag=peertag", "tag=guess");
    assert_eq!(statuses(&mut world, &forged), [481]);
    let forged = request("BYE", "b3", 2, &tag, "").replace("raw-call", "other-call");
    assert_eq!(statuses(&mut world, &forged), [481]);
    assert_eq!(
        statuses(&mut world, &request("BYE", "b4", 2, "", "")),
        [481]
    );
    assert!(world.events(node).is_empty());
    assert_eq!(world.endpoint(node).counters().refused_unknown_dialog, 4);
    // The true one still works.
    assert_eq!(
        statuses(&mut world, &request("BYE", "b5", 2, &tag, "")),
        [200]
    );
    assert!(matches!(world.event(node), Event::Bye { .. }));
}

#[test]
fn a_bye_with_the_right_tags_from_elsewhere_is_answered_481() {
    let (mut world, node) = alone();
    let (_, tag) = raw_call(&mut world, node);
    world.seen.clear();
    world.send_raw(
        "192.0.2.66:5060",
        US,
        request("BYE", "b1", 2, &tag, "").as_bytes(),
    );
    world.settle();
    assert_eq!(world.last("481 BYE").to.ip().to_string(), "192.0.2.66");
    assert!(world.events(node).is_empty());
}

#[test]
fn the_peer_may_use_another_port_or_connection() {
    let (mut world, node) = alone();
    let (dialog, tag) = raw_call(&mut world, node);
    let connection = world.connect_raw("192.0.2.9:33333", node, squelch_sip::Protocol::Tcp);
    let bye = request("BYE", "b1", 2, &tag, "").replace("/UDP", "/TCP");
    world.write_raw(node, connection, bye.as_bytes());
    world.settle();
    assert!(matches!(world.event(node), Event::Bye { dialog: ended, .. } if ended == dialog));
    assert_eq!(
        world.last("200 BYE").to.port(),
        0,
        "answered on that connection"
    );
}

#[test]
fn a_sequence_number_that_falls_is_answered_500() {
    let (mut world, node) = alone();
    let (_, tag) = raw_call(&mut world, node);
    assert_eq!(
        statuses(&mut world, &request("MESSAGE", "i1", 7, &tag, "")),
        [405]
    );
    assert_eq!(
        statuses(&mut world, &request("BYE", "b1", 6, &tag, "")),
        [500]
    );
    assert!(world.events(node).is_empty());
    assert_eq!(
        statuses(&mut world, &request("BYE", "b2", 8, &tag, "")),
        [200]
    );
}

#[test]
fn an_ack_from_elsewhere_does_not_stop_the_answer() {
    let (mut world, node) = alone();
    world.send_raw(PEER, US, request("INVITE", "first", 1, "", "").as_bytes());
    world.settle();
    let Event::Invite { dialog, .. } = world.event(node) else {
        panic!()
    };
    world.tell(node, |endpoint, now| {
        endpoint.answer(now, dialog, squelch_sip::Body::sdp("answer"));
    });
    let tag = crate::raw::to_tag(&world.last("200 INVITE").response());
    world.send_raw(
        "192.0.2.66:5060",
        US,
        request("ACK", "a", 1, &tag, "").as_bytes(),
    );
    world.settle();
    assert!(matches!(world.event(node), Event::Dropped { .. }));
    world.seen.clear();
    world.run_for(std::time::Duration::from_secs(1));
    assert!(!world.all("200 INVITE").is_empty());
}

#[test]
fn a_response_to_nothing_is_dropped() {
    let (mut world, node) = alone();
    world.send_raw(
        PEER,
        US,
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
    );
    world.settle();
    assert!(matches!(
        world.event(node),
        Event::Dropped {
            reason: squelch_sip::DropReason::StrayResponse,
            ..
        }
    ));
    assert_eq!(world.seen.len(), 1, "nothing is sent back");
}

#[test]
fn junk_is_dropped_without_a_word() {
    let (mut world, node) = alone();
    for junk in [
        &b"\r\n\r\n"[..],
        b"\0\x01\x02\xff",
        b"hello",
        b"INVITE sip:a SIP/2.0\r\n\r\n",
    ] {
        world.send_raw(PEER, US, junk);
    }
    world.settle();
    assert!(world.seen.iter().all(|seen| seen.to.to_string() != PEER));
    assert_eq!(world.events(node).len(), 3, "a keep-alive is no junk");
}
