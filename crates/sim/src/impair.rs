//! Seeded impairment of datagrams: loss, duplicates, delay, jitter and with it reordering.

use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What befalls the datagrams of one direction. `Default` is a perfect network without delay.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Impairment {
    /// Share of datagrams that get lost, 0..=1.
    pub loss: f64,
    /// Share that arrives twice, 0..=1.
    pub duplicate: f64,
    /// Every datagram takes at least this long.
    pub delay: Duration,
    /// And up to this much longer, evenly spread; more than the packet interval reorders.
    pub jitter: Duration,
    /// Share that is overtaken by what is sent in the next [`OVERTAKEN_BY`], 0..=1.
    pub reorder: f64,
}

/// How much longer a datagram takes that is overtaken: a packet time and a half at 20 ms, so one passes it.
pub const OVERTAKEN_BY: Duration = Duration::from_millis(30);

impl Impairment {
    /// Only a share of loss.
    pub fn loss(share: f64) -> Self {
        Impairment {
            loss: share,
            ..Impairment::default()
        }
    }

    /// Only a delay.
    pub fn delay(delay: Duration) -> Self {
        Impairment {
            delay,
            ..Impairment::default()
        }
    }
}

/// Decides the fate of each datagram. Same seed, same fate.
#[derive(Debug, Clone)]
pub struct Impairer {
    plan: Impairment,
    dice: ChaCha8Rng,
}

/// When a datagram arrives: not at all, once or twice.
pub type Arrivals = [Option<Instant>; 2];

impl Impairer {
    /// An impairer whose dice start at `seed`.
    pub fn new(plan: Impairment, seed: [u8; 32]) -> Self {
        Impairer {
            plan,
            dice: ChaCha8Rng::from_seed(seed),
        }
    }

    /// Another impairment from now on; the dice roll on.
    pub fn set(&mut self, plan: Impairment) {
        self.plan = plan;
    }

    /// The fate of a datagram sent at `now`.
    pub fn pass(&mut self, now: Instant) -> Arrivals {
        // All dice are rolled each time: a changed share does not shift the rest of the sequence.
        let (lost, twice) = (self.roll(), self.roll());
        let (first, second) = (self.roll(), self.roll());
        // Only where it is asked for: other plans keep their fates.
        let late = match self.plan.reorder > 0.0 && self.roll() < self.plan.reorder {
            true => OVERTAKEN_BY,
            false => Duration::ZERO,
        };
        if lost < self.plan.loss {
            return [None, None];
        }
        let arrive = |roll: f64| Some(now + self.plan.delay + self.plan.jitter.mul_f64(roll));
        let copy = (twice < self.plan.duplicate)
            .then(|| arrive(second))
            .flatten();
        [arrive(first).map(|at| at + late), copy]
    }

    /// Evenly in 0..1.
    fn roll(&mut self) -> f64 {
        f64::from(self.dice.next_u32()) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "any instant serves as a test's start"
)]
mod tests {
    use super::*;

    fn fates(plan: Impairment, seed: u8, datagrams: u32) -> Vec<[Option<Duration>; 2]> {
        let start = Instant::now();
        let mut impairer = Impairer::new(plan, [seed; 32]);
        (0..datagrams)
            .map(|i| {
                let sent = start + Duration::from_millis(20) * i;
                impairer.pass(sent).map(|at| at.map(|at| at - sent))
            })
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_fate() {
        let plan = Impairment {
            loss: 0.1,
            duplicate: 0.1,
            delay: Duration::from_millis(10),
            jitter: Duration::from_millis(50),
            reorder: 0.1,
        };
        assert_eq!(fates(plan, 1, 1_000), fates(plan, 1, 1_000));
        assert_ne!(fates(plan, 1, 1_000), fates(plan, 2, 1_000));
    }

    #[test]
    fn a_tenth_is_lost_where_a_tenth_shall_be() {
        let lost = fates(Impairment::loss(0.1), 7, 10_000)
            .iter()
            .filter(|fate| fate[0].is_none())
            .count();
        assert!((900..1_100).contains(&lost), "{lost}");
    }

    #[test]
    fn some_are_overtaken_by_the_next() {
        let plan = Impairment {
            reorder: 0.05,
            ..Impairment::default()
        };
        let fates = fates(plan, 5, 10_000);
        let late = fates
            .iter()
            .filter(|fate| fate[0] == Some(OVERTAKEN_BY))
            .count();
        assert!((400..600).contains(&late), "{late}");
        assert!(
            OVERTAKEN_BY > Duration::from_millis(20) && OVERTAKEN_BY < Duration::from_millis(40)
        );
    }

    #[test]
    fn without_impairment_all_arrive_at_once() {
        for fate in fates(Impairment::default(), 3, 100) {
            assert_eq!(fate, [Some(Duration::ZERO), None]);
        }
    }
}
