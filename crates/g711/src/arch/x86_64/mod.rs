//! AVX2 and AVX-512. Each type is a proof that the machine has its instructions.

#![expect(
    unsafe_code,
    reason = "vector loads and stores, and the step into code for other machines"
)]

/// Runs a function written for both laws (`MU`) and both byte orders (`SWAP`) as the variant that is wanted.
macro_rules! by_law_and_order {
    ($law:expr, $swap:expr, $function:ident($($argument:expr),*)) => {
        match ($law, $swap) {
            (Law::Mu, false) => $function::<true, false>($($argument),*),
            (Law::Mu, true) => $function::<true, true>($($argument),*),
            (Law::A, false) => $function::<false, false>($($argument),*),
            (Law::A, true) => $function::<false, true>($($argument),*),
        }
    };
}

mod avx2;
mod avx512bw;
mod avx512vbmi;

pub(crate) use avx2::Avx2;
pub(crate) use avx512bw::Avx512Bw;
pub(crate) use avx512vbmi::Avx512Vbmi;

/// The segment by the four highest bits of a magnitude, where one of them is set.
const UPPER: [u8; 16] = [0, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7];
/// The segment by the next four of a biased mu-law magnitude (bits 5 to 8).
const MU_LOWER: [u8; 16] = [0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3];
/// The segment by the next three of an A-law magnitude (bits 4 to 6).
const A_LOWER: [u8; 16] = [0, 1, 2, 2, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0];
/// Turns the bytes of each sample over, as `vpshufb` wants it.
const TURN: [u8; 16] = [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14];
