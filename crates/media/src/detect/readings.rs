//! Readings of a payload: as the G.711 it is labelled, and as the PCM16 it may be, each with the bits a byte
//! that it takes to describe it. The right reading is the shortest: that of what the bytes really are.

use squelch_g711::Law;

/// The longest payload that is read. **Units**: bytes. What is longer is read as far as this.
pub(super) const MAX_BYTES: usize = 1_500;

/// log2(2 pi e): the constant of a Gaussian's differential entropy.
const LOG2_2_PI_E: f32 = 4.094_191;

/// The statistics of one reading's samples.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    /// The mean, on PCM16's scale.
    pub(super) mean: f32,
    /// The variance about the mean.
    pub(super) variance: f32,
    /// Correlation of neighbouring samples, -1 to 1.
    pub(super) lag1: f32,
    /// And of those one further apart.
    pub(super) lag2: f32,
    /// The variance that second-order linear prediction leaves.
    pub(super) residual: f32,
}

/// Samples about their mean, in a room that is used again and again.
pub(super) struct Room {
    samples: [f32; MAX_BYTES],
}

impl Room {
    pub(super) fn new() -> Room {
        Room {
            samples: [0.0; MAX_BYTES],
        }
    }

    /// The statistics of samples, and the samples themselves about their mean.
    #[inline(always)]
    pub(super) fn shape(&mut self, samples: impl Iterator<Item = i16>) -> (Shape, &[f32]) {
        let (mut count, mut sum) = (0, 0_i32);
        // At most 1,500 samples: the sum fits.
        for (slot, sample) in self.samples.iter_mut().zip(samples) {
            *slot = f32::from(sample);
            sum += i32::from(sample);
            count += 1;
        }
        let samples = self.samples.get_mut(..count).unwrap_or_default();
        if samples.is_empty() {
            return (Shape::default(), &[]);
        }
        let mean = sum as f32 / count as f32;
        for sample in samples.iter_mut() {
            *sample -= mean;
        }
        (Shape::of_centred(mean, samples), samples)
    }
}

/// The sum of the products of two rows, as far as both go: in eight sums that don't wait for each other.
#[inline(always)]
pub(super) fn product(a: &[f32], b: &[f32]) -> f32 {
    let (a, rest_a) = a.get(..a.len().min(b.len())).unwrap_or(a).as_chunks::<8>();
    let (b, rest_b) = b.as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    // Rows of the same length in chunks; what is left of the shorter one lies at the start of what follows in both.
    let next = b.get(a.len()).map_or(rest_b, |chunk| chunk.as_slice());
    let rest: f32 = rest_a.iter().zip(next).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

impl Shape {
    /// The statistics of samples about their `mean`.
    #[inline(always)]
    fn of_centred(mean: f32, samples: &[f32]) -> Shape {
        let lag = |lag: usize| product(samples.get(lag..).unwrap_or_default(), samples);
        let (r0, r1, r2) = (lag(0), lag(1), lag(2));
        let count = samples.len();
        // Levinson's recursion, two steps.
        let mut residual = r0;
        let (mut lag1, mut lag2) = (0.0, 0.0);
        if r0 > 0.0 {
            (lag1, lag2) = (r1 / r0, r2 / r0);
            let first = r0 * (1.0 - lag1 * lag1);
            if first > 0.0 {
                let second = (r2 - lag1 * r1) / first;
                residual = first * (1.0 - second * second);
            }
        }
        Shape {
            mean,
            variance: r0 / count as f32,
            lag1,
            lag2,
            residual: residual.max(0.0) / count as f32,
        }
    }

    /// Gain of second-order prediction. **Units**: decades of power.
    pub(super) fn gain(&self) -> f32 {
        (self.variance.max(1.0) / self.residual.max(1.0)).log10()
    }

    /// Bits a sample under a quantiser whose mean log2 step is `log2_step`.
    fn bits(&self, log2_step: f32) -> f32 {
        // No prediction is better than the rounding of the samples themselves.
        0.5 * (LOG2_2_PI_E + self.residual.max(1.0 / 12.0).log2()) - log2_step
    }
}

/// Bits a byte of a payload read as a law's, whose samples have `shape`.
#[inline(always)]
pub(super) fn bits(law: Law, payload: &[u8], shape: &Shape) -> f32 {
    let steps: u32 = payload.iter().map(|code| log2_step(law, *code)).sum();
    shape.bits(steps as f32 / payload.len().max(1) as f32)
}

/// Bits a byte of the payload as PCM16, little-endian and big-endian, each at its better alignment.
#[inline(always)]
pub(super) fn as_pcm16(payload: &[u8], room: &mut Room) -> (f32, f32) {
    let (mut little, mut big) = (f32::INFINITY, f32::INFINITY);
    for offset in [0, 1] {
        let bytes = payload.get(offset..).unwrap_or_default();
        let pairs = || bytes.as_chunks::<2>().0.iter().copied();
        // A sample is two bytes; PCM16's step is 1.
        little = little.min(room.shape(pairs().map(i16::from_le_bytes)).0.bits(0.0) / 2.0);
        big = big.min(room.shape(pairs().map(i16::from_be_bytes)).0.bits(0.0) / 2.0);
    }
    (little, big)
}

/// log2 of a code's quantiser step on PCM16's scale (G.711 tables 1 and 2).
#[inline(always)]
pub(super) fn log2_step(law: Law, code: u8) -> u32 {
    match law {
        Law::Mu => 3 + u32::from(!code >> 4 & 7),
        Law::A => 3 + u32::from((code ^ 0x55) >> 4 & 7).max(1),
    }
}
