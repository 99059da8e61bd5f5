//! G.711 companding: mu-law and A-law to and from 16-bit linear PCM, and one to the other.
//!
//! Linear samples are 16 bit, left-aligned, as in the reference of ITU-T G.191: a mu-law code decodes to a
//! multiple of 4 in -32,124..=32,124, an A-law code to a multiple of 8 in -32,256..=32,256.
//!
//! ```
//! use squelch_g711::Law;
//!
//! let mut pcm = [0_i16; 3];
//! Law::Mu.decode(&[0xFF, 0x80, 0x00], &mut pcm);
//! assert_eq!(pcm, [0, 32_124, -32_124]);
//! ```
//!
//! Samples are `i16` in the machine's order, or bytes in either ([`ByteOrder`]), at any address. Any length is
//! taken, none allocates, none panics.
//!
//! Beside them stands a kernel that only reads: [`Weights::score`] sums a weight for each byte.
//!
//! The kernel is chosen at run time: AVX-512 with VBMI, AVX-512 BW, AVX2, NEON, or the scalar tables ([`Kernel`]).
//! Without the feature `std` it is NEON on aarch64 and the scalar tables elsewhere.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

mod arch;
mod convert;
mod in_place;
mod order;
mod score;
mod tables;

pub use arch::Kernel;
pub use convert::{convert, convert_code, convert_in_place};
pub use order::{ByteOrder, swap_in_place};
pub use score::Weights;

/// A companding law of ITU-T G.711.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// Mu-law: PCMU, RTP payload type 0.
    Mu,
    /// A-law: PCMA, RTP payload type 8.
    A,
}

impl Law {
    /// The code of silence: 0xFF for mu-law (the positive zero), 0xD5 for A-law (the smallest positive value).
    pub const fn silence(self) -> u8 {
        match self {
            Law::Mu => 0xFF,
            Law::A => 0xD5,
        }
    }

    /// The other law.
    pub const fn other(self) -> Law {
        match self {
            Law::Mu => Law::A,
            Law::A => Law::Mu,
        }
    }

    /// Decodes one code.
    ///
    /// **Source**: ITU-T G.711 tables 1a, 1b (A) and 2a, 2b (mu), scaled to 16 bits as G.191 does.
    #[inline]
    pub const fn decode_sample(self, code: u8) -> i16 {
        match self {
            Law::Mu => tables::MU_DECODE[code as usize],
            Law::A => tables::A_DECODE[code as usize],
        }
    }

    /// Encodes one sample.
    ///
    /// **Source**: G.191's `ulaw_compress` and `alaw_compress`: mu-law rounds the 14-bit magnitude by its bias
    /// of 33, A-law truncates to 12 bits in one's complement.
    #[inline]
    pub const fn encode_sample(self, sample: i16) -> u8 {
        match self {
            Law::Mu => tables::encode_mu(sample),
            Law::A => tables::encode_a(sample),
        }
    }

    /// Decodes codes into samples.
    ///
    /// **Shape**: as many samples as the shorter of the two slices holds; the rest of the longer is left alone.
    pub fn decode(self, codes: &[u8], pcm: &mut [i16]) {
        Kernel::best().decode(self, codes, pcm);
    }

    /// Encodes samples into codes.
    ///
    /// **Shape**: as many codes as the shorter of the two slices holds; the rest of the longer is left alone.
    pub fn encode(self, pcm: &[i16], codes: &mut [u8]) {
        Kernel::best().encode(self, pcm, codes);
    }

    /// Decodes codes into PCM16 of either byte order.
    ///
    /// **Shape**: two bytes a code, as many as the shorter of the two slices holds; the rest is left alone.
    pub fn decode_bytes(self, order: ByteOrder, codes: &[u8], pcm: &mut [u8]) {
        Kernel::best().decode_bytes(self, order, codes, pcm);
    }

    /// Encodes PCM16 of either byte order into codes.
    ///
    /// **Shape**: a code for every two bytes, as many as the shorter of the two slices holds; the rest is left
    /// alone.
    pub fn encode_bytes(self, order: ByteOrder, pcm: &[u8], codes: &mut [u8]) {
        Kernel::best().encode_bytes(self, order, pcm, codes);
    }
}

#[cfg(test)]
mod tests;
