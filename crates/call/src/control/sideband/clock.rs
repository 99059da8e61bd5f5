//! The witness that no RTP can give: OpenAI's own count of the caller's audio against the audio it was sent.
//!
//! `audio_start_ms` and `audio_end_ms` of its speech events count the audio that it read. G.711 read as PCM16 at
//! 24 kHz lasts a sixth of its time: 8,000 bytes a second are taken for 48,000. PCM16 read as G.711 lasts six times
//! as long.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The readings of one call.
#[derive(Debug, Default)]
pub(crate) struct AudioClock {
    readings: VecDeque<Reading>,
    /// The same disagreement in a row.
    suspicion: Option<(Pace, u32)>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    audio_ms: u64,
    /// RTP time that had been sent to OpenAI, by figures that are up to a second old.
    sent: Duration,
}

/// How OpenAI's count goes, where it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A sixth of the time: it reads G.711 as PCM16 at 24 kHz.
    Sixth,
    /// Six times the time: it reads PCM16 as G.711.
    Sixfold,
}

impl AudioClock {
    /// Takes a reading; how OpenAI reads the caller's audio, where that is wrong.
    ///
    /// A single slope may come about otherwise: two in a row, over [`SPAN`] each, decide. Where little RTP went to
    /// OpenAI meanwhile (a carrier that sends nothing in pauses) its count has every reason to be short.
    pub(crate) fn reading(&mut self, at: Instant, audio_ms: u64, sent: Duration) -> Option<Pace> {
        let reading = Reading { at, audio_ms, sent };
        let before = self
            .readings
            .iter()
            .rev()
            .find(|before| at.saturating_duration_since(before.at) >= SPAN);
        let pace = before.map(|before| pace(before, &reading));
        if self.readings.len() == READINGS {
            self.readings.pop_front();
        }
        self.readings.push_back(reading);
        let found = pace?;
        self.suspicion = found.map(|pace| match self.suspicion {
            Some((known, times)) if known == pace => (pace, times.saturating_add(1)),
            _ => (pace, 1),
        });
        self.suspicion
            .filter(|(_, times)| *times >= 2)
            .map(|(pace, _)| pace)
    }
}

fn pace(before: &Reading, now: &Reading) -> Option<Pace> {
    let passed = now.at.saturating_duration_since(before.at).as_secs_f64();
    let sent = now.sent.saturating_sub(before.sent).as_secs_f64();
    if sent < FLOWS * passed {
        return None;
    }
    // The time that passed is exact, the RTP time is not: it only says that the audio flowed.
    let slope = now.audio_ms.saturating_sub(before.audio_ms) as f64 / 1_000.0 / passed;
    let is_near = |expected: f64| (slope / expected - 1.0).abs() <= TOLERANCE;
    match (is_near(1.0 / SIX), is_near(SIX)) {
        (true, _) => Some(Pace::Sixth),
        (_, true) => Some(Pace::Sixfold),
        _ => None,
    }
}

/// 48,000 bytes a second over 8,000.
const SIX: f64 = 6.0;
/// OpenAI's events come some 100 ms late, now more, now less: over [`SPAN`] that is 0.025 of a second each, and of a
/// sixth of it 0.15.
const TOLERANCE: f64 = 0.18;
const SPAN: Duration = Duration::from_secs(4);
/// Of the time, so much RTP at least: [`SPAN`] less a second at either end.
const FLOWS: f64 = 0.5;
const READINGS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "any moment does to count from")]
    /// Speech events every 1.5 s, up to 80 ms late, of a call that is heard `rate` times as fast from `lost_at` on,
    /// whose carrier sends `sent` of the time.
    fn found_at(rate: f64, lost_at: f64, sent: f64) -> Option<(f64, Pace)> {
        let (start, mut clock) = (Instant::now(), AudioClock::default());
        (1..80).map(|n| f64::from(n) * 1.5).find_map(|at| {
            let audio = at.min(lost_at) + (at - lost_at).max(0.0) / rate;
            let late = (at * 7.3).fract() * 0.08;
            let now = start + Duration::from_secs_f64(at + late);
            // Figures come once a second.
            let sent = Duration::from_secs_f64(at.floor() * sent);
            let pace = clock.reading(now, (audio * 1_000.0) as u64, sent)?;
            Some((at, pace))
        })
    }

    #[test]
    fn a_sixth_of_the_time_is_found_within_seconds() {
        let (at, pace) = found_at(6.0, 0.0, 1.0).expect("found");
        assert!(at < 8.0 && pace == Pace::Sixth, "{at}");
        let (at, pace) = found_at(6.0, 30.0, 1.0).expect("found");
        assert!((30.0..42.0).contains(&at) && pace == Pace::Sixth, "{at}");
    }

    #[test]
    fn and_so_is_six_times_the_time() {
        let (at, pace) = found_at(1.0 / 6.0, 0.0, 1.0).expect("found");
        assert!(at < 8.0 && pace == Pace::Sixfold, "{at}");
    }

    #[test]
    fn time_as_it_should_be_is_not_and_neither_are_other_rates() {
        for rate in [0.4, 0.9, 1.0, 1.1, 2.0, 3.0] {
            assert_eq!(found_at(rate, 0.0, 1.0), None, "{rate}");
        }
    }

    #[test]
    fn a_carrier_that_sends_a_sixth_is_no_misreading() {
        assert_eq!(found_at(6.0, 0.0, 1.0 / 6.0), None);
    }
}
