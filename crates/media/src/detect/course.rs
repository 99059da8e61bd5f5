//! How a payload's samples follow one another: what a telegraph does not do and a voice does, and the reverse.

use super::readings::{Room, Shape, product};
use squelch_g711::Law;

/// Lags at which a period is looked for: 500 to 1,600 Hz, where a voice six times too fast has its pitch.
const PERIODS: std::ops::RangeInclusive<usize> = 5..=16;

/// Blocks whose levels are compared.
const BLOCKS: usize = 8;

/// The least mean square of a block that counts, about -70 dBov.
const FLOOR: f32 = 100.0;

/// The figures.
pub(super) struct Course {
    /// Correlation of samples three and four apart.
    pub(super) lag3: f32,
    pub(super) lag4: f32,
    /// The best correlation at a period of a fast voice.
    pub(super) period: f32,
    /// Share of neighbours that are the same: flat tops, and samples held.
    pub(super) held: f32,
    /// Share of samples at the packet's own peak: flat tops.
    pub(super) at_peak: f32,
    /// Between the loudest and the softest eighth of the payload. **Units**: decades of power.
    pub(super) swing: f32,
    /// Asymmetry about the mean, as third moment against the cube of the deviation.
    pub(super) skew: f32,
    /// Gain of second-order prediction where the upper byte of each sample is taken for mu-law and for A-law, which
    /// static of samples that were not resampled is. **Units**: decades of power.
    pub(super) folded: [f32; 2],
    /// The same, where the samples are those of a stream that the other law's table was used on.
    pub(super) misread: f32,
}

impl Course {
    /// Measures the samples; `centred` are the same about their mean, `shape` their statistics.
    #[inline(always)]
    pub(super) fn of(
        law: Law,
        samples: &[i16],
        centred: &[f32],
        shape: &Shape,
        room: &mut Room,
    ) -> Course {
        let power = (shape.variance * samples.len() as f32).max(1.0);
        let at_lag = |lag: usize| product(centred.get(lag..).unwrap_or_default(), centred) / power;
        let period = PERIODS.map(at_lag).fold(-1.0, f32::max);
        let neighbours = samples.iter().zip(samples.get(1..).unwrap_or_default());
        let held = neighbours.filter(|(a, b)| a == b).count();
        let peak = samples.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
        let at_peak = samples.iter().filter(|s| s.unsigned_abs() == peak).count();
        let third: f32 = centred.iter().map(|sample| sample * sample * sample).sum();
        let length = samples.len().max(1) as f32;
        Course {
            lag3: at_lag(3),
            lag4: at_lag(4),
            period,
            held: held as f32 / length,
            at_peak: at_peak as f32 / length,
            swing: swing(samples),
            skew: third / length / shape.variance.max(1.0).powf(1.5),
            folded: [Law::Mu, Law::A].map(|law| {
                let upper = |sample: &i16| law.decode_sample(sample.to_be_bytes()[0]);
                room.shape(samples.iter().map(upper)).0.gain()
            }),
            misread: {
                let back = |sample: &i16| law.decode_sample(law.other().encode_sample(*sample));
                room.shape(samples.iter().map(back)).0.gain()
            },
        }
    }
}

#[inline(always)]
fn swing(samples: &[i16]) -> f32 {
    let size = samples.len().div_ceil(BLOCKS).max(1);
    let (mut loudest, mut softest) = (FLOOR, f32::INFINITY);
    for block in samples.chunks(size) {
        let squares: f32 = block.iter().map(|s| f32::from(*s) * f32::from(*s)).sum();
        let power = (squares / block.len() as f32).max(FLOOR);
        loudest = loudest.max(power);
        softest = softest.min(power);
    }
    (loudest / softest).log10().max(0.0)
}
