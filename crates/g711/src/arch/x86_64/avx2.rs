//! AVX2: sixteen samples a step by small tables in a register; what is left at the end is scalar.

use core::arch::x86_64::*;

use super::{A_LOWER, MU_LOWER, TURN, UPPER};
use crate::Law;
use crate::arch::scalar;
use crate::convert::Table;

/// The machine has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    #[inline]
    pub(crate) fn detect() -> Option<Avx2> {
        std::is_x86_feature_detected!("avx2").then_some(Avx2(()))
    }

    pub(crate) fn decode(self, law: Law, swap: bool, codes: &[u8], pcm: &mut [u8]) {
        // SAFETY: `self` shows that the machine has the instructions.
        unsafe { by_law_and_order!(law, swap, decode(codes, pcm)) }
    }

    pub(crate) fn encode(self, law: Law, swap: bool, pcm: &[u8], codes: &mut [u8]) {
        // SAFETY: as above.
        unsafe { by_law_and_order!(law, swap, encode(pcm, codes)) }
    }

    pub(crate) fn look_up(self, table: &Table, from: &[u8], to: &mut [u8]) {
        let count = from.len().min(to.len());
        // SAFETY: as above; both slices hold `count` codes and lie apart.
        unsafe { look_up(table, from.as_ptr(), to.as_mut_ptr(), count) }
    }

    pub(crate) fn look_up_in_place(self, table: &Table, codes: &mut [u8]) {
        let place = codes.as_mut_ptr();
        // SAFETY: as above; one place for both.
        unsafe { look_up(table, place, place, codes.len()) }
    }
}

impl Avx2 {
    #[inline]
    pub(crate) fn widen<R>(self, work: impl FnOnce() -> R) -> R {
        // SAFETY: `self` shows that the machine has the instructions.
        unsafe { widen(work) }
    }
}

/// What is inlined into this is compiled for AVX2. No fused multiplication comes of it (that is another feature), and
/// sums of floats keep their order.
#[target_feature(enable = "avx2")]
fn widen<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Two to the segment, and for A-law to the segment less one, at least zero.
const MU_POWERS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];
const A_POWERS: [u8; 16] = [1, 1, 2, 4, 8, 16, 32, 64, 0, 0, 0, 0, 0, 0, 0, 0];
/// What is added to twice the step: A-law's first segment has no leading one.
const A_LEADS: [u8; 16] = [1, 33, 33, 33, 33, 33, 33, 33, 0, 0, 0, 0, 0, 0, 0, 0];

#[target_feature(enable = "avx2")]
fn decode<const MU: bool, const SWAP: bool>(codes: &[u8], pcm: &mut [u8]) {
    let word = |value: i16| _mm256_set1_epi16(value);
    let turn = table(&TURN);
    let powers = table(if MU { &MU_POWERS } else { &A_POWERS });
    let leads = table(&A_LEADS);
    let step = |codes: __m128i| {
        let codes = _mm256_cvtepu8_epi16(codes);
        // Mu-law inverts all bits, A-law every second; bit 7 stays clear for positive values.
        let plain = _mm256_xor_si256(codes, word(if MU { 0xFF } else { 0xD5 }));
        let negative = _mm256_cmpgt_epi16(plain, word(0x7F));
        let segment = _mm256_and_si256(_mm256_srli_epi16::<4>(plain), word(0x07));
        let twice = _mm256_slli_epi16::<1>(_mm256_and_si256(plain, word(0x0F)));
        // The high byte of each word looks entry 0 up, and is cut off.
        let byte = word(0xFF);
        let power = _mm256_and_si256(_mm256_shuffle_epi8(powers, segment), byte);
        let magnitude = if MU {
            let biased = _mm256_mullo_epi16(_mm256_add_epi16(twice, word(33)), power);
            _mm256_slli_epi16::<2>(_mm256_sub_epi16(biased, word(33)))
        } else {
            let lead = _mm256_and_si256(_mm256_shuffle_epi8(leads, segment), byte);
            let value = _mm256_mullo_epi16(_mm256_add_epi16(twice, lead), power);
            _mm256_slli_epi16::<3>(value)
        };
        let samples = _mm256_sub_epi16(_mm256_xor_si256(magnitude, negative), negative);
        if SWAP {
            _mm256_shuffle_epi8(samples, turn)
        } else {
            samples
        }
    };
    let mut whole = codes.chunks_exact(16);
    let mut out = pcm.chunks_exact_mut(32);
    for (codes, pcm) in whole.by_ref().zip(out.by_ref()) {
        // SAFETY: the chunks hold 16 codes and 16 samples, half a register and a register.
        unsafe {
            let samples = step(_mm_loadu_si128(codes.as_ptr().cast()));
            _mm256_storeu_si256(pcm.as_mut_ptr().cast(), samples);
        }
    }
    let law = if MU { Law::Mu } else { Law::A };
    scalar::decode(law, SWAP, whole.remainder(), out.into_remainder());
}

/// A factor whose product has the shifted magnitude in its upper word: `2^(15 - shift)`, its high byte.
const MU_FACTORS: [u8; 16] = [128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0];
const A_FACTORS: [u8; 16] = [128, 128, 64, 32, 16, 8, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0];

#[target_feature(enable = "avx2")]
fn encode<const MU: bool, const SWAP: bool>(pcm: &[u8], codes: &mut [u8]) {
    let word = |value: i16| _mm256_set1_epi16(value);
    let turn = table(&TURN);
    let upper = table(&UPPER);
    let lower = table(if MU { &MU_LOWER } else { &A_LOWER });
    let factors = table(if MU { &MU_FACTORS } else { &A_FACTORS });
    let step = |samples: __m256i| {
        let samples = if SWAP {
            _mm256_shuffle_epi8(samples, turn)
        } else {
            samples
        };
        let negative = _mm256_srai_epi16::<15>(samples);
        // One's complement, as tables::encode_mu and encode_a.
        let magnitude = _mm256_xor_si256(samples, negative);
        let (magnitude, high, low) = if MU {
            let clipped = _mm256_min_epu16(_mm256_srli_epi16::<2>(magnitude), word(8_158));
            let biased = _mm256_add_epi16(clipped, word(33));
            let low = _mm256_and_si256(_mm256_srli_epi16::<5>(biased), word(0x0F));
            (biased, _mm256_srli_epi16::<9>(biased), low)
        } else {
            let magnitude = _mm256_srli_epi16::<4>(magnitude);
            let low = _mm256_and_si256(_mm256_srli_epi16::<4>(magnitude), word(0x07));
            (magnitude, _mm256_srli_epi16::<7>(magnitude), low)
        };
        // The high byte of each word looks entry 0 up, which is 0 in both.
        let segment = _mm256_max_epu8(
            _mm256_shuffle_epi8(upper, high),
            _mm256_shuffle_epi8(lower, low),
        );
        let factor = _mm256_slli_epi16::<8>(_mm256_shuffle_epi8(factors, segment));
        // Mu-law shifts by one more than its segment, A-law by one less; the factor holds one of A-law's.
        let shifted = if MU {
            _mm256_mulhi_epu16(magnitude, factor)
        } else {
            _mm256_mulhi_epu16(_mm256_slli_epi16::<1>(magnitude), factor)
        };
        let mantissa = _mm256_and_si256(shifted, word(0x0F));
        let plain = _mm256_or_si256(_mm256_slli_epi16::<4>(segment), mantissa);
        let sign = _mm256_and_si256(negative, word(0x80));
        let line = word(if MU { 0xFF } else { 0xD5 });
        let words = _mm256_xor_si256(_mm256_xor_si256(plain, sign), line);
        // Packing works within lanes: the two halves are brought together.
        let bytes = _mm256_packus_epi16(words, words);
        _mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b00_00_10_00>(bytes))
    };
    let mut whole = pcm.chunks_exact(32);
    let mut out = codes.chunks_exact_mut(16);
    for (pcm, codes) in whole.by_ref().zip(out.by_ref()) {
        // SAFETY: the chunks hold 16 samples and 16 codes, a register and half of one.
        unsafe {
            let packed = step(_mm256_loadu_si256(pcm.as_ptr().cast()));
            _mm_storeu_si128(codes.as_mut_ptr().cast(), packed);
        }
    }
    let law = if MU { Law::Mu } else { Law::A };
    scalar::encode(law, SWAP, whole.remainder(), out.into_remainder());
}

/// A conversion by eight rows of sixteen. A row's index is the code less the row's start: below zero its bit 7
/// gives nothing, else the row is xored in, so that all rows up to the code's own make that one.
///
/// **Safety**: `count` codes can be read at `from` and written at `to`, which are one place or lie apart.
#[target_feature(enable = "avx2")]
unsafe fn look_up(conversion: &Table, from: *const u8, to: *mut u8, count: usize) {
    let (rows, _) = conversion.chain.as_chunks::<16>();
    let sign = _mm256_set1_epi8(-0x80);
    let sixteen = _mm256_set1_epi8(16);
    let whole = count / 32 * 32;
    for at in (0..whole).step_by(32) {
        // SAFETY: `at` and 31 more are below `count`.
        let codes = unsafe { _mm256_loadu_si256(from.add(at).cast()) };
        let mut found = _mm256_and_si256(codes, sign);
        let mut index = _mm256_andnot_si256(sign, codes);
        for row in rows {
            found = _mm256_xor_si256(found, _mm256_shuffle_epi8(table(row), index));
            index = _mm256_sub_epi8(index, sixteen);
        }
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(to.add(at).cast(), found) }
    }
    for at in whole..count {
        // SAFETY: `at` is below `count`.
        unsafe { *to.add(at) = conversion.whole[usize::from(*from.add(at))] }
    }
}

/// Sixteen bytes in both lanes, as `vpshufb` wants them.
#[target_feature(enable = "avx2")]
fn table(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: sixteen bytes are read from an array of sixteen.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}
