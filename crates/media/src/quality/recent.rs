//! The quality of a leg's last second.

use std::time::Duration;

/// What came from a leg in its last whole second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Recent {
    /// Packets that were due.
    pub expected: u64,
    /// Of them, lost. **Units**: a fraction, 0 to 1.
    pub loss: f64,
    /// The interarrival jitter at its end (RFC 3550 A.8).
    pub jitter: Duration,
    /// Mean opinion score; `None` where nothing was due.
    pub mos: Option<f64>,
}

/// Turns running totals into seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RecentFigures {
    expected: u64,
    received: u64,
    recent: Recent,
}

impl RecentFigures {
    /// A second is over; totals as they stand now. `mos` rates a loss.
    pub(crate) fn second(
        &mut self,
        expected: u64,
        received: u64,
        jitter: Duration,
        mos: impl FnOnce(f64) -> f64,
    ) {
        let due = expected.saturating_sub(self.expected);
        let came = received.saturating_sub(self.received);
        let loss = match due {
            0 => 0.0,
            due => due.saturating_sub(came) as f64 / due as f64,
        };
        self.expected = expected;
        self.received = received;
        self.recent = Recent {
            expected: due,
            loss,
            jitter,
            mos: (due > 0).then(|| mos(loss)),
        };
    }

    pub(crate) fn recent(&self) -> Recent {
        self.recent
    }
}
