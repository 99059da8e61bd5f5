//! A proxy forks our INVITE: one answer is the call, every other is acknowledged and hung up.

use squelch_sip::Event;

use crate::cancel::raw_target;
use crate::raw::{PEER, US, alone, response};

#[test]
fn the_second_answer_is_acknowledged_and_hung_up() {
    let (mut world, node) = alone();
    let call = raw_target(&world);
    let ours = world.tell(node, |endpoint, now| endpoint.invite(now, call));
    let invite = world.last("INVITE").request();
    let contact = |n: u8| format!("Contact: <sip:fork{n}@192.0.2.9:507{n}>\r\n");
    let first = response(&invite, 200, "one", &contact(1));
    let second = response(&invite, 200, "two", &contact(2));

    world.send_raw(PEER, US, first.as_bytes());
    world.settle();
    assert!(matches!(world.event(node), Event::Answered { .. }));
    world.tell(node, |endpoint, now| endpoint.acknowledge(now, ours, None));
    world.seen.clear();

    world.send_raw(PEER, US, second.as_bytes());
    world.settle();
    assert!(
        world.events(node).is_empty(),
        "the user hears nothing of it"
    );
    let (ack, bye) = (world.last("ACK"), world.last("BYE"));
    for seen in [&ack, &bye] {
        assert_eq!(seen.request().uri.to_string(), "sip:fork2@192.0.2.9:5072");
        assert!(
            seen.request()
                .headers
                .get("To")
                .unwrap()
                .ends_with(";tag=two")
        );
        assert_eq!(seen.to.port(), 5072);
    }
    // Either one repeated gets its own ACK again.
    for (text, tag) in [(&first, "one"), (&second, "two")] {
        world.seen.clear();
        world.send_raw(PEER, US, text.as_bytes());
        world.settle();
        let ack = world.last("ACK").request();
        assert!(
            ack.headers
                .get("To")
                .unwrap()
                .ends_with(&format!(";tag={tag}"))
        );
        assert!(
            world.all("BYE").iter().all(|bye| !bye
                .request()
                .headers
                .get("To")
                .unwrap()
                .ends_with("one"))
        );
    }
    // And the first call still lives.
    world.tell(node, |endpoint, now| endpoint.bye(now, ours, None));
    let bye = world.last("BYE").request();
    assert_eq!(bye.uri.to_string(), "sip:fork1@192.0.2.9:5071");
    world.send_raw(
        PEER,
        US,
        response(&bye, 200, "", "")
            .replace(";tag=\r", "\r")
            .as_bytes(),
    );
    world.settle();
    assert!(matches!(world.event(node), Event::Ended { .. }));
    world.assert_idle();
}

#[test]
fn a_late_fork_after_the_call_is_over_is_hung_up_too() {
    let (mut world, node) = alone();
    let call = raw_target(&world);
    let ours = world.tell(node, |endpoint, now| endpoint.invite(now, call));
    let invite = world.last("INVITE").request();
    let contact = "Contact: <sip:peer@192.0.2.9:5060>\r\n";
    world.send_raw(PEER, US, response(&invite, 200, "one", contact).as_bytes());
    world.settle();
    world.tell(node, |endpoint, now| endpoint.bye(now, ours, None));
    world.seen.clear();
    world.send_raw(PEER, US, response(&invite, 200, "two", contact).as_bytes());
    world.settle();
    assert_eq!(world.all("ACK").len(), 1);
    assert!(
        world.all("BYE").iter().any(|bye| bye
            .request()
            .headers
            .get("To")
            .unwrap()
            .ends_with("two"))
    );
    world.assert_idle();
}

#[test]
fn a_flood_of_forks_makes_bounded_state() {
    let (mut world, node) = alone();
    let call = raw_target(&world);
    world.tell(node, |endpoint, now| endpoint.invite(now, call));
    let invite = world.last("INVITE").request();
    world.seen.clear();
    for n in 0..100 {
        world.send_raw(
            PEER,
            US,
            response(&invite, 200, &format!("t{n}"), "").as_bytes(),
        );
    }
    world.settle();
    assert!(world.all("BYE").len() < 10);
}
