//! The round-trip time by a peer's report on our report (RFC 3550 section 6.4.1).

use super::ReportBlock;
use super::ntp::span_from_65536ths;
use std::time::{Duration, Instant};

/// Sender reports remembered. A peer answers the last one or, if that is on its way or lost, the one before.
const REMEMBERED: usize = 4;

/// By how much a peer's clock may err. **Source**: a convention; system timers tick every 1 to 10 ms.
const COARSE: Duration = Duration::from_millis(10);

/// Our last sender reports: what they were stamped with, and when they left.
#[derive(Clone, Debug, Default)]
pub(super) struct RoundTrip([Option<(u32, Instant)>; REMEMBERED]);

impl RoundTrip {
    /// A sender report left.
    pub(super) fn sent(&mut self, now: Instant, stamp: u32) {
        self.0.rotate_right(1);
        let [newest, ..] = &mut self.0;
        *newest = Some((stamp, now));
    }

    /// The round-trip time that a block about us, come `now`, tells; `None` where it names no report of ours, or a
    /// delay that can't be.
    pub(super) fn measure(&self, now: Instant, block: &ReportBlock) -> Option<Duration> {
        let is_it = |sent: &&(u32, Instant)| sent.0 == block.last_sr && block.last_sr != 0;
        let (_, left) = self.0.iter().flatten().find(is_it)?;
        let away = now.saturating_duration_since(*left);
        let held = span_from_65536ths(block.delay_since_last_sr);
        (held <= away + COARSE).then(|| away.saturating_sub(held))
    }
}
