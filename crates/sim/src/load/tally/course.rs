//! How a run went over time, in a bounded number of moments.

use std::time::Duration;

use super::Distribution;

/// The run cut into moments of one width; where it lasts longer, they grow wider.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// How long each moment is: one, two, four ... seconds.
    pub width: Duration,
    /// The moments, from the run's start on.
    pub moments: Vec<Moment>,
}

/// What happened in one moment. Its spreads are rough.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// Calls whose INVITE was sent.
    pub started: u64,
    /// Calls that were answered.
    pub answered: u64,
    /// Calls that ended.
    pub ended: u64,
    /// Of these, those that failed.
    pub failed: u64,
    /// Of these, those in whose content something was wrong.
    pub bad_content: u64,
    /// Faults found in calls that ended.
    pub faults: u64,
    /// Setup times of calls that were answered. **Units**: us.
    pub setup: Distribution,
    /// MOS of calls that ended. **Units**: thousandths.
    pub mos: Distribution,
    /// The latest that a packet was sent.
    pub latest: Duration,
}

impl Course {
    /// The moment that a time lies in.
    pub fn at(&mut self, time: Duration) -> &mut Moment {
        loop {
            let index = (time.as_nanos() / self.width.as_nanos().max(1)) as usize;
            if index < MOST {
                if index >= self.moments.len() {
                    self.moments.resize_with(index + 1, Moment::default);
                }
                // It was just made to be there.
                return &mut self.moments[index];
            }
            self.widen();
        }
    }

    /// Adds another course, on the same clock.
    pub fn merge(&mut self, other: &Course) {
        let mut other = other.clone();
        while self.width < other.width {
            self.widen();
        }
        while other.width < self.width {
            other.widen();
        }
        let longest = self.moments.len().max(other.moments.len());
        self.moments.resize_with(longest, Moment::default);
        for (mine, theirs) in self.moments.iter_mut().zip(&other.moments) {
            mine.merge(theirs);
        }
    }

    /// Two moments become one.
    fn widen(&mut self) {
        self.width *= 2;
        let mut wide: Vec<Moment> = Vec::with_capacity(MOST / 2);
        for (index, moment) in self.moments.drain(..).enumerate() {
            match wide.last_mut().filter(|_| index % 2 == 1) {
                Some(before) => before.merge(&moment),
                None => wide.push(moment),
            }
        }
        self.moments = wide;
    }
}

impl Default for Course {
    fn default() -> Self {
        Course {
            width: NARROWEST,
            moments: Vec::new(),
        }
    }
}

impl Default for Moment {
    fn default() -> Self {
        Moment {
            started: 0,
            answered: 0,
            ended: 0,
            failed: 0,
            bad_content: 0,
            faults: 0,
            setup: Distribution::rough(),
            mos: Distribution::rough(),
            latest: Duration::ZERO,
        }
    }
}

impl Moment {
    pub(super) fn merge(&mut self, other: &Moment) {
        let counts = [
            (&mut self.started, other.started),
            (&mut self.answered, other.answered),
            (&mut self.ended, other.ended),
            (&mut self.failed, other.failed),
            (&mut self.bad_content, other.bad_content),
            (&mut self.faults, other.faults),
        ];
        for (count, more) in counts {
            *count = count.saturating_add(more);
        }
        self.setup.merge(&other.setup);
        self.mos.merge(&other.mos);
        self.latest = self.latest.max(other.latest);
    }
}

/// A moment's first width.
pub(super) const NARROWEST: Duration = Duration::from_secs(1);
/// More moments than this become half as many: as many as a drawing has room for.
pub(super) const MOST: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_keeps_all_its_calls_in_fewer_moments() {
        let mut course = Course::default();
        for second in 0..5_000 {
            course.at(Duration::from_secs(second)).started += 1;
        }
        assert_eq!(course.width, Duration::from_secs(16));
        assert!(course.moments.len() <= MOST);
        assert_eq!(course.moments.iter().map(|m| m.started).sum::<u64>(), 5_000);
        assert_eq!(course.moments[0].started, 16);
    }

    #[test]
    fn courses_of_different_widths_merge() {
        let mut long = Course::default();
        long.at(Duration::from_secs(1_000)).failed += 1;
        let mut short = Course::default();
        short.at(Duration::from_secs(3)).failed += 2;
        let mut other_way = short.clone();
        other_way.merge(&long);
        long.merge(&short);
        assert_eq!(long, other_way);
        assert_eq!(long.moments[1].failed, 2);
    }
}
