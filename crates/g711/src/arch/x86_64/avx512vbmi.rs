//! AVX-512 with VBMI: whole tables in registers. Sixty-four codes or thirty-two samples a step; what is left at
//! the end goes through the same step under a mask.

use core::arch::x86_64::*;

use super::TURN;
use super::avx512bw::table as quarters;
use crate::arch::scalar;
use crate::convert::Table;
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

/// The magnitudes of the 128 positive codes, their low bytes and their high bytes. The codes' own inversion is
/// in the order of the entries.
struct Magnitudes {
    low: [u8; 128],
    high: [u8; 128],
}

static MU_MAGNITUDES: Magnitudes = magnitudes(&tables::MU_DECODE);
static A_MAGNITUDES: Magnitudes = magnitudes(&tables::A_DECODE);

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
fn decode<const MU: bool, const SWAP: bool>(codes: &[u8], pcm: &mut [u8]) {
    let table = if MU { &MU_MAGNITUDES } else { &A_MAGNITUDES };
    let low = both(&table.low);
    let high = both(&table.high);
    // SAFETY: eight quadwords are read from an array of eight.
    let spread = unsafe { _mm512_loadu_si512(SPREAD.as_ptr().cast()) };
    let turn = quarters(&TURN);
    let step = |codes: __m512i| {
        let positive = _mm512_movepi8_mask(codes);
        let codes = _mm512_permutexvar_epi64(spread, codes);
        let low = _mm512_permutex2var_epi8(low.0, codes, low.1);
        let high = _mm512_permutex2var_epi8(high.0, codes, high.1);
        let first = _mm512_unpacklo_epi8(low, high);
        let second = _mm512_unpackhi_epi8(low, high);
        let zero = _mm512_setzero_si512();
        let first = _mm512_mask_sub_epi16(first, !positive as u32, zero, first);
        let second = _mm512_mask_sub_epi16(second, (!positive >> 32) as u32, zero, second);
        if SWAP {
            let turned = |samples| _mm512_shuffle_epi8(samples, turn);
            (turned(first), turned(second))
        } else {
            (first, second)
        }
    };
    // Past the caches only: a store that waits for its line to be read first costs as much as the store.
    let (head, codes, pcm) = match past_the_caches(pcm) {
        Some(head) if head < codes.len() => {
            let (first, codes) = codes.split_at(head);
            let (start, pcm) = pcm.split_at_mut(2 * head);
            scalar::decode(if MU { Law::Mu } else { Law::A }, SWAP, first, start);
            (true, codes, pcm)
        }
        _ => (false, codes, pcm),
    };
    let mut whole = codes.chunks_exact(64);
    let mut out = pcm.chunks_exact_mut(128);
    if head {
        for (codes, pcm) in whole.by_ref().zip(out.by_ref()) {
            // SAFETY: the chunks hold 64 codes and 64 samples, two registers; the first chunk begins with a
            // cache line, and every other one after whole lines.
            unsafe {
                let (first, second) = step(_mm512_loadu_si512(codes.as_ptr().cast()));
                _mm512_stream_si512(pcm.as_mut_ptr().cast(), first);
                _mm512_stream_si512(pcm.as_mut_ptr().add(64).cast(), second);
            }
        }
        // What was streamed is in order with what the caller does next.
        _mm_sfence();
    } else {
        for (codes, pcm) in whole.by_ref().zip(out.by_ref()) {
            // SAFETY: the chunks hold 64 codes and 64 samples, two registers.
            unsafe {
                let (first, second) = step(_mm512_loadu_si512(codes.as_ptr().cast()));
                _mm512_storeu_si512(pcm.as_mut_ptr().cast(), first);
                _mm512_storeu_si512(pcm.as_mut_ptr().add(64).cast(), second);
            }
        }
    }
    let (codes, pcm) = (whole.remainder(), out.into_remainder());
    let left = codes.len().min(pcm.len() / 2);
    if left > 0 {
        let mask = u64::MAX >> (64 - left);
        // SAFETY: the masks keep reads and writes to the `left` elements that both slices have; the second
        // pointer is only stepped to where there is something to write.
        unsafe {
            let (first, second) = step(_mm512_maskz_loadu_epi8(mask, codes.as_ptr().cast()));
            _mm512_mask_storeu_epi16(pcm.as_mut_ptr().cast(), mask as u32, first);
            if left > 32 {
                let rest = (mask >> 32) as u32;
                _mm512_mask_storeu_epi16(pcm.as_mut_ptr().add(64).cast(), rest, second);
            }
        }
    }
}

/// How many samples stand before the first cache line, where so much is written that no cache keeps it.
fn past_the_caches(pcm: &mut [u8]) -> Option<usize> {
    let to_line = pcm.as_ptr().align_offset(64);
    (pcm.len() >= STREAM_BYTES && to_line.is_multiple_of(2)).then_some(to_line / 2)
}

/// From here on stores pass the caches by. **Source**: measured (benches/README.md); below, they would throw out
/// of the cache what the caller is about to read.
const STREAM_BYTES: usize = 8 << 20;

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
fn encode<const MU: bool, const SWAP: bool>(pcm: &[u8], codes: &mut [u8]) {
    let segments = both(&SEGMENTS);
    let turn = quarters(&TURN);
    let word = |value: i16| _mm512_set1_epi16(value);
    let step = |samples: __m512i| {
        let samples = if SWAP {
            _mm512_shuffle_epi8(samples, turn)
        } else {
            samples
        };
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
    let mut whole = pcm.chunks_exact(64);
    let mut out = codes.chunks_exact_mut(32);
    for (pcm, codes) in whole.by_ref().zip(out.by_ref()) {
        // SAFETY: the chunks hold 32 samples, a register, and 32 codes, half of one.
        unsafe {
            let words = step(_mm512_loadu_si512(pcm.as_ptr().cast()));
            _mm256_storeu_si256(codes.as_mut_ptr().cast(), _mm512_cvtepi16_epi8(words));
        }
    }
    let (pcm, codes) = (whole.remainder(), out.into_remainder());
    let left = codes.len().min(pcm.len() / 2);
    if left > 0 {
        let mask = u32::MAX >> (32 - left);
        // SAFETY: the masks keep reads and writes to the `left` elements that both slices have.
        unsafe {
            let words = step(_mm512_maskz_loadu_epi16(mask, pcm.as_ptr().cast()));
            _mm512_mask_cvtepi16_storeu_epi8(codes.as_mut_ptr().cast(), mask, words);
        }
    }
}

/// A conversion by a table of 128 in two registers; bit 7 does not count in the index, and stays.
///
/// **Safety**: `count` codes can be read at `from` and written at `to`, which are one place or lie apart.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
unsafe fn look_up(table: &Table, from: *const u8, to: *mut u8, count: usize) {
    /// Bits of the first operand where the third has them, else of the second.
    const CHOOSE: i32 = 0xE4;
    let half = both(&table.half);
    let sign = _mm512_set1_epi8(-0x80);
    let step = |codes: __m512i| {
        let found = _mm512_permutex2var_epi8(half.0, codes, half.1);
        _mm512_ternarylogic_epi32::<CHOOSE>(codes, found, sign)
    };
    let whole = count / 64 * 64;
    for at in (0..whole).step_by(64) {
        // SAFETY: `at` and 63 more are below `count`.
        unsafe {
            let found = step(_mm512_loadu_si512(from.add(at).cast()));
            _mm512_storeu_si512(to.add(at).cast(), found);
        }
    }
    if count > whole {
        let mask = u64::MAX >> (64 - (count - whole));
        // SAFETY: the mask keeps reads and writes below `count`.
        unsafe {
            let found = step(_mm512_maskz_loadu_epi8(mask, from.add(whole).cast()));
            _mm512_mask_storeu_epi8(to.add(whole).cast(), mask, found);
        }
    }
}
