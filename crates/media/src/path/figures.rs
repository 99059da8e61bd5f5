//! What a path tells of itself.

use super::Path;
use crate::Format;
use crate::detect::Finding;
use crate::quality::{self, Bursts, Transport};
use crate::stats::LegStats;
use std::time::Duration;

impl Path {
    /// How the losses of the incoming leg are spread.
    pub(crate) fn bursts(&self) -> Bursts {
        let mut bursts = self.earlier.bursts;
        bursts.add(self.receive.bursts());
        bursts
    }

    /// What transport did to the incoming leg's audio, with the delay that is known: half of the way there and back,
    /// the time that a packet takes to fill, and the look-back.
    pub(crate) fn transport(&self, round_trip: Option<Duration>) -> Transport {
        let delay = round_trip.map(|took| took / 2 + self.ptime + self.held_for);
        let (expected, received) = self.totals();
        let loss = match expected {
            0 => 0.0,
            expected => expected.saturating_sub(received) as f64 / expected as f64,
        };
        Transport {
            loss,
            burst_ratio: self.bursts().figures().ratio,
            delay: delay.unwrap_or(Duration::ZERO),
        }
    }

    /// Packets expected from the incoming leg, and received.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (
            self.earlier.expected + self.receive.expected(),
            self.earlier.received + self.receive.received(),
        )
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// How long squelch itself keeps a packet.
    pub(crate) fn delay_here(&self) -> Duration {
        self.held_for
    }

    pub(crate) fn ptime(&self) -> Duration {
        self.ptime
    }

    /// Figures of what came from the incoming leg; the rest of the leg's is the bridge's to fill.
    pub(crate) fn stats(&self, round_trip: Option<Duration>) -> LegStats {
        let (expected, received) = self.totals();
        LegStats {
            packets: self.packets,
            bytes: self.bytes,
            heard: self.heard,
            expected,
            lost: expected.saturating_sub(received),
            duplicates: self.earlier.duplicates + self.receive.duplicates(),
            reordered: self.earlier.reordered + self.receive.reordered(),
            jitter: self.receive.jitter(),
            mean_jitter: self.receive.mean_jitter(),
            mos: quality::mos_of(self.format, &self.transport(round_trip)),
            bursts: self.bursts().figures(),
            last_packet: self.last_packet,
            dropped: self.dropped,
            ..LegStats::default()
        }
    }

    /// The fault that the incoming leg has now, if any.
    pub(crate) fn current(&self) -> Option<&Finding> {
        self.watch.current()
    }

    pub(crate) fn out_ptime(&self) -> Duration {
        self.out_ptime
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.opening.is_some()
    }

    /// How much audio waits in the lane.
    pub(crate) fn waiting(&self) -> Duration {
        self.lane
            .as_ref()
            .map_or(Duration::ZERO, |lane| lane.waiting())
    }
}
