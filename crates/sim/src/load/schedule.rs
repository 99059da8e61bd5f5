//! When each call of a run begins.

use std::time::Duration;

/// The starts of a run's calls: so many a second, after a ramp, for a count or a time.
///
/// Call `n` of a run begins at the same time whoever places it: a run is shared by giving each worker its
/// [`Share`] of the numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Calls a second once the ramp is over.
    pub rate: f64,
    /// The rate rises from nothing to `rate` in this time, evenly.
    pub ramp: Duration,
    /// So many calls and no more.
    pub calls: Option<u64>,
    /// No call begins at this time or later.
    pub duration: Option<Duration>,
}

impl Schedule {
    /// When call `number` (the first is 0) is due; `None` where the run has no such call.
    pub fn start_of(&self, number: u64) -> Option<Duration> {
        if self.calls.is_some_and(|calls| number >= calls) {
            return None;
        }
        // On the ramp t seconds have seen rate * t^2 / (2 * ramp) calls, behind it rate * (t - ramp / 2).
        let (number, ramp) = (number as f64, self.ramp.as_secs_f64());
        let on_ramp = self.rate * ramp / 2.0;
        let seconds = if number < on_ramp {
            (2.0 * ramp * number / self.rate).sqrt()
        } else {
            number / self.rate + ramp / 2.0
        };
        let at = Duration::try_from_secs_f64(seconds).ok()?;
        self.duration.is_none_or(|end| at < end).then_some(at)
    }

    /// How many calls the run has; `None` where it has no end.
    pub fn total(&self) -> Option<u64> {
        let by_time = self.duration.map(|duration| {
            let (end, ramp) = (duration.as_secs_f64(), self.ramp.as_secs_f64());
            let calls = if end < ramp {
                self.rate * end * end / (2.0 * ramp)
            } else {
                self.rate * (end - ramp / 2.0)
            };
            // The first call begins at 0; one that would begin at the end does not.
            calls.ceil().max(1.0) as u64
        });
        match (self.calls, by_time) {
            (Some(calls), Some(by_time)) => Some(calls.min(by_time)),
            (calls, by_time) => calls.or(by_time),
        }
    }
}

/// One worker's part of a run's calls: each `of`-th, beginning with `index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// 0 to `of` - 1.
    pub index: u32,
    /// How many share the run.
    pub of: u32,
}

impl Share {
    /// The whole run.
    pub const WHOLE: Share = Share { index: 0, of: 1 };

    /// The number in the run of this share's `nth` call.
    pub fn number(self, nth: u64) -> u64 {
        nth.saturating_mul(u64::from(self.of.max(1)))
            .saturating_add(u64::from(self.index))
    }

    /// This share's part of a limit of the whole run: together the shares have exactly as many.
    pub fn part(self, of_all: u32) -> u32 {
        let shares = self.of.max(1);
        of_all / shares + u32::from(self.index < of_all % shares)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(rate: f64, ramp_s: u64) -> Schedule {
        Schedule {
            rate,
            ramp: Duration::from_secs(ramp_s),
            calls: None,
            duration: None,
        }
    }

    fn started(schedule: Schedule, until: Duration) -> u64 {
        let starts = (0..).map_while(|n| schedule.start_of(n));
        starts.take_while(|at| *at < until).count() as u64
    }

    #[test]
    fn ten_a_second_begin_every_tenth() {
        let schedule = at(10.0, 0);
        assert_eq!(schedule.start_of(0), Some(Duration::ZERO));
        assert_eq!(schedule.start_of(25), Some(Duration::from_millis(2_500)));
    }

    #[test]
    fn on_a_ramp_half_as_many_begin() {
        let schedule = at(100.0, 10);
        assert_eq!(started(schedule, Duration::from_secs(10)), 500);
        assert_eq!(started(schedule, Duration::from_secs(5)), 125);
        assert_eq!(started(schedule, Duration::from_secs(11)), 600);
        let starts: Vec<_> = (0..1_000).map_while(|n| schedule.start_of(n)).collect();
        assert!(starts.is_sorted());
    }

    #[test]
    fn count_and_duration_both_end_a_run() {
        let mut schedule = at(10.0, 0);
        assert_eq!(schedule.total(), None);
        schedule.calls = Some(5);
        assert_eq!((schedule.start_of(5), schedule.total()), (None, Some(5)));
        schedule.duration = Some(Duration::from_millis(250));
        assert_eq!((schedule.start_of(3), schedule.total()), (None, Some(3)));
        assert!(schedule.start_of(2).is_some());
        schedule.ramp = Duration::from_secs(10);
        schedule.duration = Some(Duration::from_secs(5));
        schedule.calls = None;
        let end = Duration::from_secs(60);
        assert_eq!(schedule.total(), Some(started(schedule, end)));
    }

    #[test]
    fn shares_have_every_call_once() {
        let shares = (0..3).map(|index| Share { index, of: 3 });
        let mut numbers: Vec<u64> = shares
            .clone()
            .flat_map(|share| (0..4).map(move |nth| share.number(nth)))
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..12).collect::<Vec<_>>());
        assert_eq!(shares.map(|share| share.part(11)).sum::<u32>(), 11);
    }
}
