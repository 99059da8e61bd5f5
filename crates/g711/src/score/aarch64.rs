//! NEON: sixteen bytes a step by four tables of 64; what is left at the end is scalar.

#![expect(unsafe_code, reason = "vector loads")]

use core::arch::aarch64::*;

use super::{Weights, lowered, scalar};

pub(crate) fn score(weights: &Weights, bytes: &[u8]) -> i32 {
    let (whole, rest) = bytes.as_chunks::<16>();
    let table = weights.raised.as_ptr();
    // SAFETY: 256 bytes are four times 64, the chunks are registers; NEON is there on every aarch64.
    let sum = unsafe {
        let [a, b, c, d] = [0, 64, 128, 192].map(|at| vld1q_u8_x4(table.add(at)));
        let quarter = vdupq_n_u8(64);
        let mut sums = vdupq_n_u32(0);
        for bytes in whole {
            let index = vld1q_u8(bytes.as_ptr());
            // An index beyond a table leaves what was found; a byte is within one of the four only.
            let found = vqtbl4q_u8(a, index);
            let index = vsubq_u8(index, quarter);
            let found = vqtbx4q_u8(found, b, index);
            let index = vsubq_u8(index, quarter);
            let found = vqtbx4q_u8(found, c, index);
            let index = vsubq_u8(index, quarter);
            let found = vqtbx4q_u8(found, d, index);
            sums = vpadalq_u16(sums, vpaddlq_u8(found));
        }
        vaddvq_u32(sums)
    };
    lowered(sum.wrapping_add(scalar::raised(weights, rest)), bytes.len())
}
