//! What becomes of captures.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Counts, labels, set};
use crate::captures;

/// The metrics of captures; without `[tap]` they stay at nothing.
#[derive(Debug, Default)]
pub(super) struct Captures {
    made: Counts,
    lost: Counts,
    removed: Counter,
    bytes: Gauge,
}

impl Captures {
    pub(super) fn new(to: &mut Registry) -> Captures {
        let metrics = Captures::default();
        let help = "Captures, by why they were made and what became of them";
        to.register("captures", help, metrics.made.clone());
        let help = "Packets that are missing from captures, by where they were lost";
        to.register("capture_lost_packets", help, metrics.lost.clone());
        let help = "Old captures that were removed for newer ones";
        to.register("captures_removed", help, metrics.removed.clone());
        let help = "What all captures take on disk";
        to.register("capture_disk_bytes", help, metrics.bytes.clone());
        metrics
    }

    /// Takes over what the thread of captures has counted.
    pub(super) fn copy(&self, counts: Option<&Arc<captures::Counts>>) {
        let Some(counts) = counts else {
            return;
        };
        for (kind, result, count) in counts.captures() {
            let labels = labels([("kind", kind), ("result", result)]);
            set(&self.made, labels, count);
        }
        for (reason, count) in counts.lost() {
            set(&self.lost, labels([("reason", reason)]), count);
        }
        let removed = self.removed.inner();
        removed.store(counts.removed(), Ordering::Relaxed);
        self.bytes.set(counts.used_bytes() as i64);
    }
}
