//! Dice that start at a trial's seed.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The one source of chance of a trial.
#[derive(Debug, Clone)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::from_seed(wide(seed)))
    }

    /// True `percent` times in a hundred.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// 0..n; 0 where `n` is 0.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        self.0.next_u32().checked_rem(n).unwrap_or(0)
    }

    /// Milliseconds between two figures, both included.
    pub(super) fn millis(&mut self, least: u32, most: u32) -> Duration {
        let more = self.below(most.saturating_sub(least) + 1);
        Duration::from_millis(u64::from(least + more))
    }

    /// One of several.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T], otherwise: T) -> T {
        let at = self.below(of.len() as u32) as usize;
        of.get(at).copied().unwrap_or(otherwise)
    }

    /// A number that others cannot guess.
    pub(super) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// A seed of 32 bytes out of a number.
pub(super) fn wide(seed: u64) -> [u8; 32] {
    let mut bytes = [0x5E; 32];
    for (byte, of) in bytes.iter_mut().zip(seed.to_le_bytes()) {
        *byte = of;
    }
    bytes
}
