//! INVITE, 100, 180, 200, ACK, BYE, 200 over every transport.

use squelch_sip::message::Method;
use squelch_sip::{Body, EndCause, Event, Protocol, Reason};

use crate::world::World;

#[test]
fn a_call_is_set_up_and_hung_up_by_the_caller() {
    for protocol in [Protocol::Udp, Protocol::Tcp, Protocol::Tls] {
        let mut world = World::new();
        let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
        let call = world.call_to(b, protocol);
        let ours = world.tell(a, |endpoint, now| endpoint.invite(now, call));
        world.settle();

        let Event::Invite {
            dialog: theirs,
            invite,
        } = world.event(b)
        else {
            panic!()
        };
        assert_eq!(invite.request_uri.user(), Some("bob"));
        assert_eq!(invite.from.display.as_deref(), Some("Alice"));
        assert_eq!(invite.headers.get("x-test"), Some("1"));
        assert_eq!(invite.max_forwards, 70);
        assert_eq!(invite.body, Some(Body::sdp("offer")));
        assert_eq!(invite.source.protocol, protocol);

        world.tell(b, |endpoint, now| {
            endpoint.provisional(now, theirs, 180, None)
        });
        world.settle();
        assert!(matches!(
            world.event(a),
            Event::Provisional {
                status: 180,
                body: None,
                ..
            }
        ));

        world.tell(b, |endpoint, now| {
            endpoint.answer(now, theirs, Body::sdp("answer"))
        });
        world.settle();
        let Event::Answered { body, .. } = world.event(a) else {
            panic!()
        };
        assert_eq!(body, Some(Body::sdp("answer")));

        world.tell(a, |endpoint, now| endpoint.acknowledge(now, ours, None));
        world.settle();
        assert!(matches!(
            world.event(b),
            Event::Acknowledged { body: None, .. }
        ));

        let reason = Reason {
            protocol: "Q.850".into(),
            cause: 16,
            text: Some("bye \"bye\"".into()),
        };
        world.tell(a, |endpoint, now| {
            endpoint.bye(now, ours, Some(reason.clone()))
        });
        world.settle();
        match world.event(b) {
            Event::Bye {
                dialog,
                reason: heard,
            } => assert_eq!((dialog, heard), (theirs, Some(reason))),
            other => panic!("{other:?}"),
        }
        match world.event(a) {
            Event::Ended { dialog, cause } => {
                assert_eq!((dialog, cause), (ours, EndCause::ByeAnswered))
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(
            world.names(),
            [
                "INVITE",
                "100 INVITE",
                "180 INVITE",
                "200 INVITE",
                "ACK",
                "BYE",
                "200 BYE"
            ],
            "{protocol}"
        );
        world.assert_idle();
    }
}

#[test]
fn the_callee_may_hang_up_too() {
    for protocol in [Protocol::Udp, Protocol::Tcp, Protocol::Tls] {
        let mut world = World::new();
        let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
        let (ours, theirs) = world.call(a, b, protocol);
        world.tell(b, |endpoint, now| endpoint.bye(now, theirs, None));
        world.settle();
        assert!(matches!(world.event(a), Event::Bye { dialog, reason: None } if dialog == ours));
        assert!(matches!(
            world.event(b),
            Event::Ended {
                cause: EndCause::ByeAnswered,
                ..
            }
        ));
        world.assert_idle();
    }
}

#[test]
fn what_identifies_the_dialog_is_right_on_every_message() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, _) = world.call(a, b, Protocol::Tls);
    world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
    world.settle();

    let (invite, ok) = (
        world.last("INVITE").request(),
        world.last("200 INVITE").response(),
    );
    let (ack, bye) = (world.last("ACK").request(), world.last("BYE").request());
    let contact = invite.headers.get("Contact").unwrap();
    assert_eq!(contact, "<sip:alice@192.0.2.1:5061;transport=tls>");
    assert_eq!(
        ok.headers.get("Contact"),
        Some("<sip:bob@192.0.2.2:5061;transport=tls>")
    );
    let via = invite.headers.get("Via").unwrap();
    assert!(
        via.starts_with("SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK"),
        "{via}"
    );
    for request in [&ack, &bye] {
        assert_eq!(
            request.uri.to_string(),
            "sip:bob@192.0.2.2:5061;transport=tls"
        );
        for name in ["Call-ID", "From"] {
            assert_eq!(request.headers.get(name), invite.headers.get(name));
        }
        assert_eq!(request.headers.get("To"), ok.headers.get("To"));
        assert_ne!(request.headers.get("Via"), invite.headers.get("Via"));
    }
    let number = |request: &squelch_sip::message::Request| {
        let cseq = request.headers.get("CSeq").unwrap();
        cseq.split(' ').next().unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(number(&ack), number(&invite));
    assert_eq!(number(&bye), number(&invite) + 1);
    assert_eq!(bye.method, Method::BYE);
    // 128 bits of tag.
    let tag = invite
        .headers
        .get("From")
        .unwrap()
        .split("tag=")
        .nth(1)
        .unwrap();
    assert_eq!(tag.len(), 32);
}

#[test]
fn all_calls_to_one_place_share_a_connection() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (first, _) = world.call(a, b, Protocol::Tls);
    let (second, theirs) = world.call(a, b, Protocol::Tls);
    let ends: std::collections::BTreeSet<_> = world.all("INVITE").iter().map(|s| s.from).collect();
    assert_eq!(ends.len(), 1);
    // And the callee's own requests come back on it.
    world.tell(b, |endpoint, now| endpoint.bye(now, theirs, None));
    world.tell(a, |endpoint, now| endpoint.bye(now, first, None));
    world.settle();
    assert!(
        world
            .all("BYE")
            .iter()
            .any(|bye| Some(&bye.to) == ends.first())
    );
    assert!(
        matches!(world.events(a).as_slice(), [Event::Bye { dialog, .. }, Event::Ended { .. }] if *dialog == second)
    );
    world.assert_idle();
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let trace = || {
        let mut world = World::new();
        let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
        let (ours, _) = world.call(a, b, Protocol::Udp);
        world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
        world.settle();
        let seen = std::mem::take(&mut world.seen);
        seen.into_iter()
            .map(|seen| (seen.at, seen.bytes))
            .collect::<Vec<_>>()
    };
    assert_eq!(trace(), trace());
}
