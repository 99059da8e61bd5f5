//! What a peer's reports say of what squelch sends.

use super::ReportBlock;
use super::stats::PeerView;
use std::time::Duration;

/// So many packets between two reports, and none of them arrived: that is no accident of the moment.
/// **Units**: packets; 2 s of 20 ms.
const ENOUGH: u32 = 100;

/// Follows the blocks about one SSRC of ours.
#[derive(Clone, Debug, Default)]
pub(super) struct ViewOfUs {
    last: Option<Last>,
    view: PeerView,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    highest: u32,
    /// What squelch had sent when the report came.
    sent: u32,
}

impl ViewOfUs {
    /// What is known, once there was a block.
    pub(super) fn view(&self) -> Option<PeerView> {
        self.last.map(|_| self.view)
    }

    /// A report came: its block about us, or none. `sent`: RTP packets sent so far.
    pub(super) fn report(&mut self, block: Option<ReportBlock>, sent: u32, clock_rate: u32) {
        let Some(block) = block else {
            // No block means that nothing came since the last report, from a peer that had some to say before.
            if let Some(last) = self.last {
                self.view.hears_nothing = sent.wrapping_sub(last.sent) >= ENOUGH;
            }
            return;
        };
        let stands_still =
            |last: Last| last.highest == block.highest && sent.wrapping_sub(last.sent) >= ENOUGH;
        let all_lost = block.fraction_lost == u8::MAX;
        let seconds = f64::from(block.jitter) / f64::from(clock_rate.max(1));
        self.view = PeerView {
            loss: f64::from(block.fraction_lost) / 256.0,
            lost: u64::try_from(block.cumulative_lost).unwrap_or(0),
            jitter: Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
            hears_nothing: all_lost || self.last.is_some_and(stands_still),
        };
        if !self.last.is_some_and(stands_still) {
            self.last = Some(Last {
                highest: block.highest,
                sent,
            });
        }
    }
}
