//! RFC 5626: pings on our own connections, and what a missing pong means.

use std::time::Duration;

use squelch_sip::{Event, Protocol};

use crate::world::{World, addr};

const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";

fn times_of(world: &World, bytes: &[u8]) -> Vec<Duration> {
    let is_it = |seen: &&crate::world::Seen| seen.bytes.as_ref() == bytes;
    world
        .seen
        .iter()
        .filter(is_it)
        .map(|seen| seen.at)
        .collect()
}

#[test]
fn rfc5626_4_4_1_a_call_s_connection_is_pinged_each_95_to_120_s() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    world.call(a, b, Protocol::Tls);
    world.run_for(Duration::from_secs(1_000));
    let pings = times_of(&world, PING);
    assert!((8..=10).contains(&pings.len()), "{pings:?}");
    for pair in pings.windows(2) {
        let apart = pair[1] - pair[0];
        let range = Duration::from_secs(95)..=Duration::from_secs(120);
        assert!(range.contains(&apart), "{apart:?}");
    }
    assert_eq!(
        times_of(&world, PONG).len(),
        pings.len(),
        "each is answered"
    );
}

#[test]
fn a_peer_that_stops_answering_pings_is_left() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, _) = world.call(a, b, Protocol::Tls);
    world.run_for(Duration::from_secs(130));
    assert_eq!(times_of(&world, PONG).len(), 1);
    world.silence(b);
    world.run_for(Duration::from_secs(135));
    // The next request goes over a connection of its own.
    world.seen.clear();
    world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
    world.settle();
    assert_eq!(world.last("BYE").to, addr("192.0.2.2", 5061));
    assert!(world.opened() >= 2, "the dead connection is not used again");
}

#[test]
fn a_peer_that_never_answers_pings_is_not_held_to_it() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, _) = world.call(a, b, Protocol::Tcp);
    world.drop_pongs();
    world.run_for(Duration::from_secs(500));
    world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
    world.settle();
    assert!(matches!(world.event(b), Event::Bye { .. }));
    assert_eq!(world.opened(), 1);
}

#[test]
fn pings_keep_no_connection_that_nobody_needs() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, _) = world.call(a, b, Protocol::Tcp);
    world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
    world.run_for(Duration::from_secs(300));
    world.assert_idle();
}
