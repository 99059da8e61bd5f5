//! When a script's packets are due: as they were captured, or evenly.

use std::time::Duration;

use super::{Coding, Cue, Kind};

/// How a captured stream is paced when it is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pacing {
    /// With the capture's jitter, gaps, repetitions and order.
    #[default]
    Captured,
    /// By the RTP clock, in the order of sequence numbers, each packet once.
    Even,
}

/// The commonest step of the timestamp between audio packets that follow each other; 20 ms where there is none.
pub(super) fn packet_time(coding: Coding, cues: &[Cue]) -> Duration {
    let audio = || cues.iter().filter(|cue| cue.kind == Kind::Audio);
    let mut steps: Vec<u32> = audio()
        .zip(audio().skip(1))
        .filter(|(one, next)| next.sequence == one.sequence.wrapping_add(1))
        .map(|(one, next)| next.timestamp.wrapping_sub(one.timestamp))
        .filter(|step| (1..=coding.clock_hz()).contains(step))
        .collect();
    steps.sort_unstable();
    let commonest = steps
        .chunk_by(|a, b| a == b)
        .max_by_key(|same| same.len())
        .and_then(|same| same.first());
    commonest.map_or(USUAL, |step| time(*step, coding.clock_hz()))
}

/// Sorts by sequence number, drops repetitions, and sets every packet to the time its timestamp says.
pub(super) fn even(cues: &mut Vec<Cue>, clock_hz: u32, ptime: Duration) {
    let mut highest = 0_i64;
    let mut numbered: Vec<(i64, Cue)> = cues
        .iter()
        .map(|cue| {
            let step = i64::from(cue.sequence.wrapping_sub(highest as u16) as i16);
            let number = highest + step;
            highest = highest.max(number);
            (number, *cue)
        })
        .collect();
    numbered.sort_by_key(|(number, _)| *number);
    numbered.dedup_by_key(|(number, _)| *number);
    let mut clock = Clock::default();
    *cues = numbered
        .into_iter()
        .map(|(_, cue)| Cue {
            at: clock.place(&cue, clock_hz, ptime),
            ..cue
        })
        .collect();
    // Packets from before the first one that was captured: time begins with them.
    if let Some(first) = cues.first().copied() {
        for cue in cues {
            cue.sequence = cue.sequence.wrapping_sub(first.sequence);
            cue.timestamp = cue.timestamp.wrapping_sub(first.timestamp);
        }
    }
}

/// **Units**: ticks of a clock.
pub(super) fn ticks(span: Duration, clock_hz: u32) -> u32 {
    (span.as_nanos() * u128::from(clock_hz) / 1_000_000_000) as u32
}

fn time(ticks: u32, clock_hz: u32) -> Duration {
    Duration::from_nanos(u64::from(ticks) * 1_000_000_000 / u64::from(clock_hz.max(1)))
}

/// The last packet that was placed.
#[derive(Default)]
struct Clock {
    last: Option<(u32, Duration)>,
}

impl Clock {
    /// A packet stands as long behind the last as its timestamp says; of a telephone-event, whose packets share one,
    /// a packet time. A jump of the clock is no pause.
    fn place(&mut self, cue: &Cue, clock_hz: u32, ptime: Duration) -> Duration {
        let at = match self.last {
            None => Duration::ZERO,
            Some((timestamp, at)) => {
                let step = cue.timestamp.wrapping_sub(timestamp);
                let pause = time(step, clock_hz);
                at + if step == 0 || pause > MOST {
                    ptime
                } else {
                    pause
                }
            }
        };
        self.last = Some((cue.timestamp, at));
        at
    }
}

/// What RFC 3551 section 4.2 recommends.
const USUAL: Duration = Duration::from_millis(20);
/// A longer step of the timestamp is taken for a new start of the sender's clock: nobody is silent without a hold for
/// longer.
const MOST: Duration = Duration::from_secs(120);
