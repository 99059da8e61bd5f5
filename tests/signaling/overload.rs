//! Full tables refuse what is new with 503 and serve what is there.

use squelch_sip::{Event, Protocol};

use crate::raw::{ask, raw_call, request, statuses};
use crate::world::World;

#[test]
fn a_call_over_the_cap_gets_503_and_the_calls_under_it_live_on() {
    let mut world = World::new();
    let node = world.add_with("192.0.2.1", |config| {
        config.limits.dialogs = 1;
        config.limits.retry_after = 9;
    });
    let (_, tag) = raw_call(&mut world, node);
    let another = request("INVITE", "another", 1, "", "").replace("raw-call", "another-call");
    let answers = ask(&mut world, &another);
    let refusal = answers[0].response();
    assert_eq!((answers.len(), refusal.status), (1, 503));
    assert_eq!(refusal.headers.get("Retry-After"), Some("9"));
    assert!(world.events(node).is_empty());
    // The ACK of that refusal leaves no trace.
    let tag_of_refusal = crate::raw::to_tag(&refusal);
    let ack = request("ACK", "another", 1, &tag_of_refusal, "").replace("raw-call", "another-call");
    assert!(ask(&mut world, &ack).is_empty());
    assert!(world.events(node).is_empty());
    assert_eq!(world.endpoint(node).counters().refused_overload, 1);

    assert_eq!(
        statuses(&mut world, &request("BYE", "bye", 2, &tag, "")),
        [200]
    );
    assert_eq!(statuses(&mut world, &another), [100], "there is room again");
}

#[test]
fn a_full_transaction_table_still_lets_calls_end() {
    let mut world = World::new();
    let node = world.add_with("192.0.2.1", |config| config.limits.transactions = 3);
    let (_, tag) = raw_call(&mut world, node);
    let mut refused = 0;
    for n in 0..50 {
        let options =
            request("OPTIONS", &format!("o{n}"), 1, "", "").replace("raw-call", &format!("o{n}"));
        refused += usize::from(statuses(&mut world, &options) == [503]);
    }
    assert_eq!(refused, 48);
    world.events(node);
    assert_eq!(
        statuses(&mut world, &request("BYE", "bye", 2, &tag, "")),
        [200]
    );
    assert!(matches!(world.event(node), Event::Bye { .. }));
}

#[test]
fn a_connection_over_the_cap_is_closed_at_once() {
    let mut world = World::new();
    let node = world.add_with("192.0.2.1", |config| config.limits.connections = 1);
    let first = world.connect_raw("192.0.2.9:1111", node, Protocol::Tcp);
    let second = world.connect_raw("192.0.2.9:2222", node, Protocol::Tcp);
    let options = request("OPTIONS", "o", 1, "", "");
    world.write_raw(node, second, options.as_bytes());
    assert!(world.events(node).is_empty());
    world.write_raw(node, first, options.as_bytes());
    assert!(matches!(world.event(node), Event::Options { .. }));
    assert_eq!(world.endpoint(node).counters().refused_connections, 1);
}
