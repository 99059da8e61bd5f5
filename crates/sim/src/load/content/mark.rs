//! The mark that a call's audio carries, too quiet to be heard.
//!
//! Of each eight samples one, chosen by its place in the reference, gets the next louder or the next quieter code of
//! its law. Which of the two says one bit of the call's number, times a sign that changes from place to place. Samples
//! near silence are left alone: there is nothing to hide behind, and comfort noise would take their place. What is
//! added lies as far below the speech as G.711's own error does.
//!
//! Who knows what was sent reads it ([`Reader`]): the difference to it, in steps, times the sign, summed up for each
//! bit. Transcoding from law to law moves a sample by half a step at most, so half a second of speech is enough;
//! what damages more takes longer.

use std::fmt;

use super::codes::{magnitude, with_magnitude};
use crate::sound::Law;

/// The number of one call in all shares of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Mark(pub u32);

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl Mark {
    /// Writes the mark into a payload of G.711 whose first sample stands at `position` of the reference.
    ///
    /// **Units**: samples; a reference that is sent again and again begins at 0 each time. **Cost**: one step for
    /// each eight bytes, nothing allocated.
    pub fn stamp(self, law: Law, position: u64, payload: &mut [u8]) {
        let word = self.word();
        let end = position + payload.len() as u64;
        for slot in position / SLOT..end.div_ceil(SLOT) {
            let chip = Chip::at(slot);
            let Some(at) = chip.position.checked_sub(position) else {
                continue;
            };
            let Some(code) = payload.get_mut(at as usize) else {
                continue;
            };
            let was = magnitude(law, *code);
            if was < QUIET {
                continue;
            }
            let louder = (word >> chip.bit & 1 == 1) == chip.up;
            let becomes = if louder { (was + 1).min(127) } else { was - 1 };
            *code = with_magnitude(law, *code, becomes);
        }
    }

    /// The bits that are sent: the number, mixed so that neighbours differ in many, and a check on it.
    pub(super) fn word(self) -> u64 {
        let mixed = mix(self.0);
        u64::from(mixed) | check(mixed) << 32
    }

    /// The mark that a word is of, if its check holds.
    pub(super) fn of_word(word: u64) -> Option<Mark> {
        let mixed = word as u32;
        (word >> 32 == check(mixed)).then(|| Mark(unmix(mixed)))
    }
}

/// What one sample in [`SLOT`] carries: where it is, which bit, with which sign.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chip {
    /// In samples of the reference.
    pub(super) position: u64,
    /// Which bit of the word.
    pub(super) bit: u32,
    /// Whether a set bit makes the sample louder.
    pub(super) up: bool,
}

impl Chip {
    /// The chip of one slot of [`SLOT`] samples.
    pub(super) fn at(slot: u64) -> Chip {
        let mut dice = slot.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        dice ^= dice >> 32;
        dice = dice.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        dice ^= dice >> 32;
        Chip {
            position: slot * SLOT + (dice & (SLOT - 1)),
            bit: (((dice >> 8 & 0xFFFF) * u64::from(BITS)) >> 16) as u32,
            up: dice >> 3 & 1 == 1,
        }
    }
}

/// A one-to-one mixing of 32 bits (two rounds of xor-shift and odd multiplication).
fn mix(number: u32) -> u32 {
    let mut x = number ^ 0x5BD1_E995;
    x ^= x >> 16;
    x = x.wrapping_mul(FACTOR);
    x ^= x >> 16;
    x = x.wrapping_mul(FACTOR);
    x ^ x >> 16
}

/// [`mix`] undone.
fn unmix(mixed: u32) -> u32 {
    let mut x = mixed ^ mixed >> 16;
    x = x.wrapping_mul(INVERSE);
    x ^= x >> 16;
    x = x.wrapping_mul(INVERSE);
    x ^= x >> 16;
    x ^ 0x5BD1_E995
}

/// 24 bits that depend on every bit of `mixed`.
fn check(mixed: u32) -> u64 {
    let product = (u64::from(mixed) ^ 0xA5A5_5A5A_0F0F_F0F0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (product ^ product >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40
}

/// One sample in this many carries something. A power of two.
pub(super) const SLOT: u64 = 8;
/// Bits of the word: 32 of the number, 24 of the check.
pub(super) const BITS: u32 = 56;
/// Magnitudes below this are left alone: about -38 dB under full scale.
pub(super) const QUIET: u8 = 32;
const FACTOR: u32 = 0x7FEB_352D;
/// FACTOR times this is 1 modulo 2^32.
const INVERSE: u32 = inverse(FACTOR);

/// By Newton's iteration: each round doubles the bits that are right.
const fn inverse(odd: u32) -> u32 {
    let mut x = odd;
    let mut round = 0;
    while round < 5 {
        x = x.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(x)));
        round += 1;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_and_neighbours_differ_much() {
        for number in (0..5_000).chain([u32::MAX, 0x8000_0000]) {
            let word = Mark(number).word();
            assert_eq!(Mark::of_word(word), Some(Mark(number)));
            assert_eq!(word >> BITS, 0);
            let next = Mark(number.wrapping_add(1)).word();
            assert!((word ^ next).count_ones() >= 9, "{number}");
        }
    }

    #[test]
    fn a_wrong_bit_is_noticed() {
        let word = Mark(41).word();
        for bit in 0..BITS {
            assert_eq!(Mark::of_word(word ^ 1 << bit), None, "{bit}");
        }
    }

    #[test]
    fn each_bit_is_carried_about_equally_often() {
        let mut counts = [0_u32; BITS as usize];
        for slot in 0..56_000 {
            counts[Chip::at(slot).bit as usize] += 1;
        }
        assert!(
            counts.iter().all(|c| (850..1_150).contains(c)),
            "{counts:?}"
        );
    }

    #[test]
    fn silence_is_left_alone_and_speech_moves_by_one_step() {
        let mut silence = [0xFF_u8; 160];
        Mark(1).stamp(Law::Mu, 0, &mut silence);
        assert_eq!(silence, [0xFF; 160]);
        let loud = [0x8F_u8; 160];
        let mut marked = loud;
        Mark(1).stamp(Law::Mu, 320, &mut marked);
        let moved = marked.iter().filter(|c| **c != 0x8F).count();
        assert_eq!(moved, 20);
        assert!(marked.iter().all(|c| c.abs_diff(0x8F) <= 1));
    }

    #[test]
    fn packets_of_any_size_are_stamped_alike() {
        let whole: Vec<u8> = (0..1_600_u32).map(|i| (i * 37 % 128) as u8).collect();
        let mut at_once = whole.clone();
        Mark(9).stamp(Law::A, 800, &mut at_once);
        let mut in_parts = whole;
        let mut position = 800;
        for part in in_parts.chunks_mut(83) {
            Mark(9).stamp(Law::A, position, part);
            position += part.len() as u64;
        }
        assert_eq!(at_once, in_parts);
    }
}
