//! AVX-512 without VBMI: thirty-two samples a step by shifts of their own; what is left at the end is scalar.

use core::arch::x86_64::*;

use super::{A_LOWER, Avx2, MU_LOWER, TURN, UPPER};
use crate::Law;
use crate::arch::scalar;
use crate::convert::Table;

/// The machine has AVX-512 F and BW, and AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512Bw(Avx2);

impl Avx512Bw {
    #[inline]
    pub(crate) fn detect() -> Option<Avx512Bw> {
        let has =
            std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512bw");
        Avx2::detect().filter(|_| has).map(Avx512Bw)
    }

    /// The part of the proof that kernels without one of their own need.
    pub(crate) fn avx2(self) -> Avx2 {
        self.0
    }

    pub(crate) fn decode(self, law: Law, swap: bool, codes: &[u8], pcm: &mut [u8]) {
        // SAFETY: `self` shows that the machine has the instructions.
        unsafe { by_law_and_order!(law, swap, decode(codes, pcm)) }
    }

    pub(crate) fn encode(self, law: Law, swap: bool, pcm: &[u8], codes: &mut [u8]) {
        // SAFETY: as above.
        unsafe { by_law_and_order!(law, swap, encode(pcm, codes)) }
    }

    /// By AVX2: masks over wider rows were measured to be slower.
    pub(crate) fn look_up(self, table: &Table, from: &[u8], to: &mut [u8]) {
        self.0.look_up(table, from, to);
    }

    /// As `look_up`.
    pub(crate) fn look_up_in_place(self, table: &Table, codes: &mut [u8]) {
        self.0.look_up_in_place(table, codes);
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn decode<const MU: bool, const SWAP: bool>(codes: &[u8], pcm: &mut [u8]) {
    let word = |value: i16| _mm512_set1_epi16(value);
    let turn = table(&TURN);
    let step = |codes: __m256i| {
        // Mu-law inverts all bits, A-law every second; bit 7 stays clear for positive values.
        let line = word(if MU { 0xFF } else { 0xD5 });
        let plain = _mm512_xor_si512(_mm512_cvtepu8_epi16(codes), line);
        let negative = _mm512_test_epi16_mask(plain, word(0x80));
        let segment = _mm512_and_si512(_mm512_srli_epi16::<4>(plain), word(0x07));
        let twice = _mm512_slli_epi16::<1>(_mm512_and_si512(plain, word(0x0F)));
        let magnitude = if MU {
            let biased = _mm512_sllv_epi16(_mm512_add_epi16(twice, word(33)), segment);
            _mm512_slli_epi16::<2>(_mm512_sub_epi16(biased, word(33)))
        } else {
            // The first segment has no leading one, and the step size of the second.
            let upper = _mm512_test_epi16_mask(segment, segment);
            let base = _mm512_add_epi16(twice, word(1));
            let base = _mm512_mask_add_epi16(base, upper, base, word(32));
            let shift = _mm512_subs_epu16(segment, word(1));
            _mm512_slli_epi16::<3>(_mm512_sllv_epi16(base, shift))
        };
        let zero = _mm512_setzero_si512();
        let samples = _mm512_mask_sub_epi16(magnitude, negative, zero, magnitude);
        if SWAP {
            _mm512_shuffle_epi8(samples, turn)
        } else {
            samples
        }
    };
    let mut whole = codes.chunks_exact(32);
    let mut out = pcm.chunks_exact_mut(64);
    for (codes, pcm) in whole.by_ref().zip(out.by_ref()) {
        // SAFETY: the chunks hold 32 codes and 32 samples, half a register and a register.
        unsafe {
            let samples = step(_mm256_loadu_si256(codes.as_ptr().cast()));
            _mm512_storeu_si512(pcm.as_mut_ptr().cast(), samples);
        }
    }
    let law = if MU { Law::Mu } else { Law::A };
    scalar::decode(law, SWAP, whole.remainder(), out.into_remainder());
}

#[target_feature(enable = "avx512f,avx512bw")]
fn encode<const MU: bool, const SWAP: bool>(pcm: &[u8], codes: &mut [u8]) {
    let word = |value: i16| _mm512_set1_epi16(value);
    let turn = table(&TURN);
    let upper = table(&UPPER);
    let lower = table(if MU { &MU_LOWER } else { &A_LOWER });
    let step = |samples: __m512i| {
        let samples = if SWAP {
            _mm512_shuffle_epi8(samples, turn)
        } else {
            samples
        };
        let negative = _mm512_srai_epi16::<15>(samples);
        // One's complement, as tables::encode_mu and encode_a.
        let magnitude = _mm512_xor_si512(samples, negative);
        let (magnitude, high, low) = if MU {
            let clipped = _mm512_min_epu16(_mm512_srli_epi16::<2>(magnitude), word(8_158));
            let biased = _mm512_add_epi16(clipped, word(33));
            let low = _mm512_and_si512(_mm512_srli_epi16::<5>(biased), word(0x0F));
            (biased, _mm512_srli_epi16::<9>(biased), low)
        } else {
            let magnitude = _mm512_srli_epi16::<4>(magnitude);
            let low = _mm512_and_si512(_mm512_srli_epi16::<4>(magnitude), word(0x07));
            (magnitude, _mm512_srli_epi16::<7>(magnitude), low)
        };
        // The high byte of each word looks entry 0 up, which is 0 in both.
        let segment = _mm512_max_epu8(
            _mm512_shuffle_epi8(upper, high),
            _mm512_shuffle_epi8(lower, low),
        );
        let shift = if MU {
            _mm512_add_epi16(segment, word(1))
        } else {
            _mm512_subs_epu16(segment, word(1))
        };
        let mantissa = _mm512_and_si512(_mm512_srlv_epi16(magnitude, shift), word(0x0F));
        let plain = _mm512_or_si512(_mm512_slli_epi16::<4>(segment), mantissa);
        let sign = _mm512_and_si512(negative, word(0x80));
        let line = word(if MU { 0xFF } else { 0xD5 });
        _mm512_cvtepi16_epi8(_mm512_xor_si512(_mm512_xor_si512(plain, sign), line))
    };
    let mut whole = pcm.chunks_exact(64);
    let mut out = codes.chunks_exact_mut(32);
    for (pcm, codes) in whole.by_ref().zip(out.by_ref()) {
        // SAFETY: the chunks hold 32 samples and 32 codes, a register and half of one.
        unsafe {
            let packed = step(_mm512_loadu_si512(pcm.as_ptr().cast()));
            _mm256_storeu_si256(codes.as_mut_ptr().cast(), packed);
        }
    }
    let law = if MU { Law::Mu } else { Law::A };
    scalar::encode(law, SWAP, whole.remainder(), out.into_remainder());
}

/// Sixteen bytes in all four lanes, as `vpshufb` wants them.
#[target_feature(enable = "avx512f")]
pub(super) fn table(bytes: &[u8; 16]) -> __m512i {
    // SAFETY: sixteen bytes are read from an array of sixteen.
    _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}
