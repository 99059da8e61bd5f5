//! AVX2 and AVX-512. Each type is a proof that the machine has its instructions.

#![expect(
    unsafe_code,
    reason = "vector loads and stores, and the step into code for other machines"
)]

mod avx2;
mod avx512bw;
mod avx512vbmi;

pub(super) use avx2::Avx2;
pub(super) use avx512bw::Avx512Bw;
pub(super) use avx512vbmi::Avx512Vbmi;
