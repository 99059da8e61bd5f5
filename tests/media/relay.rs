//! Audio goes both ways under squelch's own numbers, and nothing but the numbers changes.

use crate::call::{Call, Sent, address, packet, plan};
use crate::detector::speech;
use squelch_media::{Direction, DropReason, Format, Forward, Side};
use std::time::Duration;

const ULAW: u8 = 0;

/// Holds that packets follow one another without a gap, from the leg's agreed first numbers.
fn assert_continuous(sent: &[Sent], side: Side) {
    let plan = plan(Format::Pcmu, Format::Pcmu);
    let leg = plan.leg(side);
    for (index, packet) in (0_u16..).zip(sent) {
        assert_eq!(packet.ssrc, leg.ssrc.0);
        assert_eq!(packet.sequence, leg.sequence.wrapping_add(index));
        assert_eq!(
            packet.timestamp,
            leg.timestamp.plus(160 * u32::from(index)).0,
            "packet {index}"
        );
    }
}

#[test]
fn both_directions_are_restamped_and_the_payload_is_untouched() {
    for side in Side::ALL {
        let mut call = Call::pcmu();
        let mut sent = Vec::new();
        for index in 0..50_u8 {
            let payload = speech()[usize::from(index) * 160..][..160].to_vec();
            let packet = packet(ULAW, 1_000 + u16::from(index), 0xABCD, &payload);
            let packet = call.send(side, &packet).expect("relayed");
            assert_eq!(packet.to, address(side.other()));
            assert_eq!(packet.payload, payload);
            assert_eq!(packet.marker, index == 0, "the first starts a talkspurt");
            sent.push(packet);
        }
        assert_continuous(&sent, side.other());
        let (from, to) = (call.bridge.leg(side), call.bridge.leg(side.other()));
        assert_eq!((from.packets, from.bytes, from.lost), (50, 8_000, 0));
        assert_eq!((to.sent, to.packets), (50, 0));
    }
}

#[test]
fn loss_and_reordering_are_passed_on_as_they_are() {
    let mut call = Call::pcmu();
    let mut sent = Vec::new();
    for sequence in [10, 13, 12, 14] {
        let packet = packet(ULAW, sequence, 1, &[0x55; 160]);
        sent.push(call.send(Side::Openai, &packet).expect("relayed"));
    }
    let offsets: Vec<(u16, u32)> = sent
        .iter()
        .map(|packet| {
            (
                packet.sequence.wrapping_sub(sent[0].sequence),
                packet.timestamp.wrapping_sub(sent[0].timestamp) / 160,
            )
        })
        .collect();
    assert_eq!(offsets, [(0, 0), (3, 3), (2, 2), (4, 4)]);
    let stats = call.bridge.leg(Side::Openai);
    assert_eq!((stats.expected, stats.lost, stats.reordered), (5, 1, 1));
}

#[test]
fn a_new_ssrc_goes_on_where_the_old_one_stopped() {
    let mut call = Call::pcmu();
    let mut sent = Vec::new();
    for (ssrc, first) in [(1, 65_000), (2, 7), (3, 30_000)] {
        for index in 0..5 {
            let packet = packet(ULAW, first + index, ssrc, &[0x55; 160]);
            sent.push(call.send(Side::Openai, &packet).expect("relayed"));
        }
    }
    assert_continuous(&sent, Side::Carrier);
    let marked: Vec<bool> = sent.iter().map(|packet| packet.marker).collect();
    assert!(marked[0] && marked[5] && marked[10]);
    assert_eq!(marked.iter().filter(|marker| **marker).count(), 3);
    let stats = call.bridge.leg(Side::Openai);
    assert_eq!((stats.packets, stats.expected, stats.lost), (15, 15, 0));
}

#[test]
fn a_restart_of_the_numbering_is_not_passed_on() {
    let mut call = Call::pcmu();
    let mut sent = Vec::new();
    for sequence in [100, 101, 20_000, 20_001] {
        let packet = packet(ULAW, sequence, 1, &[0x55; 160]);
        sent.push(call.send(Side::Carrier, &packet).expect("relayed"));
    }
    assert_continuous(&sent, Side::Openai);
}

#[test]
fn a_restart_that_begins_with_an_empty_packet_is_not_passed_on_either() {
    let mut call = Call::pcmu();
    let mut sent = Vec::new();
    for (sequence, length) in [(100, 160), (101, 160), (20_000, 0), (20_001, 160)] {
        let packet = packet(ULAW, sequence, 1, &[0x55; 160][..length]);
        sent.extend(call.send(Side::Carrier, &packet));
    }
    assert_continuous(&sent, Side::Openai);
}

#[test]
fn numbers_and_figures_go_on_over_a_signalled_change() {
    let mut call = Call::pcmu();
    let same = plan(Format::Pcmu, Format::Pcmu);
    let mut sent = Vec::new();
    for sequence in 0..10 {
        if sequence == 5 {
            call.bridge.update(call.now, &same);
        }
        let packet = packet(ULAW, sequence, 1, &[0x55; 160]);
        sent.push(call.send(Side::Carrier, &packet).expect("relayed"));
    }
    assert_continuous(&sent, Side::Openai);
    assert_eq!(call.bridge.leg(Side::Carrier).packets, 10);
}

#[test]
fn on_hold_nothing_passes() {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.carrier.direction = Direction::SendOnly;
    let mut call = Call::new(&plan);
    let packet = packet(ULAW, 1, 1, &[0x55; 160]);
    let (forward, _) = call.forward(Side::Carrier, address(Side::Carrier), &packet);
    assert!(matches!(forward, Forward::Drop(_)));
    assert!(call.send(Side::Openai, &packet).is_some());
    assert_eq!(
        call.bridge.leg(Side::Carrier).last_packet,
        None,
        "what hold forbids is no sign of life"
    );
}

#[test]
fn what_came_while_on_hold_was_not_lost_and_leaves_no_gap() {
    // OpenAI is not told of a hold and goes on; the carrier's peer sends music.
    for side in Side::ALL {
        let plan = plan(Format::Pcmu, Format::Pcmu);
        let mut held = plan.clone();
        held.carrier.direction = Direction::Inactive;
        let mut call = Call::new(&plan);
        call.send(side.other(), &packet(ULAW, 1, 9, &[0x55; 160]));
        let mut sent = Vec::new();
        for sequence in 0..300 {
            match sequence {
                100 => call.bridge.update(call.now, &held),
                200 => call.bridge.update(call.now, &plan),
                _ => {}
            }
            let packet = packet(ULAW, sequence, 1, &[0x55; 160]);
            sent.extend(call.send(side, &packet));
        }
        assert_eq!(sent.len(), 200, "{side:?}");
        for pair in sent.windows(2) {
            let next = pair[0].sequence.wrapping_add(1);
            assert_eq!(
                pair[1].sequence, next,
                "{side:?}: a gap is a loss to the peer"
            );
            assert_eq!(pair[1].ssrc, pair[0].ssrc);
        }
        assert!(sent[100].marker, "a talkspurt begins");
        let leg = call.bridge.leg(side);
        assert_eq!(
            (leg.packets, leg.expected, leg.lost),
            (300, 300, 0),
            "{side:?}"
        );
        assert_eq!(leg.dropped.get(DropReason::Direction), 100);
        assert!(leg.mos > 4.4, "{side:?}: {}", leg.mos);
    }
}

#[test]
fn jitter_is_that_of_the_arrivals() {
    let mut call = Call::pcmu();
    for sequence in 0..200 {
        call.wait(Duration::from_millis(u64::from(sequence % 2) * 4));
        let packet = packet(ULAW, sequence, 1, &[0x55; 160]);
        call.send(Side::Carrier, &packet).expect("relayed");
        // Every second packet 4 ms late; the clock still keeps 20 ms a packet on average.
        call.now -= Duration::from_millis(u64::from(sequence % 2) * 4);
    }
    let jitter = call.bridge.leg(Side::Carrier).jitter.as_secs_f64() * 1_000.0;
    assert!((jitter - 4.0).abs() < 0.05, "{jitter} ms");
}
