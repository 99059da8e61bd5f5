//! The kernels: the same functions for each instruction set, all equal to the scalar ones bit by bit.
//!
//! PCM16 is bytes here, two a sample, wherever they lie and in either order; whoever has samples lends their bytes.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod samples;
pub(crate) mod scalar;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(crate) mod x86_64;

use crate::{ByteOrder, Law, Weights};

/// A kernel that this machine can run.
///
/// [`Law`]'s functions, [`convert`](crate::convert()) and the like use [`Kernel::best`]; the others are for tests
/// and benches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Set);

/// Instruction sets. Those that not every machine has hold the proof that this one has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    Scalar,
    #[cfg(target_arch = "aarch64")]
    Neon,
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx2(x86_64::Avx2),
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx512Bw(x86_64::Avx512Bw),
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx512Vbmi(x86_64::Avx512Vbmi),
}

/// Runs a function of the kernel's instruction set.
macro_rules! run {
    ($kernel:expr, $function:ident($($argument:expr),*)) => {
        match $kernel.0 {
            Set::Scalar => scalar::$function($($argument),*),
            #[cfg(target_arch = "aarch64")]
            Set::Neon => aarch64::$function($($argument),*),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx2(set) => set.$function($($argument),*),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx512Bw(set) => set.$function($($argument),*),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx512Vbmi(set) => set.$function($($argument),*),
        }
    };
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
            if let Some(set) = x86_64::Avx512Vbmi::detect() {
                return Kernel(Set::Avx512Vbmi(set));
            }
            if let Some(set) = x86_64::Avx512Bw::detect() {
                return Kernel(Set::Avx512Bw(set));
            }
            if let Some(set) = x86_64::Avx2::detect() {
                return Kernel(Set::Avx2(set));
            }
            Kernel::SCALAR
        }
        #[cfg(target_arch = "aarch64")]
        {
            Kernel(Set::Neon)
        }
        #[cfg(not(any(target_arch = "aarch64", all(feature = "std", target_arch = "x86_64"))))]
        {
            Kernel::SCALAR
        }
    }

    /// All kernels of this machine, the slowest first.
    pub fn available() -> impl Iterator<Item = Kernel> {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        let others = [
            x86_64::Avx2::detect().map(Set::Avx2),
            x86_64::Avx512Bw::detect().map(Set::Avx512Bw),
            x86_64::Avx512Vbmi::detect().map(Set::Avx512Vbmi),
        ];
        #[cfg(target_arch = "aarch64")]
        let others = [Some(Set::Neon)];
        #[cfg(not(any(target_arch = "aarch64", all(feature = "std", target_arch = "x86_64"))))]
        let others: [Option<Set>; 0] = [];
        core::iter::once(Kernel::SCALAR).chain(others.into_iter().flatten().map(Kernel))
    }

    /// Its name: `scalar`, `neon`, `avx2`, `avx512bw`, `avx512vbmi`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Set::Scalar => "scalar",
            #[cfg(target_arch = "aarch64")]
            Set::Neon => "neon",
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx2(_) => "avx2",
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx512Bw(_) => "avx512bw",
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx512Vbmi(_) => "avx512vbmi",
        }
    }

    /// Runs `work`, compiled for this kernel's machine as far as its code is inlined here (mark it
    /// `#[inline(always)]`): plain loops over numbers then become as wide as the machine goes.
    ///
    /// The results are the same bit by bit: sums of floats keep their order, and nothing is fused.
    #[inline]
    pub fn widen<R>(self, work: impl FnOnce() -> R) -> R {
        match self.0 {
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx2(set) => set.widen(work),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx512Bw(set) => set.avx2().widen(work),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Set::Avx512Vbmi(_) => match x86_64::Avx2::detect() {
                Some(set) => set.widen(work),
                None => work(),
            },
            // NEON is in all that is compiled for aarch64.
            _ => work(),
        }
    }

    /// As [`Law::decode`].
    #[inline]
    pub fn decode(self, law: Law, codes: &[u8], pcm: &mut [i16]) {
        let count = codes.len().min(pcm.len());
        let (codes, pcm) = (&codes[..count], samples::bytes_mut(&mut pcm[..count]));
        run!(self, decode(law, false, codes, pcm));
    }

    /// As [`Law::encode`].
    #[inline]
    pub fn encode(self, law: Law, pcm: &[i16], codes: &mut [u8]) {
        let count = pcm.len().min(codes.len());
        let (pcm, codes) = (samples::bytes(&pcm[..count]), &mut codes[..count]);
        run!(self, encode(law, false, pcm, codes));
    }

    /// As [`Law::decode_bytes`].
    #[inline]
    pub fn decode_bytes(self, law: Law, order: ByteOrder, codes: &[u8], pcm: &mut [u8]) {
        let count = codes.len().min(pcm.len() / 2);
        let (codes, pcm) = (&codes[..count], &mut pcm[..2 * count]);
        run!(self, decode(law, order.is_foreign(), codes, pcm));
    }

    /// As [`Law::encode_bytes`].
    #[inline]
    pub fn encode_bytes(self, law: Law, order: ByteOrder, pcm: &[u8], codes: &mut [u8]) {
        let count = codes.len().min(pcm.len() / 2);
        let (pcm, codes) = (&pcm[..2 * count], &mut codes[..count]);
        run!(self, encode(law, order.is_foreign(), pcm, codes));
    }

    /// As [`convert`](crate::convert()).
    #[inline]
    pub fn convert(self, from: Law, to: Law, codes: &[u8], converted: &mut [u8]) {
        let count = codes.len().min(converted.len());
        let (codes, converted) = (&codes[..count], &mut converted[..count]);
        match crate::convert::table(from, to) {
            Some(table) => run!(self, look_up(table, codes, converted)),
            None => converted.copy_from_slice(codes),
        }
    }

    /// As [`convert_in_place`](crate::convert_in_place).
    #[inline]
    pub fn convert_in_place(self, from: Law, to: Law, codes: &mut [u8]) {
        if let Some(table) = crate::convert::table(from, to) {
            run!(self, look_up_in_place(table, codes));
        }
    }

    /// As [`Weights::score`].
    #[inline]
    pub fn score(self, weights: &Weights, bytes: &[u8]) -> i32 {
        run!(self, score(weights, bytes))
    }
}
