//! A timer wheel: which legs have a packet due.

use std::time::{Duration, Instant};

/// Deadlines in ticks of a quarter of a millisecond, a lap of the wheel being a quarter of a second.
///
/// A deadline fires with the first tick behind it, so never early and at most a tick late. Entries are not taken out:
/// whoever takes them looks whether they are still meant.
///
/// **Cost**: a push and a pop of a vector each; once the vectors have grown nothing is allocated.
#[derive(Debug)]
pub(super) struct Wheel {
    start: Instant,
    slots: Vec<Vec<Entry>>,
    /// The next tick to fire.
    cursor: u64,
    count: usize,
}

/// A leg's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    tick: u64,
    /// Whose it is.
    pub(super) leg: u32,
    /// Which leg in that place.
    pub(super) generation: u32,
}

impl Wheel {
    pub(super) fn new(start: Instant) -> Wheel {
        Wheel {
            start,
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            cursor: 0,
            count: 0,
        }
    }

    pub(super) fn set(&mut self, at: Instant, leg: u32, generation: u32) {
        let since = at.saturating_duration_since(self.start);
        let tick = since.as_nanos().div_ceil(TICK.as_nanos()) as u64;
        // What is due already fires with the next tick.
        let tick = tick.max(self.cursor);
        let entry = Entry {
            tick,
            leg,
            generation,
        };
        if let Some(slot) = self.slots.get_mut((tick % SLOTS) as usize) {
            slot.push(entry);
            self.count += 1;
        }
    }

    /// Moves what is due by `now` to `due`.
    pub(super) fn fire(&mut self, now: Instant, due: &mut Vec<Entry>) {
        let since = now.saturating_duration_since(self.start);
        let last = (since.as_nanos() / TICK.as_nanos()) as u64;
        let had = due.len();
        // After a long sleep one lap looks at every slot.
        let first = self.cursor.max(last.saturating_sub(SLOTS - 1));
        for tick in first..=last {
            if let Some(slot) = self.slots.get_mut((tick % SLOTS) as usize) {
                let mut index = 0;
                while let Some(entry) = slot.get(index) {
                    if entry.tick <= last {
                        due.push(slot.swap_remove(index));
                    } else {
                        index += 1;
                    }
                }
            }
        }
        self.cursor = self.cursor.max(last + 1);
        self.count -= due.len() - had;
    }

    /// When to look again: the tick of the earliest entry, or of the wheel's lap.
    pub(super) fn next(&self) -> Option<Instant> {
        if self.count == 0 {
            return None;
        }
        let laps = self.cursor..self.cursor + SLOTS;
        let found = laps.clone().find(|tick| {
            let slot = self.slots.get((tick % SLOTS) as usize);
            slot.is_some_and(|slot| !slot.is_empty())
        });
        let ticks = found.unwrap_or(laps.end);
        Some(self.start + Duration::from_nanos(ticks.saturating_mul(TICK.as_nanos() as u64)))
    }
}

/// A quarter of the millisecond within which packets must leave.
const TICK: Duration = Duration::from_micros(250);
/// 256 ms: longer than any packet time.
const SLOTS: u64 = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(wheel: &mut Wheel, now: Instant) -> Vec<u32> {
        let mut due = Vec::new();
        wheel.fire(now, &mut due);
        let mut legs: Vec<u32> = due.iter().map(|entry| entry.leg).collect();
        legs.sort_unstable();
        legs
    }

    #[test]
    fn a_deadline_fires_behind_it_and_never_before() {
        let start = Instant::now();
        let at = |us| start + Duration::from_micros(us);
        let mut wheel = Wheel::new(start);
        wheel.set(at(20_010), 1, 0);
        assert_eq!(fired(&mut wheel, at(20_009)), [0_u32; 0]);
        assert_eq!(wheel.next(), Some(at(20_250)));
        assert_eq!(fired(&mut wheel, at(20_249)), [0_u32; 0]);
        assert_eq!(fired(&mut wheel, at(20_250)), [1]);
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn deadlines_of_later_laps_wait_for_theirs() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut wheel = Wheel::new(start);
        wheel.set(at(10), 1, 0);
        wheel.set(at(10 + 256), 2, 0);
        wheel.set(at(5_000), 3, 0);
        assert_eq!(fired(&mut wheel, at(11)), [1]);
        assert_eq!(fired(&mut wheel, at(200)), [0_u32; 0]);
        assert_eq!(fired(&mut wheel, at(270)), [2]);
        assert_eq!(fired(&mut wheel, at(4_999)), [0_u32; 0]);
        assert_eq!(fired(&mut wheel, at(60_000)), [3], "after a long sleep");
    }

    #[test]
    fn what_is_overdue_fires_at_once() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let now = start + Duration::from_secs(1);
        assert_eq!(fired(&mut wheel, now), [0_u32; 0]);
        wheel.set(start, 7, 0);
        let next = wheel.next().unwrap();
        assert!(next > now && next <= now + TICK);
        assert_eq!(fired(&mut wheel, next), [7]);
    }
}
