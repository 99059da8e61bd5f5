//! Legs with keys: what comes is opened, what goes is sealed, and nothing that is not authentic is heard.

use crate::call::{CARRIER_EVENT, Call, address, packet, plan};
use crate::libsrtp::{Libsrtp, Task};
use squelch_media::rtp::View;
use squelch_media::srtp::{MasterKey, Protector, Suite, Unprotector};
use squelch_media::{
    Direction, DropReason, Format, Forward, MediaEvent, MediaPlan, Side, SrtpPlan,
};
use std::net::SocketAddr;
use std::time::Duration;

const ULAW: u8 = 0;
const CALLER: u32 = 0xCA11;
const MODEL: u32 = 0xA1;
/// A soft square wave of 500 Hz: no fault, however often it comes.
const SPEECH: [u8; 160] = {
    let mut codes = [0x5E; 160];
    let mut at = 0;
    while at < codes.len() {
        if (at / 8) % 2 == 1 {
            codes[at] = 0xDE;
        }
        at += 1;
    }
    codes
};

/// A key that begins with `first`.
fn key(suite: Suite, first: u8) -> MasterKey {
    let bytes: Vec<u8> = (0..suite.key_bytes() + suite.salt_bytes())
        .map(|at| (at as u8).wrapping_mul(29) ^ first)
        .collect();
    MasterKey::new(suite, &bytes).unwrap()
}

/// A leg's keys, as squelch has them.
fn keys(suite: Suite, first: u8) -> SrtpPlan {
    SrtpPlan {
        send: key(suite, first),
        receive: key(suite, first.wrapping_add(1)),
        confidential: false,
    }
}

/// The peer of an encrypted leg.
pub(crate) struct Peer {
    out: Protector,
    back: Unprotector,
}

impl Peer {
    fn new(keys: &SrtpPlan) -> Peer {
        Peer {
            out: Protector::new(&keys.receive),
            back: Unprotector::new(&keys.send),
        }
    }

    pub(crate) fn seal(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + 16, 0);
        let len = self.out.protect_rtp(&mut buffer, packet.len()).unwrap();
        buffer.truncate(len);
        buffer
    }

    fn open(&mut self, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        let len = bytes.len();
        let len = self.back.unprotect_rtp(&mut bytes, len).ok()?;
        bytes.truncate(len);
        Some(bytes)
    }
}

pub(crate) fn encrypted(suite: Suite) -> (Call, MediaPlan, Peer, Peer) {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.carrier.srtp = Some(keys(suite, 0x10));
    plan.openai.srtp = Some(keys(Suite::AesCm128HmacSha1_80, 0x20));
    let carrier = Peer::new(plan.carrier.srtp.as_ref().unwrap());
    let openai = Peer::new(plan.openai.srtp.as_ref().unwrap());
    (Call::new(&plan), plan, carrier, openai)
}

/// What went out on the other leg, as it stood on the wire.
fn wire(call: &mut Call, side: Side, from: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
    match call.forward(side, from, bytes) {
        (Forward::Send { len, .. }, buffer) => Some(buffer[..len].to_vec()),
        _ => None,
    }
}

fn say(call: &mut Call, side: Side, bytes: &[u8]) -> Option<Vec<u8>> {
    wire(call, side, address(side), bytes)
}

fn dropped(call: &Call, side: Side, reason: DropReason) -> u64 {
    call.bridge.leg(side).dropped.get(reason)
}

#[test]
fn both_legs_are_encrypted_each_with_its_own_keys() {
    for suite in Suite::ALL {
        let (mut call, _, mut carrier, mut openai) = encrypted(suite);
        for sequence in 0..30 {
            let clear = packet(ULAW, sequence, CALLER, &SPEECH);
            let sent = say(&mut call, Side::Carrier, &carrier.seal(&clear)).unwrap();
            assert_eq!(sent.len(), 12 + 160 + 10);
            let heard = openai.open(sent).expect("with OpenAI's key");
            assert_eq!(View::parse(&heard).unwrap().payload(), SPEECH);

            let clear = packet(ULAW, sequence, MODEL, &SPEECH);
            let sent = say(&mut call, Side::Openai, &openai.seal(&clear)).unwrap();
            assert_eq!(sent.len(), 12 + 160 + suite.tag_bytes());
            let heard = carrier.open(sent).expect("with the carrier's key");
            assert_eq!(View::parse(&heard).unwrap().payload(), SPEECH);
        }
        assert_eq!(call.bridge.leg(Side::Carrier).dropped.total(), 0);
    }
}

#[test]
fn plain_rtp_on_one_leg_and_srtp_on_the_other_over_the_wrap() {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.openai.srtp = Some(keys(Suite::AesCm128HmacSha1_80, 0x20));
    let mut call = Call::new(&plan);
    let mut openai = Peer::new(plan.openai.srtp.as_ref().unwrap());
    // Both numberings wrap: squelch's own begins at 65,533, OpenAI's here.
    for step in 0..100_u16 {
        let sequence = 65_490_u16.wrapping_add(step);
        let clear = packet(ULAW, sequence, CALLER, &SPEECH);
        let sent = say(&mut call, Side::Carrier, &clear).unwrap();
        assert_eq!(
            View::parse(&openai.open(sent).unwrap()).unwrap().payload(),
            SPEECH
        );
        let sealed = openai.seal(&packet(ULAW, sequence, MODEL, &SPEECH));
        let sent = say(&mut call, Side::Openai, &sealed).unwrap();
        assert_eq!(View::parse(&sent).unwrap().payload(), SPEECH, "{sequence}");
    }
}

#[test]
fn libsrtp2_opens_what_the_bridge_makes_of_its_own() {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.openai.srtp = Some(keys(Suite::AesCm128HmacSha1_80, 0x20));
    let Ok(mut theirs) = Libsrtp::new(&plan.openai.srtp.as_ref().unwrap().send) else {
        return;
    };
    let mut call = Call::new(&plan);
    for _ in 0..200 {
        let mut out = [0; 1_600];
        call.bridge.handle_timeout(call.now);
        let silence = call.bridge.poll_transmit(call.now, &mut out).unwrap();
        let clear = theirs.run(Task::UnprotectRtp, &out[..silence.len]);
        assert_eq!(clear.unwrap()[12..], [0xFF; 160]);
        call.wait(Duration::from_millis(20));
    }
}

#[test]
fn nothing_that_is_not_authentic_is_heard_or_learned() {
    let (mut call, _, mut carrier, _) = encrypted(Suite::AeadAes128Gcm);
    let mut wrong = Peer::new(&keys(Suite::AeadAes128Gcm, 0x77));
    for sequence in 0..20 {
        let clear = packet(ULAW, sequence, CALLER, &SPEECH);
        assert_eq!(say(&mut call, Side::Carrier, &wrong.seal(&clear)), None);
        // Nor what is not encrypted at all, nor from the peer's host's other ports.
        assert_eq!(say(&mut call, Side::Carrier, &clear), None);
        let elsewhere = SocketAddr::new(address(Side::Carrier).ip(), 41_234);
        assert_eq!(
            wire(&mut call, Side::Carrier, elsewhere, &wrong.seal(&clear)),
            None
        );
    }
    assert_eq!(
        dropped(&call, Side::Carrier, DropReason::Authentication),
        60
    );
    assert!(call.bridge.poll_event().is_none(), "no port was learned");
    assert_eq!(call.bridge.leg(Side::Carrier).packets, 0);
    let clear = packet(ULAW, 7, CALLER, &SPEECH);
    assert!(say(&mut call, Side::Carrier, &carrier.seal(&clear)).is_some());
}

#[test]
fn what_is_authentic_may_come_from_another_port_of_the_peers() {
    let (mut call, _, mut carrier, _) = encrypted(Suite::AesCm128HmacSha1_80);
    let elsewhere = SocketAddr::new(address(Side::Carrier).ip(), 41_234);
    for sequence in 0..3 {
        let sealed = carrier.seal(&packet(ULAW, sequence, CALLER, &SPEECH));
        wire(&mut call, Side::Carrier, elsewhere, &sealed);
    }
    let learned = MediaEvent::Learned {
        side: Side::Carrier,
        address: elsewhere,
    };
    assert_eq!(call.bridge.poll_event(), Some(learned));
}

#[test]
fn a_packet_that_comes_again_is_heard_once() {
    let (mut call, _, mut carrier, _) = encrypted(Suite::AesCm128HmacSha1_32);
    let sealed: Vec<_> = (0..200)
        .map(|sequence| carrier.seal(&packet(ULAW, sequence, CALLER, &SPEECH)))
        .collect();
    for bytes in &sealed {
        assert!(say(&mut call, Side::Carrier, bytes).is_some());
    }
    for bytes in &sealed {
        assert_eq!(say(&mut call, Side::Carrier, bytes), None);
    }
    assert_eq!(dropped(&call, Side::Carrier, DropReason::Replay), 200);
    assert_eq!(call.bridge.leg(Side::Carrier).duplicates, 200);
    assert_eq!(call.bridge.leg(Side::Carrier).lost, 0);
}

#[test]
fn a_new_ssrc_of_the_peer_goes_on_under_ours() {
    let (mut call, _, mut carrier, mut openai) = encrypted(Suite::AeadAes256Gcm);
    let mut heard = Vec::new();
    for (sequence, ssrc) in [(65_534, 1), (65_535, 1), (0, 1), (900, 2), (901, 2), (1, 1)] {
        let sealed = carrier.seal(&packet(ULAW, sequence, ssrc, &SPEECH));
        // The peer's own protector takes one SSRC at a time, as a sender does: back at 1 it begins anew.
        if let Some(sent) = say(&mut call, Side::Carrier, &sealed) {
            heard.push(openai.open(sent).unwrap());
        }
    }
    let numbers: Vec<_> = heard
        .iter()
        .map(|bytes| View::parse(bytes).unwrap())
        .map(|view| (view.ssrc().0, view.sequence()))
        .collect();
    let ours = numbers[0].0;
    assert!(numbers.len() >= 5, "{numbers:?}");
    for (at, number) in numbers.iter().enumerate() {
        assert_eq!(*number, (ours, 65_533_u16.wrapping_add(at as u16)));
    }
}

#[test]
fn a_new_key_is_taken_and_the_old_one_until_then() {
    for suite in Suite::ALL {
        let (mut call, mut plan, mut old, _) = encrypted(suite);
        for sequence in 0..10 {
            let sealed = old.seal(&packet(ULAW, sequence, CALLER, &SPEECH));
            assert!(say(&mut call, Side::Carrier, &sealed).is_some());
        }
        let fresh = keys(suite, 0x40);
        plan.carrier.srtp = Some(fresh.clone());
        call.bridge.update(call.now, &plan);
        // Still on its way when the peer took our answer.
        for sequence in 10..13 {
            let sealed = old.seal(&packet(ULAW, sequence, CALLER, &SPEECH));
            assert!(
                say(&mut call, Side::Carrier, &sealed).is_some(),
                "{suite:?}"
            );
        }
        let mut new = Peer::new(&fresh);
        for sequence in 13..20 {
            let sealed = new.seal(&packet(ULAW, sequence, CALLER, &SPEECH));
            assert!(
                say(&mut call, Side::Carrier, &sealed).is_some(),
                "{suite:?}"
            );
        }
        // From then on the old key opens nothing.
        let sealed = old.seal(&packet(ULAW, 20, CALLER, &SPEECH));
        assert_eq!(say(&mut call, Side::Carrier, &sealed), None);
        assert_eq!(dropped(&call, Side::Carrier, DropReason::Authentication), 1);
    }
}

#[test]
fn our_new_key_keeps_the_rollover_counter_and_the_same_key_changes_nothing() {
    let (mut call, mut plan, mut carrier, mut openai) = encrypted(Suite::AesCm128HmacSha1_80);
    let say_all = |call: &mut Call, carrier: &mut Peer, from: u16| {
        let sent: Vec<_> = (from..from + 10)
            .filter_map(|sequence| {
                let sealed = carrier.seal(&packet(ULAW, sequence, CALLER, &SPEECH));
                say(call, Side::Carrier, &sealed)
            })
            .collect();
        assert_eq!(sent.len(), 10);
        sent
    };
    // Our numbers begin at 65,533, so the counter is 1 when these have gone.
    for sent in say_all(&mut call, &mut carrier, 0) {
        assert!(openai.open(sent).is_some());
    }
    call.bridge.update(call.now, &plan);
    for sent in say_all(&mut call, &mut carrier, 10) {
        assert!(openai.open(sent).is_some(), "nothing was signalled anew");
    }
    let fresh = keys(Suite::AesCm128HmacSha1_80, 0x60);
    plan.openai.srtp = Some(fresh.clone());
    call.bridge.update(call.now, &plan);
    openai.back = openai.back.rekeyed(&fresh.send);
    let mut forgetful = Unprotector::new(&fresh.send);
    for sent in say_all(&mut call, &mut carrier, 20) {
        let mut copy = sent.clone();
        let len = copy.len();
        assert!(forgetful.unprotect_rtp(&mut copy, len).is_err());
        assert!(openai.open(sent).is_some());
    }
}

#[test]
fn the_rollover_counter_follows_a_leg_on_hold() {
    let (mut call, mut plan, mut carrier, _) = encrypted(Suite::AesCm128HmacSha1_80);
    let mut sequence = 60_000_u16;
    let mut next = || {
        sequence = sequence.wrapping_add(7_000);
        sequence
    };
    for held in [
        false, true, true, true, true, true, true, true, true, true, false,
    ] {
        plan.carrier.direction = match held {
            true => Direction::Inactive,
            false => Direction::SendRecv,
        };
        call.bridge.update(call.now, &plan);
        let sealed = carrier.seal(&packet(ULAW, next(), CALLER, &SPEECH));
        assert_eq!(say(&mut call, Side::Carrier, &sealed).is_some(), !held);
    }
}

#[test]
fn a_peer_vouched_for_by_tls_may_be_silent() {
    for (confidential, networks, limited) in [
        (false, true, true),
        (true, false, true),
        (true, true, false),
    ] {
        let mut plan = plan(Format::Pcmu, Format::Pcmu);
        let mut carrier = keys(Suite::AesCm128HmacSha1_80, 0x10);
        carrier.confidential = confidential;
        plan.carrier.srtp = Some(carrier);
        if networks {
            plan.carrier.media_sources = vec!["192.0.2.0/24".parse().unwrap()];
        }
        let mut call = Call::new(&plan);
        let sent = (0..400)
            .filter(|sequence| {
                let clear = packet(ULAW, *sequence, MODEL, &SPEECH);
                say(&mut call, Side::Openai, &clear).is_some()
            })
            .count();
        assert_eq!(sent, if limited { 250 } else { 400 });
    }
}

#[test]
fn dtmf_goes_through_encrypted() {
    let (mut call, _, mut carrier, mut openai) = encrypted(Suite::AeadAes128Gcm);
    let sealed = carrier.seal(&packet(CARRIER_EVENT, 1, CALLER, &[5, 0x0A, 0, 160]));
    let heard = openai
        .open(say(&mut call, Side::Carrier, &sealed).unwrap())
        .unwrap();
    assert_eq!(View::parse(&heard).unwrap().payload(), [5, 0x0A, 0, 160]);
}

#[test]
fn a_buffer_without_room_for_the_tag_is_dropped_and_counted() {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.openai.srtp = Some(keys(Suite::AesCm128HmacSha1_80, 0x20));
    let mut call = Call::new(&plan);
    let mut exact = packet(ULAW, 1, CALLER, &SPEECH);
    let len = exact.len();
    let from = address(Side::Carrier);
    let forward = call
        .bridge
        .forward(call.now, Side::Carrier, from, &mut exact, len);
    assert_eq!(forward, Forward::Drop(DropReason::Size));
}
