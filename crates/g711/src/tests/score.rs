//! Every kernel that this machine has, against the definition of a score.

use super::{cases, lengths, starts};
use crate::{Kernel, Weights};
use std::vec::Vec;

/// The definition: one look-up and one addition after another.
fn defined(weights: &[i8; 256], bytes: &[u8]) -> i32 {
    let mut sum = 0;
    for byte in bytes {
        sum += i32::from(weights[usize::from(*byte)]);
    }
    sum
}

/// Bytes without a pattern (xorshift).
fn random(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    core::iter::repeat_with(next).take(count).collect()
}

fn random_weights(seed: u32) -> [i8; 256] {
    let bytes = random(seed, 256);
    core::array::from_fn(|byte| bytes[byte].cast_signed())
}

/// Weights at both ends, without a pattern, each other than its neighbours, and both ends by turns.
fn tables() -> [[i8; 256]; 6] {
    [
        [i8::MIN; 256],
        [i8::MAX; 256],
        random_weights(1),
        random_weights(2),
        core::array::from_fn(|byte| (byte as u8).cast_signed()),
        core::array::from_fn(|byte| if byte % 2 == 0 { i8::MIN } else { i8::MAX }),
    ]
}

/// One byte alone, and a register's worth of it.
#[test]
fn for_every_byte_value() {
    for table in tables() {
        let weights = Weights::new(table);
        for kernel in Kernel::available() {
            // Under Miri a few, both ends among them.
            for byte in (0..=255_u8).step_by(if cfg!(miri) { 51 } else { 1 }) {
                let weight = i32::from(table[usize::from(byte)]);
                let told = (kernel.name(), byte);
                assert_eq!(kernel.score(&weights, &[byte]), weight, "{told:?}");
                assert_eq!(kernel.score(&weights, &[byte; 64]), 64 * weight, "{told:?}");
            }
        }
    }
}

/// Any length at any alignment; what stands before and behind does not count.
#[test]
fn for_every_length_and_alignment() {
    let (lengths, starts) = (lengths(), starts());
    let bytes = random(3, 1_024 + 64);
    for table in tables() {
        let weights = Weights::new(table);
        for kernel in Kernel::available() {
            for length in &lengths {
                for start in starts.clone() {
                    let bytes = &bytes[start..start + length];
                    let told = (kernel.name(), length, start);
                    let score = kernel.score(&weights, bytes);
                    assert_eq!(score, defined(&table, bytes), "{told:?}");
                }
            }
        }
    }
}

/// The bound that is promised, and where the sum wraps beyond it, the same for all.
#[test]
#[cfg_attr(miri, ignore = "megabytes")]
fn up_to_sixteen_mebibytes() {
    const BOUND: usize = 16 << 20;
    let bytes = random(4, BOUND + 1);
    for kernel in Kernel::available() {
        let name = kernel.name();
        let least = Weights::new([i8::MIN; 256]);
        assert_eq!(kernel.score(&least, &bytes[..BOUND]), i32::MIN, "{name}");
        assert_eq!(kernel.score(&least, &bytes), i32::MAX - 127, "{name}");
        let most = Weights::new([i8::MAX; 256]);
        let want = 127 * BOUND as i32;
        assert_eq!(kernel.score(&most, &bytes[..BOUND]), want, "{name}");
    }
}

#[test]
fn the_kernel_chosen_scores_as_all_do() {
    let (table, bytes) = (random_weights(5), random(6, 160));
    assert_eq!(Weights::new(table).score(&bytes), defined(&table, &bytes));
}

proptest::proptest! {
    #![proptest_config(cases())]

    /// Whatever the weights and the bytes.
    #[test]
    fn for_anything(
        table in proptest::array::uniform32(proptest::array::uniform8(proptest::num::i8::ANY)),
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..3_000),
    ) {
        let table: [i8; 256] = core::array::from_fn(|byte| table[byte / 8][byte % 8]);
        let weights = Weights::new(table);
        for kernel in Kernel::available() {
            assert_eq!(kernel.score(&weights, &bytes), defined(&table, &bytes), "{}", kernel.name());
        }
    }
}
