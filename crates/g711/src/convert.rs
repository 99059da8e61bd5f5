//! One law to the other without a linear detour at run time.

use crate::{Kernel, Law, tables};

static MU_TO_A: [u8; 256] = tabulate(Law::Mu);
static A_TO_MU: [u8; 256] = tabulate(Law::A);

/// Converts codes of one law to the other, in place.
///
/// **Source**: decode, then encode, as G.191's tools do when chained. G.711's own tables 3 and 4 differ from
/// that in a few codes; which of the two is shipped is a decision that the tests pin.
pub fn convert_in_place(from: Law, to: Law, codes: &mut [u8]) {
    Kernel::best().convert_in_place(from, to, codes);
}

/// The table from one law to the other; none where they are the same.
pub(crate) fn table(from: Law, to: Law) -> Option<&'static [u8; 256]> {
    match (from, to) {
        (Law::Mu, Law::A) => Some(&MU_TO_A),
        (Law::A, Law::Mu) => Some(&A_TO_MU),
        (Law::Mu, Law::Mu) | (Law::A, Law::A) => None,
    }
}

const fn tabulate(from: Law) -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = match from {
            Law::Mu => tables::encode_a(Law::Mu.decode_sample(code as u8)),
            Law::A => tables::encode_mu(Law::A.decode_sample(code as u8)),
        };
        code += 1;
    }
    table
}
