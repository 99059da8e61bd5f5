//! Connections come and go; calls and requests know what that means for them.

use std::time::Duration;

use squelch_sip::{EndCause, Event, Failure, Protocol};

use crate::world::{World, addr};

#[test]
fn a_target_that_refuses_the_connection_fails_the_call_at_once() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let mut call = world.call_to(b, Protocol::Tls);
    call.target.addr = addr("192.0.2.77", 5061);
    world.tell(a, |endpoint, now| endpoint.invite(now, call));
    world.settle();
    assert!(matches!(
        world.event(a),
        Event::Rejected {
            failure: Failure::Transport(_),
            ..
        }
    ));
    world.assert_idle();
}

#[test]
fn a_connection_cut_while_ringing_fails_the_call() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    world.invite(a, b, Protocol::Tls);
    world.cut_connections(a);
    assert!(matches!(
        world.event(a),
        Event::Rejected {
            failure: Failure::Transport(_),
            ..
        }
    ));
}

#[test]
fn a_connection_cut_during_the_call_is_made_anew_for_the_bye() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, theirs) = world.call(a, b, Protocol::Tls);
    world.cut_connections(a);
    assert!(world.events(a).is_empty(), "the call lives on");
    // The callee hangs up on a connection of its own to our Contact.
    world.tell(b, |endpoint, now| endpoint.bye(now, theirs, None));
    world.settle();
    assert_eq!(world.last("BYE").to, addr("192.0.2.1", 5061));
    assert!(matches!(world.event(a), Event::Bye { dialog, .. } if dialog == ours));
    assert!(matches!(
        world.event(b),
        Event::Ended {
            cause: EndCause::ByeAnswered,
            ..
        }
    ));
    world.assert_idle();
}

#[test]
fn a_connection_without_use_closes_and_one_with_a_call_stays() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, _) = world.call(a, b, Protocol::Tcp);
    world.run_for(Duration::from_secs(3600));
    world.seen.clear();
    world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
    world.settle();
    assert!(
        world.last("BYE").from.port() >= 40_000,
        "still the first connection"
    );
    world.run_for(Duration::from_secs(241));
    assert!(world.endpoint(a).is_idle() && world.endpoint(b).is_idle());
}

#[test]
fn another_server_name_gets_another_connection() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    for name in ["one.example", "two.example", "one.example"] {
        let mut call = world.call_to(b, Protocol::Tls);
        call.target.server_name = Some(name.into());
        world.tell(a, |endpoint, now| endpoint.invite(now, call));
        world.settle();
    }
    let ends: Vec<_> = world.all("INVITE").iter().map(|seen| seen.from).collect();
    assert_ne!(ends[0], ends[1]);
    assert_eq!(ends[0], ends[2]);
}

#[test]
fn a_shell_that_never_says_connected_leaks_nothing() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let call = world.call_to(b, Protocol::Tcp);
    // Straight at the endpoint, its outputs thrown away: no connection ever comes up.
    let mut config = squelch_sip::EndpointConfig::new([9; 32], "x");
    config.listeners.clear();
    let mut endpoint = squelch_sip::Endpoint::new(config);
    let mut now = world.now;
    endpoint.invite(now, call);
    while let Some(due) = endpoint.poll_timeout() {
        now = due;
        endpoint.handle_timeout(now);
    }
    let mut rejected = 0;
    while let Some(output) = endpoint.poll_output() {
        rejected += usize::from(matches!(
            output,
            squelch_sip::Output::Event(Event::Rejected { .. })
        ));
    }
    assert_eq!(rejected, 1);
    assert!(endpoint.is_idle());
    let _ = a;
}
