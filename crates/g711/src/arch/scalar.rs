//! The scalar tables: what every other kernel is held against.

use crate::convert::Table;
pub(crate) use crate::score::scalar::score;
use crate::{Law, tables};

/// Two bytes of PCM16 for each code; `swap` turns them over from the machine's order.
pub(crate) fn decode(law: Law, swap: bool, codes: &[u8], pcm: &mut [u8]) {
    let table = match law {
        Law::Mu => &tables::MU_DECODE,
        Law::A => &tables::A_DECODE,
    };
    for (sample, code) in pcm.as_chunks_mut().0.iter_mut().zip(codes) {
        *sample = turned(table[usize::from(*code)], swap).to_ne_bytes();
    }
}

/// A code for each two bytes of PCM16; `swap` turns them over into the machine's order.
pub(crate) fn encode(law: Law, swap: bool, pcm: &[u8], codes: &mut [u8]) {
    let samples = pcm.as_chunks().0.iter();
    let samples = samples.map(|sample| turned(i16::from_ne_bytes(*sample), swap));
    match law {
        Law::Mu => {
            for (code, sample) in codes.iter_mut().zip(samples) {
                *code = tables::encode_mu(sample);
            }
        }
        Law::A => {
            for (code, sample) in codes.iter_mut().zip(samples) {
                *code = tables::encode_a(sample);
            }
        }
    }
}

pub(crate) fn look_up(table: &Table, from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = table.whole[usize::from(*from)];
    }
}

pub(crate) fn look_up_in_place(table: &Table, codes: &mut [u8]) {
    for code in codes {
        *code = table.whole[usize::from(*code)];
    }
}

const fn turned(sample: i16, swap: bool) -> i16 {
    if swap { sample.swap_bytes() } else { sample }
}
