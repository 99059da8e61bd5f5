//! Whatever arrives: no panic, nothing longer goes out than came in, and what goes out is RTP under squelch's own
//! numbers, as webrtc-rtp reads it.

use crate::call::{BUFFER_BYTES, CARRIER_EVENT, OPENAI_EVENT, address, packet_at, plan};
use proptest::prelude::*;
use rtc_shared::marshal::Unmarshal;
use squelch_media::rtp::View;
use squelch_media::{Bridge, Direction, Format, Forward, GuardAction, MediaPlan, Side};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// One datagram of a story.
#[derive(Clone, Debug)]
struct Arrival {
    side: Side,
    from: SocketAddr,
    after: Duration,
    bytes: Vec<u8>,
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Carrier), Just(Side::Openai)]
}

/// The leg's peer as a rule, another port of it or a stranger at times.
fn source(side: Side) -> impl Strategy<Value = SocketAddr> {
    let peer = address(side);
    prop_oneof![
        12 => Just(peer),
        1 => Just(SocketAddr::new(peer.ip(), 9)),
        1 => Just("[2001:db8::1]:9".parse().unwrap()),
    ]
}

fn a_plan() -> impl Strategy<Value = MediaPlan> {
    let format = prop_oneof![Just(Format::Pcmu), Just(Format::Pcma)];
    let direction = prop_oneof![
        6 => Just(Direction::SendRecv),
        1 => Just(Direction::SendOnly),
        1 => Just(Direction::Inactive),
    ];
    let action = prop_oneof![
        Just(GuardAction::Observe),
        Just(GuardAction::Mute),
        Just(GuardAction::Protect),
    ];
    (format.clone(), format, direction, action, any::<bool>()).prop_map(
        |(carrier, openai, direction, action, events)| {
            let mut plan = plan(carrier, openai);
            plan.carrier.direction = direction;
            plan.guard.action = action;
            if !events {
                plan.openai.telephone_event = None;
            }
            plan
        },
    )
}

/// Bytes that are anything, or begin as RTP does.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..BUFFER_BYTES);
    (bytes, any::<bool>(), any::<bool>()).prop_map(|(mut bytes, versioned, typed)| {
        if let (Some(first), true) = (bytes.first_mut(), versioned) {
            *first = *first & 0x3F | 0x80;
        }
        if let (Some(second), true) = (bytes.get_mut(1), typed) {
            *second &= 0x88;
        }
        bytes
    })
}

/// What a hostile network does to a valid packet.
#[derive(Clone, Debug)]
enum Mutation {
    None,
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Append(Vec<u8>),
    FirstByte(u8),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    use prop::sample::Index;
    prop_oneof![
        4 => Just(Mutation::None),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        1 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        1 => prop::collection::vec(any::<u8>(), 1..64).prop_map(Mutation::Append),
        1 => any::<u8>().prop_map(Mutation::FirstByte),
    ]
}

fn mutate(mut bytes: Vec<u8>, mutation: &Mutation) -> Vec<u8> {
    match mutation {
        Mutation::None => {}
        Mutation::Set(at, byte) => *at.get_mut(&mut bytes) = *byte,
        Mutation::Flip(at, bit) => *at.get_mut(&mut bytes) ^= 1 << bit,
        Mutation::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Mutation::Append(more) => bytes.extend(more),
        Mutation::FirstByte(byte) => bytes[0] = *byte,
    }
    bytes.truncate(BUFFER_BYTES);
    bytes
}

/// A stream of valid packets of any size and content, with every mutation among them.
fn mutated() -> impl Strategy<Value = Vec<Arrival>> {
    let payload = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 160),
        1 => prop::collection::vec(any::<u8>(), 0..1_400),
        1 => (any::<u8>(), 1..481_usize).prop_map(|(byte, length)| vec![byte; length]),
    ];
    let payload_type = prop_oneof![
        4 => Just(0_u8),
        4 => Just(8),
        1 => Just(CARRIER_EVENT),
        1 => Just(OPENAI_EVENT),
    ];
    let step = prop_oneof![10 => Just(1_u16), 1 => any::<u16>()];
    let one = (
        side(),
        payload_type,
        step,
        payload,
        mutation(),
        0..100_u64,
        any::<bool>(),
    );
    prop::collection::vec(one, 1..80).prop_flat_map(|packets| {
        let mut sequence = 65_500_u16;
        let arrivals: Vec<_> = packets
            .into_iter()
            .map(
                |(side, payload_type, step, payload, mutation, ms, marker)| {
                    sequence = sequence.wrapping_add(step);
                    let timestamp = u32::from(sequence).wrapping_mul(160);
                    let valid = packet_at(payload_type, marker, sequence, timestamp, 5, &payload);
                    let bytes = mutate(valid, &mutation);
                    source(side).prop_map(move |from| Arrival {
                        side,
                        from,
                        after: Duration::from_millis(ms),
                        bytes: bytes.clone(),
                    })
                },
            )
            .collect();
        arrivals
    })
}

fn arbitrary() -> impl Strategy<Value = Vec<Arrival>> {
    let one = (side(), anything(), 0..100_u64).prop_flat_map(|(side, bytes, ms)| {
        source(side).prop_map(move |from| Arrival {
            side,
            from,
            after: Duration::from_millis(ms),
            bytes: bytes.clone(),
        })
    });
    prop::collection::vec(one, 1..40)
}

/// Holds that a packet that leaves is one of ours.
fn check(plan: &MediaPlan, side: Side, to: SocketAddr, bytes: &[u8]) -> Result<(), TestCaseError> {
    let leg = plan.leg(side);
    let view = View::parse(bytes).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
    prop_assert_eq!(view.ssrc(), leg.ssrc);
    prop_assert!(
        view.payload_type() == leg.payload_type || Some(view.payload_type()) == leg.telephone_event
    );
    prop_assert_eq!(to.ip(), leg.remote.ip());
    prop_assert!(!view.payload().is_empty());
    let foreign = webrtc_rtp::Packet::unmarshal(&mut &bytes[..]);
    // An extension's content is the peers' own affair: webrtc-rtp reads it, squelch passes it on.
    if bytes[0] & 0x10 == 0 {
        let foreign = foreign.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&foreign.payload[..], view.payload());
        prop_assert_eq!(foreign.header.sequence_number, view.sequence());
        prop_assert_eq!(foreign.header.timestamp, view.timestamp().0);
    }
    Ok(())
}

fn run(plan: &MediaPlan, arrivals: &[Arrival]) -> Result<(), TestCaseError> {
    let mut now = Instant::now();
    let mut bridge = Bridge::new(now, plan);
    let (mut sent, mut dropped) = ([0_u64; 2], 0_u64);
    for arrival in arrivals {
        now += arrival.after;
        let mut buffer = [0xA5; BUFFER_BYTES];
        let came = arrival.bytes.len();
        buffer[..came].copy_from_slice(&arrival.bytes);
        match bridge.forward(now, arrival.side, arrival.from, &mut buffer, came) {
            Forward::Send { to, len } => {
                prop_assert!(len <= came, "{} out of {}", len, came);
                let side = arrival.side.other();
                check(plan, side, to, &buffer[..len])?;
                sent[side as usize] += 1;
            }
            Forward::Drop(_) => dropped += 1,
            Forward::Hold | Forward::Report => {}
        }
        prop_assert!(
            buffer[came..].iter().all(|byte| *byte == 0xA5),
            "written past the packet"
        );
        while bridge.poll_event().is_some() {}
        bridge.handle_timeout(now);
        let mut out = [0; BUFFER_BYTES];
        while let Some(transmit) = bridge.poll_transmit(now, &mut out) {
            check(plan, transmit.side, transmit.to, &out[..transmit.len])?;
            sent[transmit.side as usize] += 1;
        }
    }
    let stats = bridge.stats();
    prop_assert_eq!(
        [stats.carrier.sent, stats.openai.sent],
        [sent[Side::Carrier as usize], sent[Side::Openai as usize]]
    );
    prop_assert_eq!(
        stats.carrier.dropped.total() + stats.openai.dropped.total(),
        dropped
    );
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_datagrams(plan in a_plan(), arrivals in arbitrary()) {
        run(&plan, &arrivals)?;
    }

    #[test]
    fn mutations_of_valid_packets(plan in a_plan(), arrivals in mutated()) {
        run(&plan, &arrivals)?;
    }

    #[test]
    fn any_claimed_length(bytes in anything(), claimed in 0..4_000_usize) {
        let now = Instant::now();
        let mut bridge = Bridge::new(now, &plan(Format::Pcmu, Format::Pcma));
        let mut buffer = bytes.clone();
        let forward =
            bridge.forward(now, Side::Carrier, address(Side::Carrier), &mut buffer, claimed);
        if let Forward::Send { len, .. } = forward {
            prop_assert!(len <= claimed && len <= buffer.len());
        }
        let mut small = vec![0; claimed % 200];
        if let Some(transmit) = bridge.poll_transmit(now, &mut small) {
            prop_assert!(transmit.len <= small.len());
        }
    }
}
