//! The scalar tables: what every other kernel is held against.

use crate::{Law, tables};

pub(crate) fn decode(law: Law, codes: &[u8], pcm: &mut [i16]) {
    let table = match law {
        Law::Mu => &tables::MU_DECODE,
        Law::A => &tables::A_DECODE,
    };
    for (sample, code) in pcm.iter_mut().zip(codes) {
        *sample = table[usize::from(*code)];
    }
}

pub(crate) fn encode(law: Law, pcm: &[i16], codes: &mut [u8]) {
    match law {
        Law::Mu => {
            for (code, sample) in codes.iter_mut().zip(pcm) {
                *code = tables::encode_mu(*sample);
            }
        }
        Law::A => {
            for (code, sample) in codes.iter_mut().zip(pcm) {
                *code = tables::encode_a(*sample);
            }
        }
    }
}

pub(crate) fn look_up(table: &[u8; 256], codes: &mut [u8]) {
    for code in codes {
        *code = table[usize::from(*code)];
    }
}
