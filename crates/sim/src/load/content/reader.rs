//! Reads marks out of received samples, beside the reference they were written into.

use super::Mark;
use super::mark::{BITS, Chip, SLOT};
use super::reference::Reference;

/// What the chips of a stretch say, bit by bit.
///
/// **Shape**: fixed memory. **Cost**: one step for each eight samples.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    sums: [f32; BITS as usize],
    squares: f32,
    chips: u32,
    /// When the stretch is looked at next.
    look_at: u32,
}

/// What a stretch turned out to carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// This mark.
    Mark(Mark),
    /// Enough speech for any mark, and none was read.
    None,
}

impl Reader {
    pub(super) fn new() -> Reader {
        Reader {
            sums: [0.0; BITS as usize],
            squares: 0.0,
            chips: 0,
            look_at: FIRST_LOOK,
        }
    }

    /// Takes received samples whose first stands at `position` of the reference; `gain` is how loud they are over it.
    pub(super) fn add(&mut self, reference: &Reference, position: i64, samples: &[i16], gain: f32) {
        let Some(start) = reference.index(position) else {
            return;
        };
        let end = start + samples.len();
        let slot = SLOT as usize;
        for slot in start / slot..end.div_ceil(slot) {
            let weight = reference.weight(slot);
            if weight == 0.0 {
                continue;
            }
            let chip = Chip::at(slot as u64);
            let at = chip.position as usize;
            let (Some(sent), Some(heard)) = (
                reference.samples().get(at),
                at.checked_sub(start).and_then(|at| samples.get(at)),
            ) else {
                continue;
            };
            let moved = (f32::from(*heard) / gain - f32::from(*sent)) * weight;
            let moved = moved.clamp(-MOST, MOST);
            if let Some(sum) = self.sums.get_mut(chip.bit as usize) {
                *sum += moved;
            }
            self.squares += moved * moved;
            self.chips += 1;
        }
    }

    /// What was read, once there is enough to tell; then it begins anew.
    pub(super) fn read(&mut self, expected: Option<Mark>) -> Option<Reading> {
        if self.chips < self.look_at {
            return None;
        }
        let found = self.look(expected);
        self.look_at *= 2;
        if found.is_none() && self.chips < MOST_CHIPS {
            return None;
        }
        *self = Reader::new();
        Some(found.map_or(Reading::None, Reading::Mark))
    }

    /// The expected mark where it is there, else whichever passes its check.
    fn look(&self, expected: Option<Mark>) -> Option<Mark> {
        if let Some(mark) = expected
            && self.likeness(mark.word()) >= LIKE
            && self.certainty(mark.word()) >= CERTAIN
        {
            return expected;
        }
        let word = (0..)
            .zip(&self.sums)
            .fold(0, |word, (bit, sum)| word | u64::from(*sum > 0.0) << bit);
        let mark = Mark::of_word(word)?;
        (self.certainty(word) >= CERTAIN_OF_ANY).then_some(mark)
    }

    /// How much the sums speak for the word's bits: from -1 to 1.
    fn likeness(&self, word: u64) -> f32 {
        let all: f32 = self.sums.iter().map(|sum| sum.abs()).sum();
        self.for_word(word) / all.max(f32::MIN_POSITIVE)
    }

    /// The same in standard deviations of what chance would give.
    fn certainty(&self, word: u64) -> f32 {
        self.for_word(word) / self.squares.sqrt().max(f32::MIN_POSITIVE)
    }

    fn for_word(&self, word: u64) -> f32 {
        let sign = |bit: u32| if word >> bit & 1 == 1 { 1.0 } else { -1.0 };
        (0..)
            .zip(&self.sums)
            .map(|(bit, sum)| sign(bit) * sum)
            .sum()
    }
}

/// Chips before the first look: nine a bit, about half a second of speech.
const FIRST_LOOK: u32 = 504;
/// Chips after which a stretch without a mark is given up: 16 s of speech.
const MOST_CHIPS: u32 = 16_000;
/// The most that one sample says, in steps.
const MOST: f32 = 2.0;
/// The expected mark: more than three of four bits as they should be, weighed by what is known of each; two words
/// taken at random agree in half of theirs, a sum of 0.
const LIKE: f32 = 0.5;
/// And more than chance gives in a lifetime of runs (one in 10^9).
const CERTAIN: f32 = 6.0;
/// Of noise, the word read off the signs has 6.0 with a deviation of 0.6, and passes its check once in 2^24.
const CERTAIN_OF_ANY: f32 = 8.0;
