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

impl Shape {
    /// The statistics of samples, without copying them.
    pub(super) fn of(samples: impl Iterator<Item = i16> + Clone) -> Shape {
        let (mut count, mut sum) = (0_i64, 0_i64);
        for sample in samples.clone() {
            count += 1;
            sum += i64::from(sample);
        }
        if count == 0 {
            return Shape::default();
        }
        let mean = sum as f32 / count as f32;
        let (mut r0, mut r1, mut r2) = (0.0_f32, 0.0_f32, 0.0_f32);
        let (mut before, mut earlier) = (0.0_f32, 0.0_f32);
        for sample in samples {
            let x = f32::from(sample) - mean;
            r0 += x * x;
            r1 += x * before;
            r2 += x * earlier;
            (earlier, before) = (before, x);
        }
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

/// The payload as labelled: its statistics and its bits a byte.
pub(super) fn as_labelled(law: Law, payload: &[u8]) -> (Shape, f32) {
    let shape = Shape::of(payload.iter().map(|code| law.decode_sample(*code)));
    let steps: u32 = payload.iter().map(|code| log2_step(law, *code)).sum();
    (
        shape,
        shape.bits(steps as f32 / payload.len().max(1) as f32),
    )
}

/// Bits a byte of the payload as PCM16, little-endian and big-endian, each at its better alignment.
pub(super) fn as_pcm16(payload: &[u8]) -> (f32, f32) {
    let (mut little, mut big) = (f32::INFINITY, f32::INFINITY);
    for offset in [0, 1] {
        let bytes = payload.get(offset..).unwrap_or_default();
        let pairs = || bytes.as_chunks::<2>().0.iter().copied();
        // A sample is two bytes; PCM16's step is 1.
        little = little.min(Shape::of(pairs().map(i16::from_le_bytes)).bits(0.0) / 2.0);
        big = big.min(Shape::of(pairs().map(i16::from_be_bytes)).bits(0.0) / 2.0);
    }
    (little, big)
}

/// log2 of a code's quantiser step on PCM16's scale (G.711 tables 1 and 2).
fn log2_step(law: Law, code: u8) -> u32 {
    match law {
        Law::Mu => 3 + u32::from(!code >> 4 & 7),
        Law::A => 3 + u32::from((code ^ 0x55) >> 4 & 7).max(1),
    }
}
