//! AVX-512 with VBMI: whole tables in registers. Sixty-four codes or thirty-two samples a step; what is left at
//! the end goes through the same step under a mask.

use core::arch::x86_64::*;

use crate::arch::scalar;
use crate::{Law, tables};

/// The machine has AVX-512 F, BW and VBMI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512Vbmi(());

impl Avx512Vbmi {
    #[inline]
    pub(crate) fn detect() -> Option<Avx512Vbmi> {
        let has = std::is_x86_feature_detected!("avx512f")
            && std::is_x86_feature_detected!("avx512bw")
            && std::is_x86_feature_detected!("avx512vbmi");
        has.then_some(Avx512Vbmi(()))
    }

    pub(crate) fn decode(self, law: Law, codes: &[u8], pcm: &mut [i16]) {
        // SAFETY: `self` shows that the machine has the instructions.
        unsafe { decode(law, codes, pcm) }
    }

    pub(crate) fn encode(self, law: Law, pcm: &[i16], codes: &mut [u8]) {
        // SAFETY: as above.
        unsafe {
            match law {
                Law::Mu => encode::<true>(pcm, codes),
                Law::A => encode::<false>(pcm, codes),
            }
        }
    }

    pub(crate) fn look_up(self, table: &[u8; 256], codes: &mut [u8]) {
        // SAFETY: as above.
        unsafe { look_up(table, codes) }
    }
}

/// The magnitudes of the 128 positive codes, their low bytes and their high bytes. The codes' own inversion is
/// in the order of the entries.
struct Magnitudes {
    low: [u8; 128],
    high: [u8; 128],
}

static MU: Magnitudes = magnitudes(&tables::MU_DECODE);
static A: Magnitudes = magnitudes(&tables::A_DECODE);

const fn magnitudes(decode: &[i16; 256]) -> Magnitudes {
    let mut bytes = Magnitudes {
        low: [0; 128],
        high: [0; 128],
    };
    let mut code = 0;
    while code < 128 {
        let [low, high] = decode[code | 0x80].to_le_bytes();
        bytes.low[code] = low;
        bytes.high[code] = high;
        code += 1;
    }
    bytes
}

/// Quadwords so that unpacking low and high bytes, which works within lanes, puts the words in order.
const SPREAD: [i64; 8] = [0, 4, 1, 5, 2, 6, 3, 7];

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn decode(law: Law, codes: &[u8], pcm: &mut [i16]) {
    let table = match law {
        Law::Mu => &MU,
        Law::A => &A,
    };
    let low = both(&table.low);
    let high = both(&table.high);
    // SAFETY: eight quadwords are read from an array of eight.
    let spread = unsafe { _mm512_loadu_si512(SPREAD.as_ptr().cast()) };
    let step = |codes: __m512i| {
        let positive = _mm512_movepi8_mask(codes);
        let codes = _mm512_permutexvar_epi64(spread, codes);
        let low = _mm512_permutex2var_epi8(low.0, codes, low.1);
        let high = _mm512_permutex2var_epi8(high.0, codes, high.1);
        let first = _mm512_unpacklo_epi8(low, high);
        let second = _mm512_unpackhi_epi8(low, high);
        let zero = _mm512_setzero_si512();
        (
            _mm512_mask_sub_epi16(first, !positive as u32, zero, first),
            _mm512_mask_sub_epi16(second, (!positive >> 32) as u32, zero, second),
        )
    };
    let mut whole = codes.chunks_exact(64);
    let mut out = pcm.chunks_exact_mut(64);
    for (codes, pcm) in whole.by_ref().zip(out.by_ref()) {
        // SAFETY: the chunks hold 64 codes and 64 samples, two registers of 32.
        unsafe {
            let (first, second) = step(_mm512_loadu_si512(codes.as_ptr().cast()));
            _mm512_storeu_si512(pcm.as_mut_ptr().cast(), first);
            _mm512_storeu_si512(pcm.as_mut_ptr().add(32).cast(), second);
        }
    }
    let (codes, pcm) = (whole.remainder(), out.into_remainder());
    let left = codes.len().min(pcm.len());
    if left > 0 {
        let mask = u64::MAX >> (64 - left);
        // SAFETY: the masks keep reads and writes to the `left` elements that both slices have; the second
        // pointer is only stepped to where there is something to write.
        unsafe {
            let (first, second) = step(_mm512_maskz_loadu_epi8(mask, codes.as_ptr().cast()));
            _mm512_mask_storeu_epi16(pcm.as_mut_ptr(), mask as u32, first);
            if left > 32 {
                let rest = (mask >> 32) as u32;
                _mm512_mask_storeu_epi16(pcm.as_mut_ptr().add(32), rest, second);
            }
        }
    }
}

/// A table of 128 bytes as two registers.
#[target_feature(enable = "avx512f")]
fn both(table: &[u8; 128]) -> (__m512i, __m512i) {
    // SAFETY: 128 bytes are two registers of 64.
    unsafe {
        (
            _mm512_loadu_si512(table.as_ptr().cast()),
            _mm512_loadu_si512(table.as_ptr().add(64).cast()),
        )
    }
}

/// The segment by the seven highest bits of a biased mu-law magnitude (13 bits), or of an A-law magnitude (11
/// bits): how many bits those seven have.
const SEGMENTS: [u8; 128] = {
    let mut segments = [0; 128];
    let mut bits = 1;
    while bits < 128 {
        segments[bits] = (usize::BITS - bits.leading_zeros()) as u8;
        bits += 1;
    }
    segments
};

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn encode<const MU: bool>(pcm: &[i16], codes: &mut [u8]) {
    let segments = both(&SEGMENTS);
    let word = |value: i16| _mm512_set1_epi16(value);
    let step = |samples: __m512i| {
        let negative = _mm512_srai_epi16::<15>(samples);
        // One's complement, as tables::encode_mu and encode_a.
        let magnitude = _mm512_xor_si512(samples, negative);
        let (magnitude, index, shift_less) = if MU {
            let clipped = _mm512_min_epu16(_mm512_srli_epi16::<2>(magnitude), word(8_158));
            let biased = _mm512_add_epi16(clipped, word(33));
            (biased, _mm512_srli_epi16::<6>(biased), false)
        } else {
            let magnitude = _mm512_srli_epi16::<4>(magnitude);
            (magnitude, _mm512_srli_epi16::<4>(magnitude), true)
        };
        // The high byte of each word is an index of zero, whose segment is zero.
        let segment = _mm512_permutex2var_epi8(segments.0, index, segments.1);
        let shift = if shift_less {
            _mm512_subs_epu16(segment, word(1))
        } else {
            _mm512_add_epi16(segment, word(1))
        };
        let mantissa = _mm512_and_si512(_mm512_srlv_epi16(magnitude, shift), word(0x0F));
        let plain = _mm512_or_si512(_mm512_slli_epi16::<4>(segment), mantissa);
        // Positive: bit 7 set. Mu-law inverts the other seven, A-law every second.
        let line = if MU { 0xFF } else { 0xD5 };
        let sign = _mm512_and_si512(negative, word(0x80));
        _mm512_xor_si512(_mm512_xor_si512(plain, sign), word(line))
    };
    let mut whole = pcm.chunks_exact(32);
    let mut out = codes.chunks_exact_mut(32);
    for (pcm, codes) in whole.by_ref().zip(out.by_ref()) {
        // SAFETY: the chunks hold 32 samples, a register, and 32 codes, half of one.
        unsafe {
            let words = step(_mm512_loadu_si512(pcm.as_ptr().cast()));
            _mm256_storeu_si256(codes.as_mut_ptr().cast(), _mm512_cvtepi16_epi8(words));
        }
    }
    let (pcm, codes) = (whole.remainder(), out.into_remainder());
    let left = pcm.len().min(codes.len());
    if left > 0 {
        let mask = u32::MAX >> (32 - left);
        // SAFETY: the masks keep reads and writes to the `left` elements that both slices have.
        unsafe {
            let words = step(_mm512_maskz_loadu_epi16(mask, pcm.as_ptr()));
            _mm512_mask_cvtepi16_storeu_epi8(codes.as_mut_ptr().cast(), mask, words);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn look_up(table: &[u8; 256], codes: &mut [u8]) {
    let (first, second) = table.split_at(128);
    let (Some(first), Some(second)) = (first.first_chunk(), second.first_chunk()) else {
        return scalar::look_up(table, codes);
    };
    let (first, second) = (both(first), both(second));
    let step = |codes: __m512i| {
        let upper = _mm512_movepi8_mask(codes);
        let low = _mm512_permutex2var_epi8(first.0, codes, first.1);
        let high = _mm512_permutex2var_epi8(second.0, codes, second.1);
        _mm512_mask_blend_epi8(upper, low, high)
    };
    let mut whole = codes.chunks_exact_mut(64);
    for codes in whole.by_ref() {
        let place = codes.as_mut_ptr();
        // SAFETY: the chunk holds 64 codes, a register.
        unsafe { _mm512_storeu_si512(place.cast(), step(_mm512_loadu_si512(place.cast()))) }
    }
    let rest = whole.into_remainder();
    if !rest.is_empty() {
        let mask = u64::MAX >> (64 - rest.len());
        let place: *mut i8 = rest.as_mut_ptr().cast();
        // SAFETY: the mask keeps reads and writes to the slice.
        unsafe { _mm512_mask_storeu_epi8(place, mask, step(_mm512_maskz_loadu_epi8(mask, place))) }
    }
}
