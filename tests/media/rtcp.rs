//! Each leg's reports: when they come, what they say, and what the peer's are good for.

use crate::call::{address, packet, plan};
use proptest::prelude::*;
use squelch_media::rtcp::{
    Builder, Cname, Compound, Interval, Kind, NtpTime, Packet, Report, ReportBlock, RtcpPlan,
    SenderInfo, WallClock,
};
use squelch_media::rtp::{RtpTime, Ssrc};
use squelch_media::{Bridge, Channel, DropReason, Format, Forward, MediaPlan, Side};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

/// The carrier's SSRC, and where its RTCP is.
const CARRIER: u32 = 0xCA11;

fn above(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port() + 1)
}

/// A plan whose carrier leg speaks RTCP.
fn reporting(now: Instant, mux: bool, seed: u64) -> MediaPlan {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.carrier.rtcp = Some(RtcpPlan {
        mux,
        remote: above(address(Side::Carrier)),
        voip_metrics: false,
        cname: Cname::new([7; 12]),
        seed,
        clock: WallClock {
            now,
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000),
        },
    });
    plan
}

/// A report that left the bridge.
struct Left {
    at: Duration,
    channel: Channel,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// A call whose carrier talks 20 ms packets, of which `lost` never come.
struct Story {
    start: Instant,
    now: Instant,
    bridge: Bridge,
    sequence: u16,
    left: Vec<Left>,
}

impl Story {
    fn new(mux: bool, seed: u64) -> Story {
        let start = Instant::now();
        Story {
            start,
            now: start,
            bridge: Bridge::new(start, &reporting(start, mux, seed)),
            // Near the wrap.
            sequence: 65_500,
            left: Vec::new(),
        }
    }

    fn talk(&mut self, packets: u32, lost: impl Fn(u32) -> bool) {
        for number in 0..packets {
            self.now += Duration::from_millis(20);
            if !lost(number) {
                let bytes = packet(0, self.sequence, CARRIER, &[0x55; 160]);
                self.forward(address(Side::Carrier), &bytes);
            }
            let back = packet(0, self.sequence, 9, &[0x55; 160]);
            let mut buffer = [0; 1_500];
            buffer[..back.len()].copy_from_slice(&back);
            let from = address(Side::Openai);
            self.bridge
                .forward(self.now, Side::Openai, from, &mut buffer, back.len());
            self.sequence = self.sequence.wrapping_add(1);
            self.drain();
        }
    }

    fn forward(&mut self, from: SocketAddr, bytes: &[u8]) -> Forward {
        let mut buffer = [0; 1_500];
        buffer[..bytes.len()].copy_from_slice(bytes);
        self.bridge
            .forward(self.now, Side::Carrier, from, &mut buffer, bytes.len())
    }

    fn rtcp(&mut self, from: SocketAddr, bytes: &[u8]) {
        let mut buffer = [0; 1_500];
        buffer[..bytes.len()].copy_from_slice(bytes);
        self.bridge
            .handle_rtcp(self.now, Side::Carrier, from, &mut buffer, bytes.len());
    }

    fn drain(&mut self) {
        if self.bridge.poll_timeout().is_some_and(|at| at <= self.now) {
            self.bridge.handle_timeout(self.now);
        }
        let mut out = [0; 1_500];
        while let Some(own) = self.bridge.poll_transmit(self.now, &mut out) {
            let bytes = out[..own.len].to_vec();
            if own.side == Side::Carrier && squelch_media::rtp::is_rtcp(&bytes) {
                self.left.push(Left {
                    at: self.now - self.start,
                    channel: own.channel,
                    to: own.to,
                    bytes,
                });
            }
        }
    }

    fn refused(&self) -> u64 {
        let stats = self.bridge.stats();
        stats.carrier.dropped.get(DropReason::Rtcp)
    }
}

/// The sender report at the head of a compound.
fn sender_report(bytes: &[u8]) -> (Ssrc, SenderInfo, Option<ReportBlock>) {
    let compound = Compound::parse(bytes).expect("a compound");
    match compound.packets().next() {
        Some(Packet::SenderReport {
            ssrc,
            info,
            mut blocks,
        }) => (ssrc, info, blocks.next()),
        other => panic!("{other:?}"),
    }
}

/// The carrier's report on us, sent `held` after our report came to it.
fn answer(ssrc: Ssrc, info: SenderInfo, held: Duration, block: ReportBlock) -> Vec<u8> {
    let mut bytes = [0; 200];
    let mut builder = Builder::new(&mut bytes);
    let block = ReportBlock {
        ssrc,
        last_sr: info.ntp.middle(),
        delay_since_last_sr: (held.as_secs_f64() * 65_536.0) as u32,
        ..block
    };
    builder.report(Ssrc(CARRIER), None, Some(block));
    builder.source_description(Ssrc(CARRIER), b"carrier");
    let len = builder.finish().expect("room");
    bytes[..len].to_vec()
}

const NOTHING_LOST: ReportBlock = ReportBlock {
    ssrc: Ssrc(0),
    fraction_lost: 0,
    cumulative_lost: 0,
    highest: 1,
    jitter: 0,
    last_sr: 0,
    delay_since_last_sr: 0,
};

#[test]
fn rfc3550_6_3_reports_come_at_random_intervals_of_five_seconds_in_the_mean() {
    let (mut sum, mut count) = (Duration::ZERO, 0);
    for seed in 0..40 {
        let start = Instant::now();
        let mut interval = Interval::new(start, seed, 10_000.0);
        let group = squelch_media::rtcp::Group {
            members: 2,
            senders: 2,
            we_sent: true,
        };
        let (mut last, mut first) = (start, true);
        for _ in 0..50 {
            let at = loop {
                let at = interval.due();
                if interval.handle_timeout(at, group) == Report::Due {
                    break at;
                }
            };
            interval.sent(at, 100, group);
            let took = at - last;
            // 5 s x 0.5 / 1.218 and 5 s x 1.5 / 1.218; the first half as much. What is drawn later is cut off.
            let least = Duration::from_secs_f64(if first { 1.02 } else { 2.05 });
            let most = Duration::from_secs_f64(6.16);
            assert!(took >= least && took <= most, "seed {seed}: {took:?}");
            if !first {
                (sum, count) = (sum + took, count + 1);
            }
            (last, first) = (at, false);
        }
    }
    let mean = sum.as_secs_f64() / f64::from(count);
    // Reconsideration and e - 3/2 make up for each other where members come and go; among two it is a little less.
    assert!((4.1..5.2).contains(&mean), "seeds 0..40: {mean}");
}

#[test]
fn reports_leave_by_the_odd_port_or_by_rtps_own() {
    for (mux, channel, to) in [
        (false, Channel::Rtcp, above(address(Side::Carrier))),
        (true, Channel::Rtp, address(Side::Carrier)),
    ] {
        let mut story = Story::new(mux, 5);
        story.talk(1_000, |_| false);
        assert!((3..10).contains(&story.left.len()), "{}", story.left.len());
        for left in &story.left {
            assert_eq!((left.channel, left.to), (channel, to), "{:?}", left.at);
        }
    }
}

#[test]
fn a_sender_report_counts_what_was_sent_and_ties_the_clocks_together() {
    let mut story = Story::new(false, 1);
    story.talk(1_000, |_| false);
    let reports: Vec<_> = story
        .left
        .iter()
        .map(|left| (left.at, sender_report(&left.bytes)))
        .collect();
    for pair in reports.windows(2) {
        let [(before, (_, first, _)), (after, (ssrc, second, _))] = pair else {
            panic!()
        };
        assert_eq!(*ssrc, Ssrc(0xCA11_0001));
        let packets = ((*after - *before).as_millis() / 20) as u32;
        assert_eq!(second.packets - first.packets, packets);
        assert_eq!(second.octets - first.octets, packets * 160);
        // Ticks and NTP seconds run alike, over the timestamp's wrap.
        let ticks = second.rtp.since(first.rtp);
        let seconds = (second.ntp.0 - first.ntp.0) as f64 / 4_294_967_296.0;
        assert!(
            (f64::from(ticks) / 8_000.0 - seconds).abs() < 0.000_2,
            "{ticks} {seconds}"
        );
    }
}

#[test]
fn losses_are_told_by_interval_and_in_all_over_the_wrap() {
    let mut story = Story::new(false, 3);
    story.talk(2_000, |number| number % 10 == 4);
    let start_sequence = 65_500_u32;
    let mut prior = (0_u32, 0_u32);
    for left in &story.left {
        let (_, _, block) = sender_report(&left.bytes);
        let block = block.expect("the carrier is heard");
        assert_eq!(block.ssrc, Ssrc(CARRIER));
        // Independently: packet n left at 20 ms x (n + 1), and every tenth from the fifth on is lost.
        let sent = (left.at.as_millis() / 20) as u32;
        let last = (0..sent).rev().find(|n| n % 10 != 4).expect("some");
        let expected = last + 1;
        let came = (0..=last).filter(|n| n % 10 != 4).count() as u32;
        assert_eq!(block.highest, start_sequence + last, "{:?}", left.at);
        assert_eq!(block.cumulative_lost, (expected - came) as i32);
        let (expected_now, came_now) = (expected - prior.0, came - prior.1);
        let fraction = (expected_now - came_now) * 256 / expected_now;
        assert_eq!(u32::from(block.fraction_lost), fraction);
        prior = (expected, came);
    }
    assert!(story.left.len() > 5);
}

#[test]
fn the_peers_answer_tells_the_round_trip_and_what_it_lost() {
    let mut story = Story::new(false, 2);
    story.talk(400, |_| false);
    let (ssrc, info, _) = sender_report(&story.left.last().expect("a report").bytes);
    let left = story.start + story.left.last().expect("a report").at;
    let held = Duration::from_millis(500);
    story.now = left + held + Duration::from_millis(80);
    let block = ReportBlock {
        fraction_lost: 64,
        cumulative_lost: 30,
        jitter: 80,
        ..NOTHING_LOST
    };
    story.rtcp(
        above(address(Side::Carrier)),
        &answer(ssrc, info, held, block),
    );
    let leg = story.bridge.stats().carrier;
    let took = leg.rtcp.round_trip.expect("a round-trip time");
    assert!(
        took.abs_diff(Duration::from_millis(80)) < Duration::from_millis(1),
        "{took:?}"
    );
    let peer = leg.rtcp.peer.expect("the peer's view");
    assert_eq!((peer.loss, peer.lost), (0.25, 30));
    assert_eq!(peer.jitter, Duration::from_millis(10));
    // The delay is part of the rating from now on.
    assert!(leg.mos < 4.41 && leg.mos > 4.3, "{}", leg.mos);
    // A report on something squelch never sent tells nothing.
    let foreign = SenderInfo {
        ntp: NtpTime(0x1234_5678_9ABC_DEF0),
        rtp: RtpTime(0),
        ..info
    };
    story.rtcp(
        above(address(Side::Carrier)),
        &answer(ssrc, foreign, held, block),
    );
    assert_eq!(story.bridge.stats().carrier.rtcp.round_trips, 1);
}

#[test]
fn reports_from_elsewhere_are_neither_taken_nor_passed_on() {
    let mut story = Story::new(false, 4);
    story.talk(300, |_| false);
    let (ssrc, info, _) = sender_report(&story.left[0].bytes);
    let bytes = answer(ssrc, info, Duration::ZERO, NOTHING_LOST);
    let stranger = SocketAddr::from(([203, 0, 113, 66], 40_001));
    story.rtcp(stranger, &bytes);
    assert_eq!(
        story.forward(stranger, &bytes),
        Forward::Drop(DropReason::Rtcp)
    );
    assert_eq!(story.refused(), 2);
    assert_eq!(story.bridge.stats().carrier.rtcp.received.total(), 0);
    // From the peer it is taken, and ends here.
    assert_eq!(
        story.forward(address(Side::Carrier), &bytes),
        Forward::Report
    );
    assert_eq!(
        story
            .bridge
            .stats()
            .carrier
            .rtcp
            .received
            .get(Kind::ReceiverReport),
        1
    );
}

#[test]
fn a_bye_of_the_peers_ends_nothing_and_ours_is_the_last() {
    let mut story = Story::new(false, 6);
    story.talk(300, |_| false);
    let mut bytes = [0; 200];
    let mut builder = Builder::new(&mut bytes);
    builder.report(Ssrc(CARRIER), None, None);
    builder.source_description(Ssrc(CARRIER), b"carrier");
    builder.bye(Ssrc(CARRIER));
    let len = builder.finish().expect("room");
    story.rtcp(above(address(Side::Carrier)), &bytes[..len]);
    assert_eq!(story.bridge.stats().carrier.rtcp.received.get(Kind::Bye), 1);
    let before = story.bridge.stats().openai.sent;
    story.talk(300, |_| false);
    assert_eq!(story.bridge.stats().openai.sent - before, 300);
    story.bridge.end();
    story.drain();
    let last = story.left.pop().expect("a BYE");
    let kinds: Vec<Kind> = Compound::parse(&last.bytes)
        .expect("a compound")
        .packets()
        .map(|packet| packet.kind())
        .collect();
    assert_eq!(
        kinds,
        [Kind::SenderReport, Kind::SourceDescription, Kind::Bye]
    );
    let sent = story.left.len();
    story.now += Duration::from_secs(60);
    story.drain();
    assert_eq!(story.left.len(), sent, "nothing after it");
}

#[test]
fn rtcp_alone_keeps_a_peer_that_never_talks() {
    for reports in [false, true] {
        let mut story = Story::new(false, 8);
        if reports {
            let bytes = answer(
                Ssrc(1),
                SenderInfo {
                    ntp: NtpTime(0),
                    rtp: RtpTime(0),
                    packets: 0,
                    octets: 0,
                },
                Duration::ZERO,
                NOTHING_LOST,
            );
            story.rtcp(above(address(Side::Carrier)), &bytes);
        }
        story.talk(1_000, |_| true);
        let sent = story.bridge.stats().carrier.sent;
        assert_eq!(sent > 900, reports, "{sent}");
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let header = (
        0_u8..4,
        any::<u8>(),
        195_u8..212,
        0_u16..12,
        proptest::collection::vec(any::<u8>(), 0..60),
    );
    let packet = header.prop_map(|(version, count, kind, words, body)| {
        let mut bytes = vec![version << 6 | count & 0x3F, kind];
        bytes.extend(words.to_be_bytes());
        bytes.extend(body);
        bytes
    });
    proptest::collection::vec(packet, 1..4).prop_map(|packets| packets.concat())
}

proptest! {
    #[test]
    fn hostile_compounds_are_read_or_refused_and_nothing_else(bytes in bytes()) {
        if let Ok(compound) = Compound::parse(&bytes) {
            for packet in compound.packets() {
                match packet {
                    Packet::SenderReport { blocks, .. } | Packet::ReceiverReport { blocks, .. } => {
                        prop_assert!(blocks.count() < 32);
                    }
                    Packet::SourceDescription(chunks) => prop_assert!(chunks.count() < 32),
                    Packet::Bye(sources) => prop_assert!(sources.count() < 32),
                    Packet::ExtendedReport { blocks, .. } => prop_assert!(blocks.count() < 32),
                    Packet::Other(_) => {}
                }
            }
        }
        let mut story = Story::new(true, 9);
        story.talk(3, |_| false);
        story.forward(address(Side::Carrier), &bytes);
        story.rtcp(above(address(Side::Carrier)), &bytes);
        story.talk(3, |_| false);
        prop_assert_eq!(story.bridge.stats().openai.packets, 6);
    }
}
