//! Each leg has payload types and a law of its own; the bridge speaks to each in its own.

use crate::call::{CARRIER_EVENT, Call, OPENAI_EVENT, Sent, packet, packet_at, plan};
use squelch_media::rtp::PayloadType;
use squelch_media::{DropReason, Format, Side};

const ULAW: u8 = 0;
const ALAW: u8 = 8;

/// Mu-law by its formula (G.711 table 2), a definition apart from the one under test.
fn mu_law(code: u8) -> i32 {
    let code = !code;
    let (exponent, mantissa) = (i32::from(code >> 4 & 7), i32::from(code & 15));
    let magnitude = (((2 * mantissa + 33) << exponent) - 33) * 4;
    if code & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// A-law by its formula (G.711 table 1).
fn a_law(code: u8) -> i32 {
    let code = code ^ 0x55;
    let (exponent, mantissa) = (i32::from(code >> 4 & 7), i32::from(code & 15));
    let magnitude = match exponent {
        0 => (2 * mantissa + 1) * 8,
        _ => ((2 * mantissa + 33) << (exponent - 1)) * 8,
    };
    if code & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }
}

#[test]
fn between_legs_of_different_laws_the_same_is_heard() {
    let mut call = Call::new(&plan(Format::Pcma, Format::Pcmu));
    let every_code: Vec<u8> = (0..=255).collect();
    let sides = [
        (
            Side::Carrier,
            ALAW,
            ULAW,
            a_law as fn(u8) -> i32,
            mu_law as fn(u8) -> i32,
        ),
        (Side::Openai, ULAW, ALAW, mu_law, a_law),
    ];
    for (side, said_in, heard_in, say, hear) in sides {
        let sent = call
            .send(side, &packet(said_in, 1, 1, &every_code))
            .expect("relayed");
        assert_eq!(sent.payload_type, heard_in);
        assert_eq!(sent.payload.len(), 256);
        for (code, heard) in every_code.iter().zip(&sent.payload) {
            let (said, heard) = (say(*code), hear(*heard));
            // A quantiser's step is a sixteenth of its segment at most; half of one is lost.
            let step = (said.abs() / 16).max(16);
            assert!((said - heard).abs() <= step, "{side:?} {said} {heard}");
        }
    }
}

#[test]
fn between_legs_of_one_law_not_a_bit_changes() {
    for format in [Format::Pcmu, Format::Pcma] {
        let mut call = Call::new(&plan(format, format));
        let every_code: Vec<u8> = (0..=255).collect();
        let number = format.offered_payload_type().number();
        for side in Side::ALL {
            let sent = call
                .send(side, &packet(number, 1, 1, &every_code))
                .expect("relayed");
            assert_eq!(sent.payload, every_code);
        }
    }
}

#[test]
fn a_dynamic_number_for_the_audio_is_kept_to_its_leg() {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.carrier.payload_type = PayloadType::new(97).unwrap();
    let mut call = Call::new(&plan);
    let up = call.send(Side::Carrier, &packet(97, 1, 1, &[0x55; 160]));
    assert_eq!(up.expect("relayed").payload_type, ULAW);
    let down = call.send(Side::Openai, &packet(ULAW, 1, 1, &[0x55; 160]));
    assert_eq!(down.expect("relayed").payload_type, 97);
    // The static number means nothing on a leg that agreed on another.
    assert_eq!(
        call.send(Side::Carrier, &packet(ULAW, 2, 1, &[0x55; 160])),
        None
    );
}

#[test]
fn what_was_not_negotiated_is_dropped_and_counted() {
    let mut call = Call::pcmu();
    let strange = [ALAW, 9, 12, 18, 63, OPENAI_EVENT, 127];
    for (sequence, number) in (0..).zip(strange) {
        assert_eq!(
            call.send(Side::Carrier, &packet(number, sequence, 1, &[0x55; 160])),
            None
        );
    }
    let stats = call.bridge.leg(Side::Carrier);
    assert_eq!(
        stats.dropped.get(DropReason::PayloadType),
        strange.len() as u64
    );
    assert_eq!((stats.packets, stats.last_packet), (0, None));
}

/// One digit as RFC 4733 sends it: updates with a rising duration and three ends, all with the timestamp of the
/// digit's start, between 20 ms of audio before and after.
fn digit(call: &mut Call, side: Side, audio: u8, event: u8) -> Vec<Sent> {
    let start = 10 * 160;
    let mut packets = vec![packet_at(audio, false, 9, 9 * 160, 1, &[0x55; 160])];
    for update in 0..8_u16 {
        let end = if update < 5 { 0 } else { 0x80 };
        let [high, low] = (160 * (update + 1).min(6)).to_be_bytes();
        let payload = [5, end | 10, high, low];
        packets.push(packet_at(
            event,
            update == 0,
            10 + update,
            start,
            1,
            &payload,
        ));
    }
    packets.push(packet_at(audio, false, 18, 18 * 160, 1, &[0x55; 160]));
    packets
        .iter()
        .map(|packet| call.send(side, packet).expect("relayed"))
        .collect()
}

#[test]
fn digits_pass_under_the_other_legs_number_with_their_timestamp_kept() {
    for (side, event, heard) in [
        (Side::Carrier, CARRIER_EVENT, OPENAI_EVENT),
        (Side::Openai, OPENAI_EVENT, CARRIER_EVENT),
    ] {
        let mut call = Call::pcmu();
        let sent = digit(&mut call, side, ULAW, event);
        let first = &sent[0];
        for (index, packet) in (0_u16..).zip(&sent) {
            assert_eq!(packet.sequence, first.sequence.wrapping_add(index));
            assert_eq!(packet.ssrc, first.ssrc);
        }
        for (update, packet) in sent[1..9].iter().enumerate() {
            assert_eq!(packet.payload_type, heard);
            assert_eq!(packet.timestamp, first.timestamp.wrapping_add(160));
            assert_eq!(packet.marker, update == 0, "the digit's first packet");
            assert_eq!(packet.payload.len(), 4);
            assert_eq!(packet.payload[0], 5);
        }
        assert_eq!(sent[8].payload, [5, 0x8A, 3, 0xC0]);
        assert_eq!((sent[9].payload_type, sent[9].marker), (ULAW, false));
        assert_eq!(sent[9].timestamp, first.timestamp.wrapping_add(9 * 160));
    }
}

#[test]
fn digits_are_no_audio_and_keep_their_bytes_between_laws() {
    let mut call = Call::new(&plan(Format::Pcma, Format::Pcmu));
    let sent = digit(&mut call, Side::Carrier, ALAW, CARRIER_EVENT);
    assert_eq!(sent[1].payload, [5, 10, 0, 160]);
    assert_ne!(sent[0].payload, [0x55; 160], "the audio is converted");
}

#[test]
fn digits_for_a_leg_that_knows_none_are_dropped_and_leave_the_numbering_whole() {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.openai.telephone_event = None;
    let mut call = Call::new(&plan);
    let audio = |sequence| packet(ULAW, sequence, 1, &[0x55; 160]);
    let before = call.send(Side::Carrier, &audio(9)).expect("relayed");
    let event = packet_at(CARRIER_EVENT, true, 10, 1_600, 1, &[5, 10, 0, 160]);
    assert_eq!(call.send(Side::Carrier, &event), None);
    let after = call.send(Side::Carrier, &audio(11)).expect("relayed");
    // What is left out is a gap, as loss is: the receiver's time goes on.
    assert_eq!(after.sequence, before.sequence.wrapping_add(2));
    assert_eq!(after.timestamp, before.timestamp.wrapping_add(320));
    let stats = call.bridge.leg(Side::Carrier);
    assert_eq!(stats.dropped.get(DropReason::PayloadType), 1);
    assert_eq!(stats.lost, 0, "the carrier lost nothing");
}
