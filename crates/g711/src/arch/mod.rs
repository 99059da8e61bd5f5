//! The kernels: the same six functions for each instruction set, all equal to the scalar ones bit by bit.

pub(crate) mod scalar;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_64;

use crate::Law;

/// A kernel that this machine can run.
///
/// [`Law::decode`], [`Law::encode`] and [`convert_in_place`](crate::convert_in_place) use [`Kernel::best`]; the
/// others are for tests and benches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Set);

/// Instruction sets. A value but `Scalar` is only made where the machine was asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    Scalar,
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx2(x86_64::Avx2),
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx512(x86_64::Avx512),
}

impl Kernel {
    /// The scalar tables, which run everywhere.
    pub const SCALAR: Kernel = Kernel(Set::Scalar);

    /// The fastest kernel of this machine.
    ///
    /// **Cost**: the machine is asked once; after that a load.
    #[inline]
    pub fn best() -> Kernel {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        {
            if let Some(set) = x86_64::Avx512::detect() {
                return Kernel(Set::Avx512(set));
            }
            if let Some(set) = x86_64::Avx2::detect() {
                return Kernel(Set::Avx2(set));
            }
        }
        Kernel::SCALAR
    }

    /// All kernels of this machine, the slowest first.
    pub fn available() -> impl Iterator<Item = Kernel> {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        let others = [
            x86_64::Avx2::detect().map(Set::Avx2),
            x86_64::Avx512::detect().map(Set::Avx512),
        ];
        #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
        let others: [Option<Set>; 0] = [];
        core::iter::once(Kernel::SCALAR).chain(others.into_iter().flatten().map(Kernel))
    }

    /// Its name: `scalar`, `avx2`, `avx512vbmi`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Set::Scalar => "scalar",
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx2(_) => "avx2",
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx512(_) => "avx512vbmi",
        }
    }

    /// As [`Law::decode`].
    #[inline]
    pub fn decode(self, law: Law, codes: &[u8], pcm: &mut [i16]) {
        let length = codes.len().min(pcm.len());
        let (codes, pcm) = (&codes[..length], &mut pcm[..length]);
        match self.0 {
            Set::Scalar => scalar::decode(law, codes, pcm),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx2(set) => set.decode(law, codes, pcm),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx512(set) => set.decode(law, codes, pcm),
        }
    }

    /// As [`Law::encode`].
    #[inline]
    pub fn encode(self, law: Law, pcm: &[i16], codes: &mut [u8]) {
        let length = pcm.len().min(codes.len());
        let (pcm, codes) = (&pcm[..length], &mut codes[..length]);
        match self.0 {
            Set::Scalar => scalar::encode(law, pcm, codes),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx2(set) => set.encode(law, pcm, codes),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx512(set) => set.encode(law, pcm, codes),
        }
    }

    /// As [`convert_in_place`](crate::convert_in_place).
    #[inline]
    pub fn convert_in_place(self, from: Law, to: Law, codes: &mut [u8]) {
        let Some(table) = crate::convert::table(from, to) else {
            return;
        };
        match self.0 {
            Set::Scalar => scalar::look_up(table, codes),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx2(set) => set.look_up(table, codes),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx512(set) => set.look_up(table, codes),
        }
    }
}
