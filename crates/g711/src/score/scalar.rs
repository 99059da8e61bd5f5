//! A look-up and an addition a byte.

use super::{Weights, lowered};

pub(crate) fn score(weights: &Weights, bytes: &[u8]) -> i32 {
    lowered(raised(weights, bytes), bytes.len())
}

/// The sum of raised weights. Four sums, so that no addition waits for the one before; bytes come eight at a time in
/// a register, which leaves the loads to the table.
pub(super) fn raised(weights: &Weights, bytes: &[u8]) -> u32 {
    let of = |byte: u8| u32::from(weights.raised[usize::from(byte)]);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut sums = [0_u32; 4];
    for word in words {
        let [a, b, c, d, e, f, g, h] = u64::from_ne_bytes(*word).to_ne_bytes();
        for (sum, (one, other)) in sums.iter_mut().zip([(a, b), (c, d), (e, f), (g, h)]) {
            *sum = sum.wrapping_add(of(one) + of(other));
        }
    }
    let rest = rest.iter().map(|byte| of(*byte));
    sums.into_iter().chain(rest).fold(0, u32::wrapping_add)
}
