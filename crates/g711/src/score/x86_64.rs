//! AVX2: thirty-two bytes a step by small tables. AVX-512 with VBMI: sixty-four by the whole table in registers.

#![expect(
    unsafe_code,
    reason = "vector loads, and the step into code for other machines"
)]

use core::arch::x86_64::*;

use super::{Weights, lowered, scalar};
use crate::arch::x86_64::{Avx2, Avx512Bw, Avx512Vbmi};

impl Avx2 {
    pub(crate) fn score(self, weights: &Weights, bytes: &[u8]) -> i32 {
        // SAFETY: `self` shows that the machine has the instructions.
        unsafe { by_rows(weights, bytes) }
    }
}

impl Avx512Bw {
    /// By AVX2: no way of its own was tried.
    pub(crate) fn score(self, weights: &Weights, bytes: &[u8]) -> i32 {
        self.avx2().score(weights, bytes)
    }
}

impl Avx512Vbmi {
    pub(crate) fn score(self, weights: &Weights, bytes: &[u8]) -> i32 {
        // SAFETY: `self` shows that the machine has the instructions.
        unsafe { by_halves(weights, bytes) }
    }
}

/// A table of 256 as two halves of eight rows. A row's index is the byte less the row's start in its half, taken as
/// signed and kept from wrapping: below zero, its bit 7 gives nothing, and a byte of the other half stays there; else
/// the row is xored in, so that all rows up to the byte's own make that one.
/// Measured (benches/README.md): sixteen rows take two thirds of the time of a scalar look-up for each byte.
#[target_feature(enable = "avx2")]
fn by_rows(weights: &Weights, bytes: &[u8]) -> i32 {
    let (rows, _) = weights.chain.as_chunks::<16>();
    let (first, second) = rows.split_at(8);
    let sixteen = _mm256_set1_epi8(16);
    let zero = _mm256_setzero_si256();
    let (whole, rest) = bytes.as_chunks::<32>();
    let mut sums = zero;
    for bytes in whole {
        // SAFETY: the chunk is a register.
        let mut low = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
        let mut high = _mm256_xor_si256(low, _mm256_set1_epi8(-0x80));
        let (mut of_low, mut of_high) = (zero, zero);
        for (one, other) in first.iter().zip(second) {
            of_low = _mm256_xor_si256(of_low, _mm256_shuffle_epi8(row(one), low));
            of_high = _mm256_xor_si256(of_high, _mm256_shuffle_epi8(row(other), high));
            low = _mm256_subs_epi8(low, sixteen);
            high = _mm256_subs_epi8(high, sixteen);
        }
        let found = _mm256_xor_si256(of_low, of_high);
        sums = _mm256_add_epi64(sums, _mm256_sad_epu8(found, zero));
    }
    let halves = _mm_add_epi64(
        _mm256_castsi256_si128(sums),
        _mm256_extracti128_si256::<1>(sums),
    );
    let sum = _mm_add_epi64(halves, _mm_unpackhi_epi64(halves, halves));
    let sum = _mm_cvtsi128_si32(sum).cast_unsigned();
    lowered(sum.wrapping_add(scalar::raised(weights, rest)), bytes.len())
}

/// Sixteen bytes in both lanes, as `vpshufb` wants them.
#[target_feature(enable = "avx2")]
fn row(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: sixteen bytes are read from an array of sixteen.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

/// A table of 256 in four registers: `vpermi2b` looks up in a half, and bit 7 says in which. The sums are
/// `vpsadbw`'s: at a packet's three steps `vpdpbusd` would save nothing, and not every machine with VBMI need have it.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn by_halves(weights: &Weights, bytes: &[u8]) -> i32 {
    let table = weights.raised.as_ptr();
    // SAFETY: 256 bytes are four registers of 64.
    let [a, b, c, d] =
        [0, 64, 128, 192].map(|at| unsafe { _mm512_loadu_si512(table.add(at).cast()) });
    let zero = _mm512_setzero_si512();
    let found = |bytes| {
        let low = _mm512_permutex2var_epi8(a, bytes, b);
        let high = _mm512_permutex2var_epi8(c, bytes, d);
        _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), low, high)
    };
    let (whole, rest) = bytes.as_chunks::<64>();
    let mut sums = zero;
    for bytes in whole {
        // SAFETY: the chunk is a register.
        let found = found(unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) });
        sums = _mm512_add_epi64(sums, _mm512_sad_epu8(found, zero));
    }
    if !rest.is_empty() {
        let mask = u64::MAX >> (64 - rest.len());
        // SAFETY: the mask keeps the read to what is left.
        let left = found(unsafe { _mm512_maskz_loadu_epi8(mask, rest.as_ptr().cast()) });
        let left = _mm512_maskz_mov_epi8(mask, left);
        sums = _mm512_add_epi64(sums, _mm512_sad_epu8(left, zero));
    }
    lowered(_mm512_reduce_add_epi64(sums) as u32, bytes.len())
}
