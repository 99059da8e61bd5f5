//! The media path's metrics.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use squelch_call::{CallId, CallRecord};
use squelch_media::rtcp::Kind;
use squelch_media::{BridgeStats, DropReason, LegStats, MediaEvent, Side};

use super::{Counts, Distributions, Labels, Seconds, exponential_buckets, labels, set};

#[derive(Debug)]
pub(super) struct Media {
    packets: Counts,
    lost: Counts,
    dropped: Counts,
    jitter: Distributions,
    mos: Distributions,
    rtcp: Counts,
    peer_lost: Counts,
    round_trip: Distributions,
    detection: Histogram,
    gate: Seconds,
    relay: Histogram,
    /// The last figures of each call that is up.
    running: HashMap<CallId, BridgeStats>,
    /// The figures of all calls that are over.
    over: Totals,
}

/// Sums over calls.
#[derive(Debug, Clone, Default)]
struct Totals {
    legs: [LegTotals; Side::ALL.len()],
    muted: Duration,
    repaired: Duration,
}

#[derive(Debug, Clone, Default)]
struct LegTotals {
    received: u64,
    sent: u64,
    lost: u64,
    dropped: [u64; DropReason::ALL.len()],
    rtcp_received: [u64; Kind::ALL.len()],
    rtcp_sent: [u64; Kind::ALL.len()],
    peer_lost: u64,
}

impl Media {
    pub(super) fn new(to: &mut Registry) -> Media {
        let media = Media {
            packets: Counts::default(),
            lost: Counts::default(),
            dropped: Counts::default(),
            jitter: Distributions::new_with_constructor(|| Histogram::new(JITTER)),
            mos: Distributions::new_with_constructor(|| Histogram::new(MOS)),
            rtcp: Counts::default(),
            peer_lost: Counts::default(),
            round_trip: Distributions::new_with_constructor(|| Histogram::new(ROUND_TRIP)),
            detection: Histogram::new(DETECTION),
            gate: Seconds::default(),
            relay: Histogram::new(exponential_buckets(2e-6, 2.0, 14)),
            running: HashMap::new(),
            over: Totals::default(),
        };
        to.register("rtp_packets", "RTP packets", media.packets.clone());
        let help = "RTP packets that were expected and did not come (RFC 3550 A.3)";
        to.register("rtp_lost_packets", help, media.lost.clone());
        let help = "Packets from a leg that were not passed on";
        to.register("rtp_dropped_packets", help, media.dropped.clone());
        let help = "A call's mean interarrival jitter (RFC 3550 A.8)";
        to.register("rtp_jitter_seconds", help, media.jitter.clone());
        let help = "A call's mean opinion score (ITU-T G.107)";
        to.register("mos", help, media.mos.clone());
        let help = "RTCP packets by kind; a compound counts with each packet in it";
        to.register("rtcp_packets", help, media.rtcp.clone());
        let help = "RTP packets that a leg's peer says did not reach it (RFC 3550 section 6.4.1)";
        to.register("peer_lost_packets", help, media.peer_lost.clone());
        let help = "Round-trip times to a leg's peer, each that its reports tell";
        to.register("round_trip_seconds", help, media.round_trip.clone());
        let help = "From a fault's beginning to its detection, pauses left out";
        to.register("fault_detection_seconds", help, media.detection.clone());
        let help = "Audio that was replaced by comfort noise, or repaired";
        to.register("gate_seconds", help, media.gate.clone());
        let help = "A packet's time in the gateway, of one in 64 packets";
        to.register("relay_seconds", help, media.relay.clone());
        media
    }

    pub(super) fn event(&self, event: &MediaEvent) {
        if let MediaEvent::Fault { finding, .. } = event {
            let took = finding.detected_at.saturating_sub(finding.from);
            self.detection.observe(took.as_secs_f64());
        }
    }

    pub(super) fn relayed(&self, times: &[Duration]) {
        for time in times {
            self.relay.observe(time.as_secs_f64());
        }
    }

    pub(super) fn stats(&mut self, call: CallId, stats: &BridgeStats, last: bool) {
        let mut stats = *stats;
        let before = self.running.remove(&call).unwrap_or_default();
        let legs = [
            (Side::Carrier, &mut stats.carrier, &before.carrier),
            (Side::Openai, &mut stats.openai, &before.openai),
        ];
        for (side, leg, before) in legs {
            // A late packet takes a loss back; a counter must not.
            leg.lost = leg.lost.max(before.lost);
            let lost = peer_lost(leg).max(peer_lost(before));
            if let Some(peer) = &mut leg.rtcp.peer {
                peer.lost = lost;
            }
            // Reports come every few seconds, figures every second: each time is seen.
            if leg.rtcp.round_trips > before.rtcp.round_trips
                && let Some(took) = leg.rtcp.round_trip
            {
                let labels = labels([("leg", side.name())]);
                let round_trip = self.round_trip.get_or_create(&labels);
                round_trip.observe(took.as_secs_f64());
            }
        }
        match last {
            true => self.over.add(&stats),
            false => {
                self.running.insert(call, stats);
            }
        }
    }

    pub(super) fn ended(&self, record: &CallRecord) {
        let legs = [
            (Side::Carrier, &record.legs.carrier),
            (Side::Openai, &record.legs.openai),
        ];
        for (side, leg) in legs {
            let Some(mos) = leg.mos else {
                continue;
            };
            let labels = labels([("leg", side.name())]);
            self.mos.get_or_create(&labels).observe(mos);
            let jitter = self.jitter.get_or_create(&labels);
            jitter.observe(leg.jitter_ms / 1_000.0);
        }
    }

    /// Copies the sums of all calls into the counters.
    pub(super) fn copy(&self) {
        let mut totals = self.over.clone();
        for stats in self.running.values() {
            totals.add(stats);
        }
        for (side, leg) in Side::ALL.into_iter().zip(&totals.legs) {
            let with = |name: &'static str, value: &str| -> Labels {
                labels([("leg", side.name()), (name, value)])
            };
            set(&self.packets, with("direction", "received"), leg.received);
            set(&self.packets, with("direction", "sent"), leg.sent);
            set(&self.lost, labels([("leg", side.name())]), leg.lost);
            for (reason, count) in DropReason::ALL.into_iter().zip(leg.dropped) {
                set(&self.dropped, with("reason", reason.name()), count);
            }
            set(
                &self.peer_lost,
                labels([("leg", side.name())]),
                leg.peer_lost,
            );
            let directions = [("received", leg.rtcp_received), ("sent", leg.rtcp_sent)];
            for (direction, counts) in directions {
                for (kind, count) in Kind::ALL.into_iter().zip(counts) {
                    let mut labels = with("kind", kind.name());
                    labels.push(("direction", direction.to_owned()));
                    set(&self.rtcp, labels, count);
                }
            }
        }
        for (action, time) in [("mute", totals.muted), ("repair", totals.repaired)] {
            let counter = self.gate.get_or_create(&labels([("action", action)]));
            let bits = time.as_secs_f64().to_bits();
            counter.inner().store(bits, Ordering::Relaxed);
        }
    }
}

impl Totals {
    fn add(&mut self, stats: &BridgeStats) {
        let [carrier, openai] = &mut self.legs;
        carrier.add(&stats.carrier);
        openai.add(&stats.openai);
        self.muted += stats.guard.muted;
        self.repaired += stats.guard.repaired;
    }
}

impl LegTotals {
    fn add(&mut self, leg: &LegStats) {
        self.received += leg.packets;
        self.sent += leg.sent;
        self.lost += leg.lost;
        for (total, reason) in self.dropped.iter_mut().zip(DropReason::ALL) {
            *total += leg.dropped.get(reason);
        }
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            let totals = [
                (&mut self.rtcp_received, leg.rtcp.received.get(kind)),
                (&mut self.rtcp_sent, leg.rtcp.sent.get(kind)),
            ];
            for (totals, count) in totals {
                if let Some(total) = totals.get_mut(number) {
                    *total += count;
                }
            }
        }
        self.peer_lost += peer_lost(leg);
    }
}

fn peer_lost(leg: &LegStats) -> u64 {
    leg.rtcp.peer.map_or(0, |peer| peer.lost)
}

/// Seconds: inside a machine room 1 ms, across a continent 50 ms, by satellite 600 ms.
const ROUND_TRIP: [f64; 10] = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 2.0];
/// Seconds: a wired network has a millisecond or less, a jitter buffer takes 40 to 100 ms.
const JITTER: [f64; 8] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1];
/// The E-model's bounds of user satisfaction (ITU-T G.109 by G.107 table B.1), the best last.
const MOS: [f64; 6] = [2.58, 3.10, 3.60, 4.03, 4.34, 4.42];
/// Seconds around the aim of 0.1.
const DETECTION: [f64; 9] = [0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.5, 1.0];
