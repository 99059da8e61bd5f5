//! How loud a payload's loudest sample is, without decoding it.
//!
//! In both laws the lower seven bits of a code, with the law's mask undone, are its magnitude: greater is louder
//! (G.711 tables 1 and 2).

use squelch_g711::Law;

/// The magnitude of the extreme codes.
pub(super) const EXTREME: u8 = 0x7F;

/// The greatest magnitude among the codes.
pub(super) fn loudest(law: Law, payload: &[u8]) -> u8 {
    let mask = mask(law);
    let magnitudes = payload.iter().map(|code| (code ^ mask) & EXTREME);
    magnitudes.fold(0, u8::max)
}

/// How many codes have this magnitude.
pub(super) fn count(law: Law, payload: &[u8], magnitude: u8) -> u32 {
    let mask = mask(law);
    // In bytes, so that the compiler counts many at once.
    let counted = payload.chunks(255).map(|codes| {
        let same = codes
            .iter()
            .map(|code| u8::from((code ^ mask) & EXTREME == magnitude));
        u32::from(same.fold(0, u8::wrapping_add))
    });
    counted.sum()
}

/// The level of a magnitude. **Units**: PCM16's scale.
pub(super) fn level(law: Law, magnitude: u8) -> u16 {
    let positive = (magnitude ^ mask(law)) & EXTREME | 0x80;
    law.decode_sample(positive).unsigned_abs()
}

fn mask(law: Law) -> u8 {
    match law {
        Law::Mu => 0x7F,
        Law::A => 0x55,
    }
}
