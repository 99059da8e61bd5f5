//! TCP and TLS: messages split anyhow, keep-alives, framing that is lost.

use squelch_sip::{EndCause, Event, Protocol};

use crate::raw::{alone, request};
use crate::world::World;

#[test]
fn a_call_works_with_streams_cut_into_pieces_of_any_size() {
    for piece in [1, 2, 3, 7, 100, 1000] {
        let mut world = World::new();
        let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
        world.piece = piece;
        let (ours, _) = world.call(a, b, Protocol::Tcp);
        world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
        world.settle();
        assert!(matches!(world.event(b), Event::Bye { .. }));
        assert!(matches!(
            world.event(a),
            Event::Ended {
                cause: EndCause::ByeAnswered,
                ..
            }
        ));
        world.assert_idle();
    }
}

#[test]
fn several_messages_in_one_piece_are_served_in_order() {
    let (mut world, node) = alone();
    let connection = world.connect_raw("192.0.2.9:1111", node, Protocol::Tcp);
    let text: String = (0..3)
        .map(|n| request("REGISTER", &format!("r{n}"), n + 1, "", "").replace("/UDP", "/TCP"))
        .collect();
    world.write_raw(node, connection, text.as_bytes());
    let cseqs: Vec<_> = world
        .all("405 REGISTER")
        .iter()
        .map(|seen| seen.response().headers.get("CSeq").unwrap().to_owned())
        .collect();
    assert_eq!(cseqs, ["1 REGISTER", "2 REGISTER", "3 REGISTER"]);
}

#[test]
fn rfc5626_a_ping_gets_a_pong() {
    let (mut world, node) = alone();
    let connection = world.connect_raw("192.0.2.9:1111", node, Protocol::Tls);
    world.write_raw(node, connection, b"\r\n\r");
    assert!(world.seen.is_empty());
    world.write_raw(node, connection, b"\n");
    assert_eq!(world.seen.len(), 1);
    assert_eq!(world.seen[0].bytes.as_ref(), b"\r\n");
}

#[test]
fn a_length_that_cannot_be_trusted_gets_400_and_the_connection_closes() {
    for length in [
        "Content-Length: -1",
        "Content-Length: 0\r\nContent-Length: 5",
        "X: no length",
        "Content-Length: 99999999999999999999",
    ] {
        let (mut world, node) = alone();
        let connection = world.connect_raw("192.0.2.9:1111", node, Protocol::Tcp);
        let text = request("INVITE", "x", 1, "", "").replace("Content-Length: 0", length);
        world.write_raw(node, connection, text.as_bytes());
        assert_eq!(world.all("400 INVITE").len(), 1, "{length}");
        assert!(world.endpoint(node).is_idle(), "closed");
        assert!(matches!(
            world.events(node).as_slice(),
            [Event::Dropped { .. }]
        ));
    }
}

#[test]
fn a_message_begun_must_be_finished_in_five_seconds() {
    let (mut world, node) = alone();
    let connection = world.connect_raw("192.0.2.9:1111", node, Protocol::Tcp);
    for byte in request("OPTIONS", "x", 1, "", "").as_bytes().iter().take(5) {
        assert!(!world.endpoint(node).is_idle());
        world.write_raw(node, connection, &[*byte]);
        world.run_for(std::time::Duration::from_secs(1));
    }
    assert!(
        world.endpoint(node).is_idle(),
        "one byte a second is not enough"
    );
}

#[test]
fn a_busy_stream_with_a_tail_always_missing_stays_open() {
    let (mut world, node) = alone();
    let connection = world.connect_raw("192.0.2.9:1111", node, Protocol::Tcp);
    let text: String = (0..30)
        .map(|n| request("REGISTER", &format!("r{n}"), n + 1, "", ""))
        .collect();
    // Never at a message's end.
    let length = text.len() / 30 + 1;
    for piece in text.as_bytes().chunks(length) {
        world.write_raw(node, connection, piece);
        world.run_for(std::time::Duration::from_secs(1));
    }
    assert_eq!(world.all("405 REGISTER").len(), 30);
}
