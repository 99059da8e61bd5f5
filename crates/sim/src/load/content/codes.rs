//! G.711 codes as tables: [`Law`]'s own arithmetic is too slow for thousands of streams.

use std::sync::LazyLock;

use crate::sound::Law;

/// A code's sample.
pub(super) fn decode(law: Law, code: u8) -> i16 {
    let tables = &*TABLES;
    let table = match law {
        Law::Mu => &tables.mu,
        Law::A => &tables.a,
    };
    table.get(usize::from(code)).copied().unwrap_or(0)
}

/// Codes -> samples, as many as both hold.
pub(super) fn decode_into(law: Law, codes: &[u8], samples: &mut [i16]) {
    let tables = &*TABLES;
    let table = match law {
        Law::Mu => &tables.mu,
        Law::A => &tables.a,
    };
    for (sample, code) in samples.iter_mut().zip(codes) {
        *sample = table.get(usize::from(*code)).copied().unwrap_or(0);
    }
}

/// Where a code's magnitude stands among its law's 128, 0 the quietest.
pub(super) const fn magnitude(law: Law, code: u8) -> u8 {
    match law {
        Law::Mu => !code & 0x7F,
        Law::A => (code ^ 0x55) & 0x7F,
    }
}

/// The code of the same sign whose magnitude stands at `magnitude`, 0..=127.
pub(super) const fn with_magnitude(law: Law, code: u8, magnitude: u8) -> u8 {
    match law {
        Law::Mu => (code & 0x80) | (!magnitude & 0x7F),
        Law::A => (code & 0x80) | ((magnitude ^ 0x55) & 0x7F),
    }
}

struct Tables {
    mu: [i16; 256],
    a: [i16; 256],
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    mu: std::array::from_fn(|code| Law::Mu.decode(code as u8)),
    a: std::array::from_fn(|code| Law::A.decode(code as u8)),
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magnitudes_grow_with_what_codes_decode_to() {
        for law in [Law::Mu, Law::A] {
            for code in 0..=255_u8 {
                let m = magnitude(law, code);
                assert_eq!(with_magnitude(law, code, m), code);
                if m < 127 {
                    let louder = with_magnitude(law, code, m + 1);
                    let (quiet, loud) = (law.decode(code), law.decode(louder));
                    assert!(loud.unsigned_abs() > quiet.unsigned_abs(), "{law:?} {code}");
                    assert_eq!(loud < 0, quiet < 0 || code == law.silence() & 0x7F);
                }
            }
        }
    }
}
