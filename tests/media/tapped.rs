//! A call with a tap: what was let in and what left stand in its rings, in the clear, and nothing else does.

use crate::call::{Call, address, packet, packet_at, plan};
use crate::detector::{as_static, packets, speech};
use crate::encrypted::encrypted;
use squelch_g711::Law;
use squelch_media::rtp::View;
use squelch_media::srtp::Suite;
use squelch_media::{Format, MediaPlan, Rings, Side, TapFor, Way};
use std::net::SocketAddr;
use std::time::Duration;

const TEN_SECONDS: Duration = Duration::from_secs(10);
const FORMATS: [Format; 2] = [Format::Pcmu; 2];

fn tapped(plan: &MediaPlan) -> Call {
    let mut call = Call::new(plan);
    let rings = Rings::new(TEN_SECONDS, FORMATS);
    assert!(call.bridge.swap_rings(TapFor::Fault, Some(rings)).is_none());
    call
}

/// One packet of a ring: which way it went, who was at the other end, its payload.
type Kept = (Way, SocketAddr, Vec<u8>);

fn kept(ring: &squelch_media::Ring) -> Vec<Kept> {
    let payload = |packet| View::parse(packet).expect("RTP").payload().to_vec();
    ring.packets()
        .map(|tapped| (tapped.way, tapped.peer, payload(tapped.packet)))
        .collect()
}

#[test]
fn static_is_in_the_ring_as_it_came_and_as_the_caller_was_spared_it() {
    let plan = plan(Format::Pcmu, Format::Pcmu);
    let mut call = tapped(&plan);
    call.send(Side::Carrier, &packet(0, 1, 9, &[0xFF; 160]));
    let payloads = packets(&as_static(&speech(), Law::Mu), 160);
    let mut heard = Vec::new();
    for (sequence, payload) in (0..).zip(&payloads) {
        let packet = packet(0, sequence, 3, payload);
        heard.push(call.send(Side::Openai, &packet).expect("relayed").payload);
    }
    let rings = call.bridge.swap_rings(TapFor::Fault, None).expect("rings");
    assert_eq!(rings.down.overwritten(), 0, "it is shorter than the ring");
    let kept = kept(&rings.down);
    let of = |way| -> Vec<Vec<u8>> {
        let those = kept.iter().filter(|(which, ..)| *which == way);
        those.map(|(.., payload)| payload.clone()).collect()
    };
    assert_eq!(of(Way::Received), payloads, "what came");
    assert_eq!(of(Way::Sent), heard, "what the caller heard");
    assert_ne!(payloads, heard, "the guard did nothing");
    let (came, went) = (address(Side::Openai), address(Side::Carrier));
    for (way, peer, _) in &kept {
        assert_eq!(*peer, if *way == Way::Received { came } else { went });
    }
    let times: Vec<_> = rings.down.packets().map(|tapped| tapped.at).collect();
    assert!(times.is_sorted(), "in the order of time");
    assert_eq!(times.last(), Some(&call.now));
}

#[test]
fn what_was_refused_is_in_no_ring() {
    let mut call = tapped(&plan(Format::Pcmu, Format::Pcmu));
    let stranger = SocketAddr::from(([203, 0, 113, 66], 40_000));
    let speech = [0x21; 160];
    call.send(Side::Carrier, &packet(0, 1, 9, &speech));
    for sequence in 2..50 {
        call.send_from(
            Side::Carrier,
            stranger,
            &packet(0, sequence, 9, &[0x66; 160]),
        );
        // The right peer, in a format that was not agreed on; and no RTP at all.
        call.send(Side::Carrier, &packet(18, sequence, 9, &[0x66; 160]));
        call.send(Side::Carrier, b"\x00\x66\x66\x66");
    }
    let rings = call.bridge.swap_rings(TapFor::Fault, None).expect("rings");
    let kept = kept(&rings.up);
    assert_eq!(kept.len(), 2, "what was refused was kept");
    let (from, to) = (address(Side::Carrier), address(Side::Openai));
    assert_eq!(
        kept,
        [
            (Way::Received, from, speech.to_vec()),
            (Way::Sent, to, speech.to_vec())
        ]
    );
}

#[test]
fn an_encrypted_call_is_kept_in_the_clear_and_a_forged_packet_is_not() {
    let (mut call, _, mut carrier, _) = encrypted(Suite::AesCm128HmacSha1_80);
    let rings = Rings::new(TEN_SECONDS, FORMATS);
    call.bridge.swap_rings(TapFor::Recording, Some(rings));
    let clear = packet(0, 1, 9, &[0x21; 160]);
    let sealed = carrier.seal(&clear);
    assert_ne!(sealed.get(12..172), clear.get(12..));
    call.forward(Side::Carrier, address(Side::Carrier), &sealed);
    let mut forged = carrier.seal(&packet(0, 2, 9, &[0x22; 160]));
    forged[20] ^= 1;
    call.forward(Side::Carrier, address(Side::Carrier), &forged);
    let rings = call.bridge.swap_rings(TapFor::Recording, None);
    let rings = rings.expect("rings");
    let bytes: Vec<&[u8]> = rings.up.packets().map(|tapped| tapped.packet).collect();
    assert_eq!(bytes.len(), 2);
    assert_eq!(
        bytes[0], clear,
        "as it was before the caller's peer sealed it"
    );
    let sent = View::parse(bytes[1]).expect("RTP");
    assert_eq!(sent.payload(), &[0x21; 160]);
    assert_eq!(bytes[1].len(), clear.len(), "without an authentication tag");
}

#[test]
fn silence_of_our_own_and_what_was_held_stand_there_when_they_leave() {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.guard.hold = Duration::from_millis(60);
    let mut call = tapped(&plan);
    let (side, silence) = call.own().expect("silence, until the carrier speaks");
    assert_eq!(side, Side::Openai);
    let said = packet_at(0, true, 1, 160, 9, &[0x21; 160]);
    call.send(Side::Carrier, &said);
    let came = call.now;
    call.wait(Duration::from_millis(60));
    let (_, released) = call.own().expect("what was held");
    let rings = call.bridge.swap_rings(TapFor::Fault, None).expect("rings");
    let times: Vec<_> = rings.up.packets().map(|t| (t.way, t.at)).collect();
    assert_eq!(times.len(), 3);
    assert_eq!(times[1], (Way::Received, came));
    assert_eq!(times[2], (Way::Sent, came + Duration::from_millis(60)));
    let payloads: Vec<_> = kept(&rings.up).into_iter().map(|(.., p)| p).collect();
    assert_eq!(payloads[0], silence.payload);
    assert_eq!(payloads[2], released.payload);
}

#[test]
fn the_ring_of_faults_and_the_recording_are_each_their_own() {
    let plan = plan(Format::Pcmu, Format::Pcma);
    let mut call = tapped(&plan);
    let said = |sequence: u16| packet(0, sequence, 9, &[sequence as u8; 160]);
    call.send(Side::Carrier, &said(1));
    let rings = || Some(Rings::new(Duration::from_secs(1), FORMATS));
    call.bridge.swap_rings(TapFor::Recording, rings());
    call.send(Side::Carrier, &said(2));
    let first = call.bridge.swap_rings(TapFor::Recording, rings());
    call.send(Side::Carrier, &said(3));
    let second = call.bridge.swap_rings(TapFor::Recording, None);
    call.send(Side::Carrier, &said(4));
    let fault = call.bridge.swap_rings(TapFor::Fault, None);
    let came = |rings: Option<Rings>| -> Vec<u8> {
        let packets = kept(&rings.expect("rings").up);
        let came = packets.iter().filter(|(way, ..)| *way == Way::Received);
        came.map(|(.., payload)| payload[0]).collect()
    };
    assert_eq!(came(first), [2]);
    assert_eq!(came(second), [3]);
    assert_eq!(came(fault), [1, 2, 3, 4]);
    assert!(call.bridge.swap_rings(TapFor::Fault, None).is_none());
}

#[test]
fn a_call_without_an_answer_is_kept_as_far_as_it_was_heard() {
    // Where nothing may be sent any more, nothing that was not sent is kept.
    let mut call = tapped(&plan(Format::Pcmu, Format::Pcmu));
    for sequence in 0..300 {
        call.send(Side::Carrier, &packet(0, sequence, 9, &[0x21; 160]));
    }
    let rings = call.bridge.swap_rings(TapFor::Fault, None).expect("rings");
    let sent = kept(&rings.up).iter().filter(|k| k.0 == Way::Sent).count();
    assert_eq!(kept(&rings.up).len() - sent, 300);
    assert_eq!(sent as u64, call.bridge.leg(Side::Openai).sent);
}
