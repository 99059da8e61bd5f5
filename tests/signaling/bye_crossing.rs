//! Both sides hang up at once, or one hangs up into silence.

use squelch_sip::{EndCause, Event, Protocol};

use crate::world::World;

#[test]
fn two_byes_that_cross_end_the_call_on_both_sides() {
    for protocol in [Protocol::Udp, Protocol::Tls] {
        let mut world = World::new();
        let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
        let (ours, theirs) = world.call(a, b, protocol);
        world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
        world.tell(b, |endpoint, now| endpoint.bye(now, theirs, None));
        world.settle();
        for (node, dialog) in [(a, ours), (b, theirs)] {
            match world.event(node) {
                Event::Ended {
                    dialog: ended,
                    cause,
                } => {
                    assert_eq!((ended, cause), (dialog, EndCause::ByeCrossed));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(world.all("200 BYE").len(), 2);
        world.assert_idle();
    }
}

#[test]
fn a_bye_before_the_ack_ends_the_call_and_its_repetitions() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    world.lose(|seen| seen.name() == "ACK");
    let (ours, theirs) = world.invite(a, b, Protocol::Udp);
    world.tell(b, |endpoint, now| {
        endpoint.answer(now, theirs, squelch_sip::Body::sdp("answer"));
    });
    world.settle();
    world.tell(a, |endpoint, now| endpoint.acknowledge(now, ours, None));
    world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
    world.settle();
    assert!(matches!(world.event(b), Event::Bye { .. }));
    world.seen.clear();
    world.run_out();
    assert!(world.all("200 INVITE").is_empty());
    world.assert_idle();
}

#[test]
fn commands_for_a_call_that_is_over_do_nothing() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, theirs) = world.call(a, b, Protocol::Udp);
    world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
    world.settle();
    world.events(a);
    world.events(b);
    world.seen.clear();
    for dialog in [ours, theirs] {
        for node in [a, b] {
            world.tell(node, |endpoint, now| {
                endpoint.bye(now, dialog, None);
                endpoint.cancel(now, dialog, None);
                endpoint.acknowledge(now, dialog, None);
                endpoint.provisional(now, dialog, 180, None);
                endpoint.answer(now, dialog, squelch_sip::Body::sdp(""));
                endpoint.reject(now, dialog, squelch_sip::Rejection::status(486));
            });
        }
    }
    world.settle();
    assert!(world.names().is_empty());
    assert!(world.events(a).is_empty() && world.events(b).is_empty());
}
