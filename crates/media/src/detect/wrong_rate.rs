//! `wrong_rate`: samples that do not come at 8,000 a second.
//!
//! Three clocks are compared over spans of half a second: the wall, the timestamps, and the bytes, of which G.711 has
//! one a tick. Two of them agree and the third is a whole ratio off, span after span:
//!
//! ```text
//! bytes a tick  ticks against the wall
//!     2 3 4 6             1             payloads too long for their timestamps: samples at a higher rate
//!        1             2 3 4 6          packets too often: the same
//!        1        1/2 1/3 1/4 1/6       packets too seldom, evenly: samples at a lower rate
//! 1/2 1/3 1/6          2 3 6            the right samples, stamped by a faster clock
//! ```
//!
//! A pause of the sender moves timestamps as the wall does, loss takes both bytes and ticks, jitter is small against
//! a span. What comes in a rush after a stall only makes up for it: a fast pace counts from where the stream gets
//! ahead of all that it was before.

use super::finding::What;
use super::rules::Sign;
use super::watch::Numbers;
use std::time::Duration;

/// G.711's clock. **Units**: ticks, and bytes, a second.
const CLOCK_HZ: f64 = 8_000.0;

/// What is compared at once.
const SPAN: Duration = Duration::from_millis(500);

/// Spans in a row that are a fault. No network makes payloads longer than their timestamps; what is told by the wall
/// must last longer than a hiccup.
const SPANS: u32 = 3;
const DENSE_SPANS: u32 = 2;

/// Spans in a row that end it.
const GOOD_SPANS: u32 = 4;

/// Fewer packets in a span say nothing. **Source**: 60 ms packets at half of their pace are four.
const FEWEST: u32 = 4;

/// How near a measured ratio must be. **Source**: jitter of 40 ms at one end of a span.
const NEAR: f64 = 0.08;

/// Ratios that happen: telephony's rates against each other, 8, 16, 24, 32 and 48 kHz.
const RATIOS: [u32; 4] = [2, 3, 4, 6];

/// Slow packets come evenly; where one gap is longer than this many usual ones, the sender paused.
const LONGEST_GAP: f64 = 2.5;

/// Media time that a stream must be ahead of where it ever was before its pace is called fast.
const AHEAD_SECONDS: f64 = 1.5;

/// After so many spans at the usual pace, no stall is made up for any more.
const SETTLED_SPANS: u32 = 20;

/// A jump of the timestamps by more is a new start.
const JUMP_TICKS: i32 = 80_000;

/// So is one of the sequence numbers.
const JUMP_PACKETS: u16 = 100;

/// The comparison for one stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WrongRate {
    last: Option<Last>,
    span: Span,
    /// Media time less wall time since the start, and the most it was while all was well. **Units**: seconds.
    ahead: f64,
    most_ahead: f64,
    kind: Option<Kind>,
    run: u32,
    since: Duration,
    good: u32,
    found: Option<Sign>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    at: Duration,
    numbers: Numbers,
    bytes: usize,
}

/// What was counted since the last span ended.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    from: Duration,
    packets: u32,
    ticks: i64,
    /// Of packets that follow each other without a gap: their bytes and their ticks.
    paired_bytes: u64,
    paired_ticks: u64,
    longest_gap: Duration,
}

/// Which clock is off, and by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// So many bytes a tick.
    Dense(u32),
    /// So many times too fast.
    Fast(u32),
    /// So many times too slow.
    Slow(u32),
    /// So many ticks a byte, and as much too fast.
    Stamped(u32),
}

impl WrongRate {
    /// Takes a packet of `bytes`; what the stream has now.
    pub(super) fn observe(&mut self, at: Duration, numbers: Numbers, bytes: usize) -> Option<Sign> {
        let now = Last { at, numbers, bytes };
        let Some(last) = self.last else {
            self.begin(now);
            return self.found;
        };
        let ticks = numbers.timestamp.since(last.numbers.timestamp);
        let step = numbers.sequence.wrapping_sub(last.numbers.sequence);
        if step > u16::MAX - JUMP_PACKETS {
            // It came late; its time was counted with the packet after it.
            return self.found;
        }
        if step > JUMP_PACKETS || ticks.abs() > JUMP_TICKS {
            *self = WrongRate::default();
            self.begin(now);
            return None;
        }
        let gap = at.saturating_sub(last.at);
        self.last = Some(now);
        self.ahead += f64::from(ticks) / CLOCK_HZ - gap.as_secs_f64();
        self.span.packets += 1;
        self.span.ticks += i64::from(ticks);
        self.span.longest_gap = self.span.longest_gap.max(gap);
        if step == 1 && ticks > 0 {
            self.span.paired_bytes += last.bytes as u64;
            self.span.paired_ticks += ticks.unsigned_abs() as u64;
        }
        let lasted = at.saturating_sub(self.span.from);
        if lasted >= SPAN {
            let span = std::mem::take(&mut self.span);
            self.span.from = at;
            self.judge(&span, lasted);
        }
        self.found
    }

    fn begin(&mut self, first: Last) {
        self.span.from = first.at;
        self.last = Some(first);
    }

    fn judge(&mut self, span: &Span, lasted: Duration) {
        let Some(kind) = span.kind(lasted) else {
            (self.kind, self.run) = (None, 0);
            self.good += 1;
            self.most_ahead = self.most_ahead.max(self.ahead);
            if self.good >= GOOD_SPANS {
                self.found = None;
            }
            if self.good >= SETTLED_SPANS {
                self.most_ahead = self.ahead;
            }
            return;
        };
        if self.kind != Some(kind) {
            (self.kind, self.run, self.since) = (Some(kind), 0, span.from);
        }
        self.good = 0;
        self.run += 1;
        let certain = match kind {
            Kind::Fast(_) | Kind::Stamped(_) => {
                self.run >= SPANS && self.ahead >= self.most_ahead + AHEAD_SECONDS
            }
            Kind::Slow(_) => self.run >= SPANS,
            Kind::Dense(_) => self.run >= DENSE_SPANS,
        };
        if certain && self.found.is_none() {
            self.found = Some(kind.sign(self.since));
        }
    }
}

impl Span {
    fn kind(&self, lasted: Duration) -> Option<Kind> {
        if self.packets < FEWEST || self.paired_ticks == 0 {
            return None;
        }
        let bytes_a_tick = self.paired_bytes as f64 / self.paired_ticks as f64;
        let pace = self.ticks as f64 / CLOCK_HZ / lasted.as_secs_f64();
        let is = |value: f64, ratio: f64| (value / ratio - 1.0).abs() < NEAR;
        let ratio = |value: f64| RATIOS.into_iter().find(|by| is(value, f64::from(*by)));
        if is(pace, 1.0) {
            return ratio(bytes_a_tick).map(Kind::Dense);
        }
        if is(bytes_a_tick, 1.0) {
            let mean_gap = lasted.as_secs_f64() / f64::from(self.packets);
            let even = self.longest_gap.as_secs_f64() < LONGEST_GAP * mean_gap;
            let slow = || ratio(1.0 / pace).filter(|_| even).map(Kind::Slow);
            return ratio(pace).map(Kind::Fast).or_else(slow);
        }
        ratio(pace)
            .filter(|by| is(bytes_a_tick * f64::from(*by), 1.0))
            .map(Kind::Stamped)
    }
}

impl Kind {
    fn sign(self, since: Duration) -> Sign {
        let (what, rate_hz) = match self {
            Kind::Dense(by) | Kind::Fast(by) => (What::Samples, 8_000 * by),
            Kind::Slow(by) => (What::Samples, 8_000 / by),
            Kind::Stamped(by) => (What::Timestamps, 8_000 * by),
        };
        Sign {
            rate_hz: Some(rate_hz),
            ..Sign::new(what, since)
        }
    }
}
