//! UDP loses any message: the call comes about and ends all the same.

use std::time::Duration;

use squelch_sip::{Body, EndCause, Event, Failure, Protocol};

use crate::world::{Seen, World};

fn pair() -> (World, crate::world::Node, crate::world::Node) {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    (world, a, b)
}

/// Loses the first `count` messages of this name.
fn lose_first(world: &mut World, name: &'static str, mut count: usize) {
    world.lose(move |seen| {
        let lost = seen.name() == name && count > 0;
        count -= usize::from(lost);
        lost
    });
}

fn times(seen: &[Seen]) -> Vec<u128> {
    let first = seen[0].at;
    seen.iter()
        .map(|seen| (seen.at - first).as_millis())
        .collect()
}

#[test]
fn an_invite_nobody_hears_is_sent_seven_times_and_given_up_after_32_seconds() {
    let (mut world, a, b) = pair();
    world.lose(|_| true);
    let call = world.call_to(b, Protocol::Udp);
    let dialog = world.tell(a, |endpoint, now| endpoint.invite(now, call));
    world.run_for(Duration::from_millis(31_999));
    assert!(world.events(a).is_empty());
    world.run_for(Duration::from_millis(1));
    match world.event(a) {
        Event::Rejected {
            dialog: ended,
            failure,
        } => {
            assert_eq!((ended, failure), (dialog, Failure::Timeout));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        times(&world.all("INVITE")),
        [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]
    );
    world.assert_idle();
}

#[test]
fn any_one_lost_message_is_made_good() {
    for name in [
        "INVITE",
        "100 INVITE",
        "180 INVITE",
        "200 INVITE",
        "ACK",
        "BYE",
        "200 BYE",
    ] {
        let (mut world, a, b) = pair();
        lose_first(&mut world, name, 1);
        let call = world.call_to(b, Protocol::Udp);
        let ours = world.tell(a, |endpoint, now| endpoint.invite(now, call));
        world.run_for(Duration::from_secs(2));
        let Event::Invite { dialog: theirs, .. } = world.event(b) else {
            panic!("{name}")
        };
        world.tell(b, |endpoint, now| {
            endpoint.provisional(now, theirs, 180, None)
        });
        world.run_for(Duration::from_secs(2));
        world.tell(b, |endpoint, now| {
            endpoint.answer(now, theirs, Body::sdp("answer"))
        });
        world.run_for(Duration::from_secs(2));
        let answered = world
            .events(a)
            .into_iter()
            .filter(|e| matches!(e, Event::Answered { .. }));
        assert_eq!(answered.count(), 1, "{name}");
        world.tell(a, |endpoint, now| endpoint.acknowledge(now, ours, None));
        world.run_for(Duration::from_secs(4));
        assert!(
            matches!(world.event(b), Event::Acknowledged { .. }),
            "{name}"
        );
        world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
        world.run_for(Duration::from_secs(4));
        assert!(matches!(world.event(b), Event::Bye { .. }), "{name}");
        assert!(
            matches!(
                world.event(a),
                Event::Ended {
                    cause: EndCause::ByeAnswered,
                    ..
                }
            ),
            "{name}"
        );
        world.assert_idle();
    }
}

#[test]
fn the_200_is_repeated_until_its_ack_and_each_repetition_is_acknowledged() {
    let (mut world, a, b) = pair();
    lose_first(&mut world, "ACK", 3);
    let (ours, theirs) = world.invite(a, b, Protocol::Udp);
    world.tell(b, |endpoint, now| {
        endpoint.answer(now, theirs, Body::sdp("answer"))
    });
    world.settle();
    world.tell(a, |endpoint, now| endpoint.acknowledge(now, ours, None));
    world.run_for(Duration::from_secs(20));
    assert_eq!(times(&world.all("200 INVITE")), [0, 500, 1_500, 3_500]);
    let acks = world.all("ACK");
    assert_eq!(acks.len(), 4);
    assert!(
        acks.windows(2).all(|pair| pair[0].bytes == pair[1].bytes),
        "the same ACK each time"
    );
    assert!(matches!(
        world.events(b).as_slice(),
        [Event::Acknowledged { .. }]
    ));
}

#[test]
fn a_200_that_is_never_acknowledged_ends_the_call_with_bye_on_any_transport() {
    for protocol in [Protocol::Udp, Protocol::Tcp] {
        let (mut world, a, b) = pair();
        let (_, theirs) = world.invite(a, b, protocol);
        world.tell(b, |endpoint, now| {
            endpoint.answer(now, theirs, Body::sdp("answer"))
        });
        // The caller's user never acknowledges.
        world.run_for(Duration::from_secs(31));
        assert_eq!(
            times(&world.all("200 INVITE")),
            [
                0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500
            ]
        );
        assert!(world.all("BYE").is_empty());
        world.run_for(Duration::from_secs(2));
        match world.event(b) {
            Event::Ended { dialog, cause } => {
                assert_eq!((dialog, cause), (theirs, EndCause::NoAck))
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            world.events(a).as_slice(),
            [Event::Answered { .. }, Event::Bye { .. }]
        ));
        world.assert_idle();
    }
}

#[test]
fn hanging_up_waits_for_the_ack() {
    let (mut world, a, b) = pair();
    let (ours, theirs) = world.invite(a, b, Protocol::Udp);
    world.tell(b, |endpoint, now| {
        endpoint.answer(now, theirs, Body::sdp("answer"))
    });
    world.tell(b, |endpoint, now| endpoint.bye(now, theirs, None));
    world.settle();
    assert!(
        world.all("BYE").is_empty(),
        "RFC 3261 section 15: no BYE of the callee before the ACK"
    );
    world.tell(a, |endpoint, now| endpoint.acknowledge(now, ours, None));
    world.settle();
    assert_eq!(world.all("BYE").len(), 1);
    assert!(matches!(
        world.events(a).as_slice(),
        [Event::Answered { .. }, Event::Bye { .. }]
    ));
    world.assert_idle();
}

#[test]
fn a_refusal_is_repeated_until_its_ack() {
    let (mut world, a, b) = pair();
    lose_first(&mut world, "ACK", 2);
    let (ours, theirs) = world.invite(a, b, Protocol::Udp);
    let rejection = squelch_sip::Rejection {
        retry_after: Some(7),
        warning: Some(squelch_sip::Warning {
            code: 305,
            text: "no \"format\"".into(),
        }),
        ..squelch_sip::Rejection::status(488)
    };
    world.tell(b, |endpoint, now| endpoint.reject(now, theirs, rejection));
    world.run_for(Duration::from_secs(10));
    assert_eq!(times(&world.all("488 INVITE")), [0, 500, 1_500]);
    assert_eq!(world.all("ACK").len(), 3);
    let Event::Rejected { dialog, failure } = world.event(a) else {
        panic!()
    };
    assert_eq!(dialog, ours);
    assert_eq!(
        failure,
        Failure::Status {
            status: 488,
            reason_phrase: "Not Acceptable Here".into(),
            retry_after: Some(7),
            warning: Some(squelch_sip::Warning {
                code: 305,
                text: "no \"format\"".into()
            }),
        }
    );
    let (invite, ack) = (world.last("INVITE").request(), world.last("ACK").request());
    assert_eq!(ack.uri, invite.uri);
    assert_eq!(
        ack.headers.get("Via"),
        invite.headers.get("Via"),
        "the same branch"
    );
    assert_eq!(
        ack.headers.get("To"),
        world.last("488 INVITE").response().headers.get("To")
    );
    world.assert_idle();
}

#[test]
fn a_bye_nobody_answers_ends_the_call_after_32_seconds() {
    let (mut world, a, b) = pair();
    let (ours, _) = world.call(a, b, Protocol::Udp);
    world.lose(|_| true);
    world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
    world.run_for(Duration::from_secs(33));
    assert!(matches!(
        world.event(a),
        Event::Ended {
            cause: EndCause::ByeTimeout,
            ..
        }
    ));
    assert_eq!(
        times(&world.all("BYE")),
        [
            0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
}

#[test]
fn a_repeated_invite_is_answered_by_the_last_response_and_never_seen_twice() {
    let (mut world, a, b) = pair();
    let (_, theirs) = world.invite(a, b, Protocol::Udp);
    world.tell(b, |endpoint, now| {
        endpoint.provisional(now, theirs, 180, None)
    });
    let invite = world.last("INVITE");
    world.send_raw("192.0.2.1:5060", "192.0.2.2:5060", &invite.bytes);
    world.settle();
    assert_eq!(world.all("180 INVITE").len(), 2);
    assert!(world.events(b).is_empty());
}

#[test]
fn half_of_all_messages_lost_is_survived() {
    let (mut world, a, b) = pair();
    // Every other message, whatever it is.
    let mut odd = false;
    world.lose(move |_| {
        odd = !odd;
        odd
    });
    for _ in 0..20 {
        let call = world.call_to(b, Protocol::Udp);
        let ours = world.tell(a, |endpoint, now| endpoint.invite(now, call));
        world.run_for(Duration::from_secs(20));
        let theirs = world.events(b).into_iter().find_map(|event| match event {
            Event::Invite { dialog, .. } => Some(dialog),
            _ => None,
        });
        let theirs = theirs.expect("the call arrived");
        world.tell(b, |endpoint, now| {
            endpoint.answer(now, theirs, Body::sdp("answer"))
        });
        world.run_for(Duration::from_secs(10));
        world.tell(a, |endpoint, now| endpoint.acknowledge(now, ours, None));
        world.run_for(Duration::from_secs(20));
        world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
        world.run_for(Duration::from_secs(33));
        assert!(
            world
                .events(a)
                .iter()
                .any(|event| matches!(event, Event::Ended { .. }))
        );
        assert!(
            world
                .events(b)
                .iter()
                .any(|event| matches!(event, Event::Bye { .. }))
        );
    }
    world.assert_idle();
}
