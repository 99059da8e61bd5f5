//! OpenAI sends nothing before it hears something: until the carrier talks, squelch sends silence.

use crate::call::{Call, address, packet, plan};
use squelch_media::{Direction, Format, Side};
use std::time::Duration;

const ULAW: u8 = 0;
const PTIME: Duration = Duration::from_millis(20);

#[test]
fn silence_goes_to_openai_every_packet_time_until_the_carrier_talks() {
    let mut call = Call::pcmu();
    let mut sent = Vec::new();
    for _ in 0..5 {
        let (side, silence) = call.own().expect("due");
        assert_eq!((side, silence.to), (Side::Openai, address(Side::Openai)));
        assert_eq!(silence.payload, [0xFF; 160]);
        assert!(call.own().is_none(), "one a packet time");
        assert_eq!(call.bridge.poll_timeout(), Some(call.now + PTIME));
        sent.push(silence);
        call.wait(PTIME);
    }
    for sequence in 40_000..40_003 {
        let speech = packet(ULAW, sequence, 1, &[0x55; 160]);
        sent.push(call.send(Side::Carrier, &speech).expect("relayed"));
        assert!(call.own().is_none(), "the carrier talks");
    }
    assert!(call.is_quiet());
    for pair in sent.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
    }
    assert_eq!(call.bridge.leg(Side::Openai).sent, 8);
}

#[test]
fn silence_is_that_of_the_legs_law() {
    let mut call = Call::new(&plan(Format::Pcmu, Format::Pcma));
    let (_, silence) = call.own().expect("due");
    assert_eq!(
        (silence.payload_type, silence.payload),
        (8, vec![0xD5; 160])
    );
}

#[test]
fn an_address_that_never_answers_gets_five_seconds_of_silence_and_no_more() {
    let mut call = Call::pcmu();
    let mut sent = 0;
    for _ in 0..1_000 {
        sent += usize::from(call.own().is_some());
        call.wait(PTIME);
    }
    assert_eq!(sent, 250);
    assert!(call.is_quiet(), "and no more comes");
}

#[test]
fn a_worker_that_was_held_up_does_not_send_all_that_it_missed() {
    let mut call = Call::pcmu();
    call.own().expect("due");
    call.wait(Duration::from_secs(3));
    let burst = std::iter::from_fn(|| call.own()).count();
    assert_eq!(burst, 1);
}

#[test]
fn on_a_leg_that_wants_nothing_there_is_no_silence() {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.openai.direction = Direction::RecvOnly;
    let mut call = Call::new(&plan);
    assert!(call.own().is_none());
    assert!(call.is_quiet());
}

#[test]
fn while_the_carrier_holds_openai_hears_silence_in_the_same_stream() {
    let mut call = Call::pcmu();
    let talk = |call: &mut Call, sequence: u16| {
        call.send(Side::Carrier, &packet(ULAW, sequence, 7, &[0x11; 160]))
    };
    let before = talk(&mut call, 100).expect("talk");
    call.send(Side::Openai, &packet(ULAW, 1, 8, &[0x22; 160]));
    let mut held = plan(Format::Pcmu, Format::Pcmu);
    held.carrier.direction = Direction::Inactive;
    call.bridge.update(call.now, &held);
    let mut last = before;
    // Longer than an address that never answered would get: this one did.
    for _ in 0..500 {
        let (side, silence) = call.own().expect("due");
        assert_eq!(
            (side, &silence.payload[..]),
            (Side::Openai, &[0xFF; 160][..])
        );
        assert_eq!(silence.sequence, last.sequence.wrapping_add(1));
        assert_eq!(silence.ssrc, last.ssrc);
        last = silence;
        assert!(call.own().is_none(), "one a packet time");
        assert!(
            talk(&mut call, 101).is_none(),
            "its music is not for the model"
        );
    }
    assert!(
        call.send(Side::Openai, &packet(ULAW, 2, 8, &[0x22; 160]))
            .is_none(),
        "and the carrier hears nothing"
    );
    call.bridge
        .update(call.now, &plan(Format::Pcmu, Format::Pcmu));
    let resumed = talk(&mut call, 900).expect("talk again");
    assert_eq!(resumed.sequence, last.sequence.wrapping_add(1));
    call.wait(PTIME);
    assert!(call.own().is_none(), "and no silence beside it");
}
