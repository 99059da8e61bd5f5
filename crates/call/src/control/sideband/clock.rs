//! The witness that no RTP can give: OpenAI's own count of the caller's audio against the time that passed.
//!
//! `audio_start_ms` and `audio_end_ms` of its speech events count the audio that it read. G.711 read as PCM16 at
//! 24 kHz lasts a sixth of its time: 8,000 bytes a second are taken for 48,000.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The readings of one call.
#[derive(Debug, Default)]
pub(crate) struct AudioClock {
    readings: VecDeque<(Instant, u64)>,
    /// Slopes near a sixth in a row.
    suspicious: u32,
}

impl AudioClock {
    /// Takes a reading; `true` when OpenAI reads the caller's audio six times too fast.
    ///
    /// A single slope may come about otherwise, from a carrier that sends nothing in pauses: two in a row, over
    /// [`SPAN`] each, decide.
    pub(crate) fn is_six_times_too_fast(&mut self, now: Instant, audio_ms: u64) -> bool {
        let before = self
            .readings
            .iter()
            .rev()
            .find(|(at, _)| now.saturating_duration_since(*at) >= SPAN);
        let slope = before.map(|(at, ms)| {
            let passed = now.saturating_duration_since(*at).as_secs_f64() * 1_000.0;
            audio_ms.saturating_sub(*ms) as f64 / passed
        });
        if self.readings.len() == READINGS {
            self.readings.pop_front();
        }
        self.readings.push_back((now, audio_ms));
        match slope {
            Some(slope) if (slope - SIXTH).abs() <= TOLERANCE => self.suspicious += 1,
            Some(_) => self.suspicious = 0,
            None => {}
        }
        self.suspicious >= 2
    }
}

/// 8,000 bytes a second over 48,000.
const SIXTH: f64 = 1.0 / 6.0;
/// OpenAI's events come some 100 ms late, now more, now less: over [`SPAN`] that is 0.025 of a second each.
const TOLERANCE: f64 = 0.03;
const SPAN: Duration = Duration::from_secs(4);
const READINGS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "any moment does to count from")]
    /// Speech events every 1.5 s, up to 80 ms late, of a call that is heard `rate` times as fast from `lost_at` on.
    fn found_at(rate: f64, lost_at: f64) -> Option<f64> {
        let (start, mut clock) = (Instant::now(), AudioClock::default());
        (1..80).map(|n| f64::from(n) * 1.5).find(|at| {
            let audio = at.min(lost_at) + (at - lost_at).max(0.0) / rate;
            let late = (at * 7.3).fract() * 0.08;
            let now = start + Duration::from_secs_f64(at + late);
            clock.is_six_times_too_fast(now, (audio * 1_000.0) as u64)
        })
    }

    #[test]
    fn a_sixth_of_the_time_is_found_within_seconds() {
        let at = found_at(6.0, 0.0).expect("found");
        assert!(at < 8.0, "{at}");
        let at = found_at(6.0, 30.0).expect("found");
        assert!((30.0..42.0).contains(&at), "{at}");
    }

    #[test]
    fn time_as_it_should_be_is_not_and_neither_are_other_rates() {
        for rate in [0.9, 1.0, 1.1, 2.0, 3.0] {
            assert_eq!(found_at(rate, 0.0), None, "{rate}");
        }
    }
}
