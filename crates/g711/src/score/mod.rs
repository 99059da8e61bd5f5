//! A weight for each byte of a payload, summed: a linear score over the histogram of its bytes, without the
//! histogram.

#[cfg(target_arch = "aarch64")]
pub(crate) mod aarch64;
pub(crate) mod scalar;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_64;

use crate::Kernel;

/// A weight for each byte value.
///
/// ```
/// use squelch_g711::Weights;
///
/// static ZEROS: Weights = {
///     let mut weights = [-1; 256];
///     weights[0] = 2;
///     Weights::new(weights)
/// };
/// assert_eq!(ZEROS.score(&[0, 0, 0x7F]), 2 + 2 - 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Weights {
    /// Each weight and [`RAISED_BY`], so that none is negative: the vector kernels add up unsigned bytes.
    raised: [u8; 256],
    /// Rows of sixteen of `raised`, each but the first of either half xored with the one before: xored together from
    /// the half's start up to a byte's row, they are that row.
    chain: [u8; 256],
}

/// What is added to every weight.
const RAISED_BY: u8 = 128;

impl Weights {
    /// The weight of byte value `i` is the `i`th.
    pub const fn new(weights: [i8; 256]) -> Weights {
        let (mut raised, mut chain) = ([0; 256], [0; 256]);
        let mut byte = 0;
        while byte < 256 {
            raised[byte] = weights[byte].cast_unsigned().wrapping_add(RAISED_BY);
            let before = if byte % 128 < 16 {
                0
            } else {
                raised[byte - 16]
            };
            chain[byte] = raised[byte] ^ before;
            byte += 1;
        }
        Weights { raised, chain }
    }

    /// The sum of the weights of all bytes; 0 of none.
    ///
    /// **Shape**: any length. Up to 16 Mi bytes the sum is exact whatever the weights; of more it may wrap.
    /// **Cost**: one look-up a byte, no allocation; benches/README.md has it beside a memcpy.
    #[inline]
    pub fn score(&self, bytes: &[u8]) -> i32 {
        Kernel::best().score(self, bytes)
    }
}

/// The sum of weights from the sum of raised ones, of so many bytes. Both wrap at 32 bits, so that all kernels agree
/// beyond any bound.
fn lowered(raised: u32, bytes: usize) -> i32 {
    let added = (bytes as u32).wrapping_mul(u32::from(RAISED_BY));
    raised.wrapping_sub(added).cast_signed()
}
