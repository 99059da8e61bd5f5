//! Nothing is allocated per packet, whatever the packets are like.
//!
//! The counting allocator counts the thread that measures, so other tests in the same process do no harm.

use crate::detector::{as_static, packets, pcm16, speech};
use crate::transcoding::formats;
use squelch_g711::Law;
use squelch_media::audio::transcode::{Silence, Transcoder};
use squelch_media::rtp::{PayloadType, Ptime, RtpTime, Ssrc};
use squelch_media::srtp::{MasterKey, Protector, Suite};
use squelch_media::{
    Bridge, Direction, Format, Forward, GuardAction, GuardPlan, LegPlan, MediaEvent, MediaPlan,
    Rings, Side, SrtpPlan, TapFor,
};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

fn leg(format: Format, remote: &str) -> LegPlan {
    LegPlan {
        format,
        payload_type: format.offered_payload_type(),
        telephone_event: PayloadType::new(101),
        comfort_noise: None,
        ptime: Ptime::DEFAULT,
        direction: Direction::SendRecv,
        remote: remote.parse().unwrap(),
        media_sources: vec!["192.0.2.0/24".parse().unwrap()],
        fec: false,
        srtp: None,
        dialog: 0,
        rtcp: None,
        ssrc: Ssrc(0x5157_3100),
        sequence: 65_530,
        timestamp: RtpTime(u32::MAX - 400),
    }
}

const CARRIER: &str = "192.0.2.1:4000";
const OPENAI: &str = "192.0.2.3:5000";

/// A packet with two CSRCs, an extension and padding, as `index` says.
fn packet(index: usize, ssrc: u32, payload_type: u8, payload: &[u8]) -> Vec<u8> {
    let (csrcs, extended, padded) = (
        index.is_multiple_of(3),
        index.is_multiple_of(4),
        index.is_multiple_of(5),
    );
    let first = 0x80 | u8::from(padded) << 5 | u8::from(extended) << 4 | if csrcs { 2 } else { 0 };
    let mut bytes = vec![first, payload_type];
    bytes.extend((index as u16).to_be_bytes());
    bytes.extend((160 * index as u32).to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    if csrcs {
        bytes.extend([7; 8]);
    }
    if extended {
        bytes.extend([0xBE, 0xDE, 0, 1, 1, 2, 3, 4]);
    }
    bytes.extend_from_slice(payload);
    if padded {
        bytes.extend([0, 0, 3]);
    }
    bytes
}

struct Heard {
    allocations: u64,
    /// How often a timeout allocated: a repair's resampler, once a call.
    prepared: usize,
    sent: usize,
    faults: usize,
    bridge: Bridge,
}

/// Without look-back, and with it; plain and encrypted.
fn ways() -> impl Iterator<Item = (Duration, Option<Suite>)> {
    let holds = [Duration::ZERO, Duration::from_millis(60)];
    holds
        .into_iter()
        .flat_map(|hold| SUITES.map(|suite| (hold, suite)))
}

/// Plain RTP, and what may encrypt both legs.
const SUITES: [Option<Suite>; 4] = [
    None,
    Some(Suite::AesCm128HmacSha1_80),
    Some(Suite::AeadAes128Gcm),
    Some(Suite::AeadAes256Gcm),
];

fn srtp(suite: Suite, first: u8) -> SrtpPlan {
    let key = |first| MasterKey::new(suite, &vec![first; suite.key_bytes() + suite.salt_bytes()]);
    SrtpPlan {
        send: key(first).unwrap(),
        receive: key(first + 1).unwrap(),
        confidential: true,
    }
}

/// Relays the payloads from OpenAI to a carrier of the other law and counts what is allocated while it does.
fn relay(payloads: &[Vec<u8>], hold: Duration, suite: Option<Suite>) -> Heard {
    let plan = MediaPlan {
        carrier: LegPlan {
            srtp: suite.map(|suite| srtp(suite, 1)),
            ..leg(Format::Pcma, CARRIER)
        },
        openai: LegPlan {
            srtp: suite.map(|suite| srtp(suite, 3)),
            ..leg(Format::Pcmu, OPENAI)
        },
        guard: GuardPlan {
            action: GuardAction::Protect,
            hold,
        },
    };
    let start = Instant::now();
    let mut bridge = Bridge::new(start, &plan);
    // Rings that are full long before the stream is over.
    for what_for in [TapFor::Fault, TapFor::Recording] {
        let rings = Rings::new(Duration::from_millis(500), [Format::Pcmu; 2]);
        bridge.swap_rings(what_for, Some(rings));
    }
    let (carrier, openai): (SocketAddr, SocketAddr) =
        (CARRIER.parse().unwrap(), OPENAI.parse().unwrap());
    // The carrier talks as well, or no more than a few packets would go to it.
    let seal = |peer: &mut Option<Protector>, packet: &mut Vec<u8>| {
        if let Some(peer) = peer {
            let length = packet.len();
            packet.resize(length + peer.overhead(), 0);
            peer.protect_rtp(packet, length).expect("a packet");
        }
    };
    let peer = |leg: &LegPlan| leg.srtp.as_ref().map(|srtp| Protector::new(&srtp.receive));
    let (mut caller, mut model) = (peer(&plan.carrier), peer(&plan.openai));
    let mut hello = packet(1, 9, 8, &[0xD5; 160]);
    seal(&mut caller, &mut hello);
    let length = hello.len();
    hello.resize(1_500, 0);
    bridge.forward(start, Side::Carrier, carrier, &mut hello, length);
    let mut buffer = [0_u8; 1_500];
    let (mut sent, mut faults) = (0, 0);
    let (mut allocations, mut prepared, mut copied) = (0, 0, 0);
    for (index, payload) in payloads.iter().enumerate() {
        // Every 17th is lost, every 50th comes twice, the source changes half-way, DTMF comes between.
        if index % 17 == 5 {
            continue;
        }
        let ssrc = if index < payloads.len() / 2 { 1 } else { 2 };
        let payload_type = if index % 23 == 7 { 101 } else { 0 };
        let mut bytes = packet(index, ssrc, payload_type, payload);
        seal(&mut model, &mut bytes);
        let times = if index % 50 == 9 { 2 } else { 1 };
        for _ in 0..times {
            let now = start + Duration::from_millis(20 * index as u64);
            buffer[..bytes.len()].copy_from_slice(&bytes);
            let info = allocation_counter::measure(|| {
                if let Forward::Send { .. } =
                    bridge.forward(now, Side::Openai, openai, &mut buffer, bytes.len())
                {
                    sent += 1;
                }
                while let Some(event) = bridge.poll_event() {
                    faults += usize::from(matches!(event, MediaEvent::Fault { .. }));
                }
                while let Some(out) = bridge.poll_transmit(now, &mut buffer) {
                    sent += usize::from(out.side == Side::Carrier);
                }
            });
            allocations += info.count_total;
            let timeout = allocation_counter::measure(|| bridge.handle_timeout(now));
            // As a recording is fetched: every second, new rings for full ones.
            if index % 50 == 49 {
                let mut rings = Some(Rings::new(Duration::from_millis(500), [Format::Pcmu; 2]));
                let info = allocation_counter::measure(|| {
                    rings = bridge.swap_rings(TapFor::Recording, rings.take());
                });
                allocations += info.count_total;
                copied += rings.map_or(0, |rings| rings.down.packets().count());
            }
            prepared += usize::from(timeout.count_total > 0);
        }
    }
    assert!(copied > 50, "the tap copied {copied} packets");
    Heard {
        allocations,
        prepared,
        sent,
        faults,
        bridge,
    }
}

#[test]
fn speech_through_the_other_law_allocates_nothing() {
    for (hold, suite) in ways() {
        let heard = relay(&packets(&speech(), 160), hold, suite);
        assert!(heard.sent > 300, "{}", heard.sent);
        assert_eq!(heard.faults, 0);
        assert_eq!((heard.allocations, heard.prepared), (0, 0));
    }
}

#[test]
fn static_that_is_muted_allocates_nothing() {
    let bytes = as_static(&speech().repeat(6), Law::Mu);
    for (hold, suite) in ways() {
        let heard = relay(&packets(&bytes, 160), hold, suite);
        assert!(heard.faults > 0, "the static was not found");
        assert!(
            heard.bridge.guard().muted > Duration::from_secs(1),
            "{:?}",
            heard.bridge.guard()
        );
        assert_eq!((heard.allocations, heard.prepared), (0, 0));
    }
}

#[test]
fn pcm16_that_is_repaired_allocates_nothing() {
    // Each sample once is 8 kHz; three times is 24 kHz, and goes through the resampler.
    for times in [1, 3] {
        let spoken = pcm16(&speech(), false);
        let bytes: Vec<u8> = spoken
            .chunks_exact(2)
            .flat_map(|sample| sample.repeat(times))
            .collect();
        let mut stream = packets(&speech(), 160);
        stream.truncate(50);
        stream.extend(packets(&bytes, 320 * times));
        for (hold, suite) in ways() {
            let heard = relay(&stream, hold, suite);
            assert!(
                heard.bridge.guard().repaired > Duration::from_secs(1),
                "{times}: {:?}",
                heard.bridge.guard()
            );
            assert_eq!((heard.allocations, heard.prepared), (0, 1), "{times}");
        }
    }
}

#[test]
fn no_pair_of_formats_allocates_for_a_packet_a_gap_or_a_restart() {
    let all = formats();
    for (from, to) in all
        .iter()
        .flat_map(|from| all.iter().map(|to| (*from, *to)))
    {
        let silence = Silence::new(from, Ptime::DEFAULT).expect("silence");
        let mut transcoder =
            Transcoder::new(from, to, Ptime::DEFAULT, Ptime::MAX).expect("a pair of formats");
        let (mut out, mut frames) = (vec![0; 8_000], 0);
        let ticks = from.clock_rate() / 50;
        let info = allocation_counter::measure(|| {
            for index in 0..60 {
                // Every 7th is lost, and half-way a second is missing.
                let at = RtpTime(ticks * (index + if index < 30 { 0 } else { 50 }));
                if index % 7 != 3 && transcoder.push(at, silence.frame()).is_ok() {
                    while let Ok(Some(_)) = transcoder.pop(&mut out) {
                        frames += 1;
                    }
                }
            }
        });
        assert!(frames >= 19, "{from} to {to}: {frames}");
        assert_eq!(info.count_total, 0, "{from} to {to}");
    }
}

#[test]
fn a_lane_allocates_nothing_for_packets_losses_digits_and_noise_plain_or_encrypted() {
    let l16 = Format::L16(squelch_media::SampleRate::Hz16000);
    let pairs = [
        (l16, Ptime::DEFAULT, Format::Pcmu, Ptime::DEFAULT),
        (Format::Pcma, Ptime::MAX, Format::Pcmu, Ptime::DEFAULT),
        (Format::Pcmu, Ptime::DEFAULT, l16, Ptime::MIN),
    ];
    for ((from, came, to, goes), suite) in pairs
        .into_iter()
        .flat_map(|pair| SUITES.map(|suite| (pair, suite)))
    {
        let plan = MediaPlan {
            carrier: LegPlan {
                ptime: came,
                srtp: suite.map(|suite| srtp(suite, 1)),
                ..leg(from, CARRIER)
            },
            openai: LegPlan {
                ptime: goes,
                srtp: suite.map(|suite| srtp(suite, 3)),
                ..leg(to, OPENAI)
            },
            guard: GuardPlan {
                action: GuardAction::Protect,
                hold: Duration::ZERO,
            },
        };
        let start = Instant::now();
        let carrier: SocketAddr = CARRIER.parse().unwrap();
        let mut bridge = Bridge::new(start, &plan);
        let mut caller = plan
            .carrier
            .srtp
            .as_ref()
            .map(|srtp| Protector::new(&srtp.receive));
        let silence = Silence::new(from.into(), came).expect("silence");
        let (mut allocations, mut sent) = (0, 0);
        let mut buffer = [0_u8; 1_600];
        for index in 0..200_usize {
            // Loss, digits and comfort noise between packets of audio; the source changes half-way.
            let (number, payload): (u8, &[u8]) = match index % 23 {
                5 => continue,
                7 => (101, &[5, 0x8A, 0, 160]),
                11 if from.is_g711() => (13, &[60]),
                _ => (from.offered_payload_type().number(), silence.frame()),
            };
            let mut bytes = packet(index, if index < 100 { 1 } else { 2 }, number, payload);
            let ticks = came.samples(from.clock_rate()) * index;
            bytes[4..8].copy_from_slice(&(ticks as u32).to_be_bytes());
            if let Some(caller) = &mut caller {
                let length = bytes.len();
                bytes.resize(length + caller.overhead(), 0);
                caller.protect_rtp(&mut bytes, length).expect("a packet");
            }
            let now = start + came.duration() * index as u32;
            buffer[..bytes.len()].copy_from_slice(&bytes);
            let info = allocation_counter::measure(|| {
                bridge.forward(now, Side::Carrier, carrier, &mut buffer, bytes.len());
                while bridge.poll_event().is_some() {}
                bridge.handle_timeout(now);
                while bridge.poll_transmit(now, &mut buffer).is_some() {
                    sent += 1;
                }
            });
            allocations += info.count_total;
        }
        assert!(sent > 100, "{from:?} to {to:?}: {sent}");
        assert_eq!(allocations, 0, "{from:?} to {to:?} {suite:?}");
    }
}
