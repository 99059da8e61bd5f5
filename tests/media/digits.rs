//! Keys pressed on a telephone (RFC 4733): each leg hears the other's as its own telephone-events, whole.

use crate::call::{CARRIER_EVENT, Call, OPENAI_EVENT, Sent, packet_at, plan};
use squelch_media::{Format, Side};

const ULAW: u8 = 0;
const ALAW: u8 = 8;
/// RFC 4733 section 2.3: the volume of a usual press.
const VOLUME: u8 = 10;
const SSRC: u32 = 0xD161;
/// Of its last packets.
const END: u8 = 0x80;

fn event(side: Side) -> u8 {
    match side {
        Side::Carrier => CARRIER_EVENT,
        Side::Openai => OPENAI_EVENT,
    }
}

/// The packets of one press of 100 ms: five that grow, then the end three times, under one timestamp.
fn press(side: Side, key: u8, first: u16, timestamp: u32) -> Vec<Vec<u8>> {
    let grown = (1..=5_u16).map(|packet| (0, packet * 160));
    let packets = grown.chain([(END, 800); 3]).zip(0..);
    let write = |((end, duration), index): ((u8, u16), u16)| {
        let [high, low] = duration.to_be_bytes();
        let payload = [key, end | VOLUME, high, low];
        let sequence = first.wrapping_add(index);
        packet_at(event(side), index == 0, sequence, timestamp, SSRC, &payload)
    };
    packets.map(write).collect()
}

/// Speech, a press of each key, speech again, 20 ms apart.
fn story(call: &mut Call, side: Side, law: u8, keys: &[u8]) -> Vec<Sent> {
    let mut sent = Vec::new();
    let (mut sequence, mut timestamp) = (65_530_u16, u32::MAX - 1_000);
    let mut go = |call: &mut Call, packet: &[u8]| {
        sent.extend(call.send(side, packet));
    };
    for part in 0..=keys.len() {
        for _ in 0..5 {
            let speech = packet_at(law, false, sequence, timestamp, SSRC, &[0x55; 160]);
            go(call, &speech);
            (sequence, timestamp) = (sequence.wrapping_add(1), timestamp.wrapping_add(160));
        }
        let Some(key) = keys.get(part) else { break };
        for packet in press(side, *key, sequence, timestamp) {
            go(call, &packet);
        }
        (sequence, timestamp) = (sequence.wrapping_add(8), timestamp.wrapping_add(8 * 160));
    }
    sent
}

#[test]
fn every_key_arrives_whole_under_the_other_legs_type() {
    for (side, carrier, law) in [
        (Side::Carrier, Format::Pcmu, ULAW),
        (Side::Openai, Format::Pcmu, ULAW),
        (Side::Carrier, Format::Pcma, ALAW),
    ] {
        let keys: Vec<u8> = (0..16).collect();
        let mut call = Call::new(&plan(carrier, Format::Pcmu));
        let sent = story(&mut call, side, law, &keys);
        assert_eq!(sent.len(), 5 * 17 + 8 * 16, "nothing is lost");
        let to = event(side.other());
        let presses: Vec<&[Sent]> = sent
            .chunk_by(|a, b| (a.payload_type == to) == (b.payload_type == to))
            .filter(|run| run[0].payload_type == to)
            .collect();
        assert_eq!(presses.len(), 16);
        for (press, key) in presses.into_iter().zip(keys) {
            assert_eq!(press.len(), 8);
            assert!(press[0].marker, "it begins");
            assert!(press[1..].iter().all(|packet| !packet.marker));
            assert!(
                press
                    .iter()
                    .all(|packet| packet.timestamp == press[0].timestamp)
            );
            let heard: Vec<Vec<u8>> = press.iter().map(|p| p.payload.clone()).collect();
            let said = [1, 2, 3, 4, 5, 5, 5, 5_u16].map(|packets| packets * 160);
            let ends = [0, 0, 0, 0, 0, END, END, END];
            let said: Vec<Vec<u8>> = said
                .iter()
                .zip(ends)
                .map(|(duration, end)| {
                    let [high, low] = duration.to_be_bytes();
                    vec![key, end | VOLUME, high, low]
                })
                .collect();
            assert_eq!(heard, said, "key {key}");
        }
        // The press takes its place on the one timeline that the speech is on.
        for pair in sent.windows(2) {
            let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
            assert!([0, 160, 8 * 160].contains(&step), "{step}");
        }
    }
}

#[test]
fn an_end_repeated_under_one_sequence_number_is_heard_once() {
    let mut call = Call::pcmu();
    let mut packets = press(Side::Carrier, 7, 100, 5_000);
    // As SIPp's own captures have it.
    let end = packets[5].clone();
    packets[6].clone_from(&end);
    packets[7] = end;
    let sent = packets
        .iter()
        .map(|packet| call.send(Side::Carrier, packet));
    let arrived: Vec<bool> = sent.map(|sent| sent.is_some()).collect();
    assert_eq!(arrived, [true, true, true, true, true, true, false, false]);
}
