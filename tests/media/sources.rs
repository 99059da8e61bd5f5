//! The source rule: media come from the host that the SDP named and go there, and nobody talks squelch out of it.

use crate::call::{Call, address, packet, plan};
use squelch_media::{Direction, DropReason, Format, Forward, MediaEvent, Side};
use std::net::SocketAddr;

const ULAW: u8 = 0;

/// Sends `count` consecutive packets from `from`; says which were relayed.
fn burst(call: &mut Call, from: SocketAddr, ssrc: u32, first: u16, count: u16) -> Vec<bool> {
    (0..count)
        .map(|index| {
            let packet = packet(ULAW, first.wrapping_add(index), ssrc, &[0x55; 160]);
            call.send_from(Side::Carrier, from, &packet).is_some()
        })
        .collect()
}

/// Where a packet for the carrier goes now.
fn way_back(call: &mut Call, sequence: u16) -> Option<SocketAddr> {
    let packet = packet(ULAW, sequence, 0xB0B, &[0x55; 160]);
    call.send(Side::Openai, &packet).map(|sent| sent.to)
}

fn dropped(call: &Call) -> u64 {
    call.bridge
        .leg(Side::Carrier)
        .dropped
        .get(DropReason::Source)
}

fn learned(call: &mut Call) -> Vec<SocketAddr> {
    std::iter::from_fn(|| call.bridge.poll_event())
        .filter_map(|event| match event {
            MediaEvent::Learned { side, address } => {
                assert_eq!(side, Side::Carrier);
                Some(address)
            }
            _ => None,
        })
        .collect()
}

fn stranger() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 66], 40_000))
}

fn other_port() -> SocketAddr {
    SocketAddr::new(address(Side::Carrier).ip(), 41_234)
}

#[test]
fn a_stranger_is_dropped_and_counted_and_never_redirects_the_media() {
    let mut call = Call::pcmu();
    assert_eq!(burst(&mut call, stranger(), 1, 0, 100), [false; 100]);
    assert_eq!(dropped(&call), 100);
    assert_eq!(way_back(&mut call, 0), Some(address(Side::Carrier)));
    // Nor does one who comes when the call is under way, with the caller's own SSRC and numbers.
    assert_eq!(
        burst(&mut call, address(Side::Carrier), 1, 0, 10),
        [true; 10]
    );
    assert_eq!(burst(&mut call, stranger(), 1, 10, 100), [false; 100]);
    assert_eq!(dropped(&call), 200);
    assert_eq!(way_back(&mut call, 1), Some(address(Side::Carrier)));
    let stats = call.bridge.leg(Side::Carrier);
    assert_eq!((stats.packets, stats.lost), (10, 0));
    assert_eq!(learned(&mut call), []);
}

#[test]
fn a_stranger_says_nothing_of_when_the_peer_was_last_heard() {
    let mut call = Call::pcmu();
    burst(&mut call, stranger(), 1, 0, 10);
    assert_eq!(call.bridge.leg(Side::Carrier).last_packet, None);
}

#[test]
fn another_port_of_the_same_host_is_learned_after_three_packets_in_a_row() {
    let mut call = Call::pcmu();
    assert_eq!(way_back(&mut call, 0), Some(address(Side::Carrier)));
    let relayed = burst(&mut call, other_port(), 1, 65_534, 5);
    assert_eq!(relayed, [false, false, true, true, true]);
    assert_eq!(way_back(&mut call, 1), Some(other_port()));
    assert_eq!(learned(&mut call), [other_port()], "told once");
    assert_eq!(dropped(&call), 2);
}

#[test]
fn packets_that_do_not_follow_one_another_teach_nothing() {
    let mut call = Call::pcmu();
    for index in 0..20 {
        // Every other number, and then a new SSRC each time.
        assert_eq!(burst(&mut call, other_port(), 1, 2 * index, 1), [false]);
    }
    for index in 0..20 {
        let ssrc = 100 + u32::from(index);
        assert_eq!(burst(&mut call, other_port(), ssrc, index, 1), [false]);
    }
    assert_eq!(way_back(&mut call, 0), Some(address(Side::Carrier)));
    assert_eq!(learned(&mut call), []);
}

#[test]
fn two_ports_in_turn_teach_nothing() {
    let mut call = Call::pcmu();
    let third = SocketAddr::new(address(Side::Carrier).ip(), 41_236);
    for index in 0..10 {
        assert_eq!(burst(&mut call, other_port(), 1, index, 1), [false]);
        assert_eq!(burst(&mut call, third, 2, index, 1), [false]);
    }
    assert_eq!(way_back(&mut call, 0), Some(address(Side::Carrier)));
}

#[test]
fn a_port_of_services_is_never_learned() {
    let mut call = Call::pcmu();
    let dns = SocketAddr::new(address(Side::Carrier).ip(), 53);
    assert_eq!(burst(&mut call, dns, 1, 0, 20), [false; 20]);
    let lowest = SocketAddr::new(dns.ip(), 1_024);
    assert_eq!(burst(&mut call, lowest, 1, 20, 3), [false, false, true]);
    assert_eq!(way_back(&mut call, 0), Some(lowest));
}

#[test]
fn digits_alone_teach_nothing() {
    let mut call = Call::pcmu();
    for sequence in 0..20 {
        let digit = packet(101, sequence, 1, &[1, 0, 0, 160]);
        assert!(
            call.send_from(Side::Carrier, other_port(), &digit)
                .is_none()
        );
    }
    assert_eq!(learned(&mut call), []);
    assert_eq!(
        burst(&mut call, other_port(), 1, 20, 3),
        [false, false, true]
    );
}

#[test]
fn a_change_of_the_networks_ends_what_was_learned_outside() {
    let mut call = Call::pcmu();
    burst(&mut call, other_port(), 1, 0, 3);
    let mut narrowed = plan(Format::Pcmu, Format::Pcmu);
    narrowed.carrier.media_sources = vec!["203.0.113.0/24".parse().unwrap()];
    call.bridge.update(call.now, &narrowed);
    assert_eq!(burst(&mut call, other_port(), 1, 3, 5), [false; 5]);
    assert_eq!(way_back(&mut call, 0), None);
}

#[test]
fn a_leg_whose_sdp_only_receives_may_be_silent() {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.carrier.direction = Direction::SendOnly;
    let mut call = Call::new(&plan);
    assert!((0..600).all(|sequence| way_back(&mut call, sequence).is_some()));
}

#[test]
fn what_is_learned_is_locked() {
    let mut call = Call::pcmu();
    burst(&mut call, other_port(), 1, 0, 3);
    let signalled = address(Side::Carrier);
    let third = SocketAddr::new(signalled.ip(), 41_236);
    for from in [signalled, third, stranger()] {
        assert_eq!(burst(&mut call, from, 2, 100, 10), [false; 10], "{from}");
    }
    assert_eq!(way_back(&mut call, 0), Some(other_port()));
}

#[test]
fn the_signalled_address_is_locked_by_its_first_packet() {
    let mut call = Call::pcmu();
    assert_eq!(burst(&mut call, address(Side::Carrier), 1, 0, 1), [true]);
    assert_eq!(burst(&mut call, other_port(), 2, 0, 10), [false; 10]);
    assert_eq!(way_back(&mut call, 0), Some(address(Side::Carrier)));
}

#[test]
fn a_signalled_change_opens_the_lock_again() {
    let mut call = Call::pcmu();
    burst(&mut call, address(Side::Carrier), 1, 0, 3);
    let mut moved = plan(Format::Pcmu, Format::Pcmu);
    moved.carrier.remote = other_port();
    call.bridge.update(call.now, &moved);
    assert_eq!(way_back(&mut call, 0), Some(other_port()));
    assert_eq!(burst(&mut call, other_port(), 1, 3, 3), [true; 3]);
    assert_eq!(
        burst(&mut call, address(Side::Carrier), 1, 6, 3),
        [false; 3]
    );
}

#[test]
fn outside_the_legs_networks_nothing_is_taken_and_nothing_sent() {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.carrier.media_sources = vec!["203.0.113.0/24".parse().unwrap()];
    let mut call = Call::new(&plan);
    // The SDP's own address is not among them, and an address among them is not the SDP's.
    assert_eq!(
        burst(&mut call, address(Side::Carrier), 1, 0, 10),
        [false; 10]
    );
    assert_eq!(burst(&mut call, stranger(), 1, 0, 10), [false; 10]);
    assert_eq!(dropped(&call), 20);
    assert_eq!(way_back(&mut call, 0), None);
}

#[test]
fn an_address_that_never_answers_gets_250_packets() {
    let mut call = Call::pcmu();
    let sent: Vec<bool> = (0..300)
        .map(|sequence| way_back(&mut call, sequence).is_some())
        .collect();
    assert!(sent[..250].iter().all(|sent| *sent));
    assert!(sent[250..].iter().all(|sent| !*sent));
    let stats = call.bridge.leg(Side::Openai);
    assert_eq!(stats.dropped.get(DropReason::Unanswered), 50);
    assert_eq!(call.bridge.leg(Side::Carrier).sent, 250);
    // Its first packet lifts the limit.
    burst(&mut call, address(Side::Carrier), 1, 0, 1);
    assert!((300..900).all(|sequence| way_back(&mut call, sequence).is_some()));
}

#[test]
fn the_reason_is_said_to_the_caller_too() {
    let mut call = Call::pcmu();
    let packet = packet(ULAW, 1, 1, &[0x55; 160]);
    let (forward, _) = call.forward(Side::Carrier, stranger(), &packet);
    assert_eq!(forward, Forward::Drop(DropReason::Source));
}
