//! NEON, which every aarch64 has: sixteen codes or eight samples a step; what is left at the end is scalar.

#![expect(unsafe_code, reason = "vector loads and stores")]

use core::arch::aarch64::*;

use crate::Law;
use crate::arch::scalar;
use crate::convert::Table;
pub(crate) use crate::score::aarch64::score;

pub(crate) fn decode(law: Law, swap: bool, codes: &[u8], pcm: &mut [u8]) {
    match law {
        Law::Mu => decode_by::<true>(swap, codes, pcm),
        Law::A => decode_by::<false>(swap, codes, pcm),
    }
}

pub(crate) fn encode(law: Law, swap: bool, pcm: &[u8], codes: &mut [u8]) {
    match law {
        Law::Mu => encode_by::<true>(swap, pcm, codes),
        Law::A => encode_by::<false>(swap, pcm, codes),
    }
}

pub(crate) fn look_up(table: &Table, from: &[u8], to: &mut [u8]) {
    let (whole, rest) = from.as_chunks::<16>();
    let (out, left) = to.split_at_mut(whole.len() * 16);
    for (from, to) in whole.iter().zip(out.as_chunks_mut::<16>().0) {
        // SAFETY: the chunks hold 16 codes, a register; NEON is there on every aarch64.
        unsafe { vst1q_u8(to.as_mut_ptr(), found(table, vld1q_u8(from.as_ptr()))) }
    }
    scalar::look_up(table, rest, left);
}

pub(crate) fn look_up_in_place(table: &Table, codes: &mut [u8]) {
    let (whole, rest) = codes.as_chunks_mut::<16>();
    for codes in whole {
        let place = codes.as_mut_ptr();
        // SAFETY: as above.
        unsafe { vst1q_u8(place, found(table, vld1q_u8(place))) }
    }
    scalar::look_up_in_place(table, rest);
}

/// A conversion by its table of 128: a code of the second half finds nothing in the first, and the other way round
/// leaves what was found.
#[inline]
fn found(table: &Table, codes: uint8x16_t) -> uint8x16_t {
    // SAFETY: both quarters lie within the half; NEON as above.
    unsafe {
        let sign = vdupq_n_u8(0x80);
        let index = vbicq_u8(codes, sign);
        let first = vld1q_u8_x4(table.half.as_ptr());
        let second = vld1q_u8_x4(table.half.as_ptr().add(64));
        let found = vqtbl4q_u8(first, index);
        let found = vqtbx4q_u8(found, second, vsubq_u8(index, vdupq_n_u8(64)));
        vbslq_u8(sign, codes, found)
    }
}

fn decode_by<const MU: bool>(swap: bool, codes: &[u8], pcm: &mut [u8]) {
    let (whole, rest) = codes.as_chunks::<16>();
    let (out, left) = pcm.split_at_mut(whole.len() * 32);
    for (codes, pcm) in whole.iter().zip(out.as_chunks_mut::<32>().0) {
        // SAFETY: the chunks hold 16 codes and 16 samples, one register and two; NEON as above.
        unsafe {
            // Mu-law inverts all bits, A-law every second; bit 7 stays clear for positive values.
            let plain = veorq_u8(
                vld1q_u8(codes.as_ptr()),
                vdupq_n_u8(if MU { 0xFF } else { 0xD5 }),
            );
            let low = expand::<MU>(vmovl_u8(vget_low_u8(plain)));
            let high = expand::<MU>(vmovl_u8(vget_high_u8(plain)));
            vst1q_u8(pcm.as_mut_ptr(), turned(vreinterpretq_u8_s16(low), swap));
            let second = pcm.as_mut_ptr().add(16);
            vst1q_u8(second, turned(vreinterpretq_u8_s16(high), swap));
        }
    }
    let law = if MU { Law::Mu } else { Law::A };
    scalar::decode(law, swap, rest, left);
}

/// The bytes of each sample turned over, where that is wanted.
#[inline]
fn turned(samples: uint8x16_t, swap: bool) -> uint8x16_t {
    if swap {
        // SAFETY: NEON is there on every aarch64.
        unsafe { vrev16q_u8(samples) }
    } else {
        samples
    }
}

#[inline]
fn expand<const MU: bool>(plain: uint16x8_t) -> int16x8_t {
    // SAFETY: NEON is there on every aarch64.
    unsafe {
        let segment = vandq_u16(vshrq_n_u16::<4>(plain), vdupq_n_u16(0x07));
        let twice = vshlq_n_u16::<1>(vandq_u16(plain, vdupq_n_u16(0x0F)));
        let magnitude = if MU {
            let base = vaddq_u16(twice, vdupq_n_u16(33));
            let biased = vshlq_u16(base, vreinterpretq_s16_u16(segment));
            vshlq_n_u16::<2>(vsubq_u16(biased, vdupq_n_u16(33)))
        } else {
            // The first segment has no leading one, and the step size of the second.
            let lead = vandq_u16(vcgtq_u16(segment, vdupq_n_u16(0)), vdupq_n_u16(32));
            let base = vaddq_u16(vaddq_u16(twice, vdupq_n_u16(1)), lead);
            let shift = vqsubq_u16(segment, vdupq_n_u16(1));
            vshlq_n_u16::<3>(vshlq_u16(base, vreinterpretq_s16_u16(shift)))
        };
        let negative = vreinterpretq_s16_u16(vcgtq_u16(plain, vdupq_n_u16(0x7F)));
        let magnitude = vreinterpretq_s16_u16(magnitude);
        vsubq_s16(veorq_s16(magnitude, negative), negative)
    }
}

fn encode_by<const MU: bool>(swap: bool, pcm: &[u8], codes: &mut [u8]) {
    let (whole, rest) = pcm.as_chunks::<16>();
    let (out, left) = codes.split_at_mut(whole.len() * 8);
    for (pcm, codes) in whole.iter().zip(out.as_chunks_mut::<8>().0) {
        // SAFETY: the chunks hold 8 samples and 8 codes, a register and half of one; NEON as above.
        unsafe {
            let samples = turned(vld1q_u8(pcm.as_ptr()), swap);
            let words = compress::<MU>(vreinterpretq_s16_u8(samples));
            vst1_u8(codes.as_mut_ptr(), vmovn_u16(words));
        }
    }
    let law = if MU { Law::Mu } else { Law::A };
    scalar::encode(law, swap, rest, left);
}

#[inline]
fn compress<const MU: bool>(samples: int16x8_t) -> uint16x8_t {
    // SAFETY: NEON is there on every aarch64.
    unsafe {
        let negative = vshrq_n_s16::<15>(samples);
        // One's complement, as tables::encode_mu and encode_a.
        let magnitude = vreinterpretq_u16_s16(veorq_s16(samples, negative));
        let (magnitude, segment, shift) = if MU {
            let clipped = vminq_u16(vshrq_n_u16::<2>(magnitude), vdupq_n_u16(8_158));
            let biased = vaddq_u16(clipped, vdupq_n_u16(33));
            let segment = vsubq_u16(vdupq_n_u16(10), vclzq_u16(biased));
            (biased, segment, vaddq_u16(segment, vdupq_n_u16(1)))
        } else {
            let magnitude = vshrq_n_u16::<4>(magnitude);
            let segment = vqsubq_u16(vdupq_n_u16(12), vclzq_u16(magnitude));
            (magnitude, segment, vqsubq_u16(segment, vdupq_n_u16(1)))
        };
        // A shift by a negative count goes right.
        let right = vnegq_s16(vreinterpretq_s16_u16(shift));
        let mantissa = vandq_u16(vshlq_u16(magnitude, right), vdupq_n_u16(0x0F));
        let plain = vorrq_u16(vshlq_n_u16::<4>(segment), mantissa);
        let sign = vandq_u16(vreinterpretq_u16_s16(negative), vdupq_n_u16(0x80));
        let line = vdupq_n_u16(if MU { 0xFF } else { 0xD5 });
        veorq_u16(veorq_u16(plain, sign), line)
    }
}
