//! What is measured of a payload: the figures that the model weighs.
//!
//! Each is a small number of about the same size, cut off where it says no more, so that no single one can outweigh
//! the others.

use super::readings::{self, Shape};
use squelch_g711::Law;

/// How many figures a payload has.
pub const COUNT: usize = 32;

/// The figures of one payload.
pub type Features = [f32; COUNT];

/// Places of figures that more is done with than weighing.
pub(super) const ALIKE: usize = 6;
pub(super) const PRINTABLE: usize = 15;
pub(super) const BURST: usize = 22;
pub(super) const LEVELS: usize = 24;

/// Measures the payloads of one stream, in order; a few figures compare with the packets before.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    law: Law,
    /// Mean and level of the active packets so far, fading.
    mean: f32,
    level: f32,
    active: bool,
    little_less_big: f32,
}

/// How fast what was heard before fades: about eight packets.
const MEMORY: f32 = 0.125;

/// Softer than this is no activity. **Units**: mean square on PCM16's scale; -62 dBov: a fault that makes tiny
/// samples of codes lies at -45.
const ACTIVE: f32 = 700.0;

impl Meter {
    /// A meter for a stream whose payload type says `law`.
    pub fn new(law: Law) -> Meter {
        Meter {
            law,
            mean: 0.0,
            level: 0.0,
            active: false,
            little_less_big: 0.0,
        }
    }

    /// By how many bits a byte the last payload measured is longer as little-endian PCM16 than as big-endian.
    pub(super) fn little_less_big(&self) -> f32 {
        self.little_less_big
    }

    /// The figures of a payload; `None` where it says nothing: silence, or too few different bytes.
    pub fn measure(&mut self, payload: &[u8]) -> Option<Features> {
        let payload = payload.get(..readings::MAX_BYTES).unwrap_or(payload);
        // Most of a call is silence: it costs one pass.
        if distinct(payload) <= FEW {
            return None;
        }
        let (own, own_bits) = readings::as_labelled(self.law, payload);
        let power = own.variance + own.mean * own.mean;
        if power < ACTIVE {
            return None;
        }
        let seen = Bytes::count(payload);
        let other = match self.law {
            Law::Mu => Law::A,
            Law::A => Law::Mu,
        };
        let (_, other_bits) = readings::as_labelled(other, payload);
        let (little, big) = readings::as_pcm16(payload);
        let samples = Samples::count(self.law, payload, &own);
        let level = power.max(1.0).log10();
        let relative = own.mean / power.sqrt().max(1.0);
        let (before_mean, before_level) = match self.active {
            true => (self.mean, self.level),
            false => (relative, level),
        };
        self.mean = before_mean + (relative - before_mean) * MEMORY;
        self.level = before_level + (level - before_level) * MEMORY;
        self.active = true;
        self.little_less_big = little - big;
        let gain = (own.variance.max(1.0) / own.residual.max(1.0)).log10();
        Some([
            cut(own_bits - 6.0, 3.0),
            cut(own_bits - other_bits, 2.0),
            cut(own_bits - little, 3.0),
            cut(own_bits - big, 3.0),
            cut(seen.collisions - 1.0, 4.0),
            cut(level - 6.5, 2.5),
            own.lag1,
            cut(gain, 3.0),
            relative.abs(),
            self.mean.abs(),
            cut((level - before_level).abs(), 1.5),
            samples.loud,
            samples.flips,
            cut(samples.kurtosis - 3.0, 5.0),
            samples.silent,
            seen.printable,
            cut(seen.parity, 2.0),
            seen.parity_extremes,
            samples.top,
            samples.low,
            cut(samples.spread, 3.0),
            own.lag2,
            samples.burst,
            cut(seen.few, 1.0),
            samples.levels[0],
            samples.levels[1],
            samples.levels[2],
            samples.levels[3],
            samples.levels[4],
            samples.levels[5],
            samples.levels[6],
            samples.levels[7],
        ])
    }
}

/// From the study this goes back to: with so few different bytes all readings describe the payload equally well.
const FEW: u32 = 8;

fn cut(value: f32, most: f32) -> f32 {
    value.clamp(-most, most)
}

/// How many different bytes there are.
fn distinct(payload: &[u8]) -> u32 {
    let mut seen = [0_u64; 4];
    for byte in payload {
        seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    seen.iter().map(|word| word.count_ones()).sum()
}

/// What is counted of the bytes, whatever they mean.
struct Bytes {
    /// How often two bytes of the payload are the same, 1 for bytes without any order.
    collisions: f32,
    printable: f32,
    /// How far even and odd bytes differ in their magnitude as codes.
    parity: f32,
    /// How far even and odd bytes differ in being 0x00 or 0xFF and next to them: the upper bytes of PCM16 are.
    parity_extremes: f32,
    /// Distinct bytes, as a share of what so many random ones would have.
    few: f32,
}

impl Bytes {
    fn count(payload: &[u8]) -> Bytes {
        let mut counts = [0_u16; 256];
        let (mut printable, mut magnitude, mut extreme) = (0_u32, [0_i32; 2], [0_i32; 2]);
        for (index, byte) in payload.iter().enumerate() {
            if let Some(count) = counts.get_mut(usize::from(*byte)) {
                *count += 1;
            }
            printable += u32::from((0x20..0x7F).contains(byte));
            let side = index & 1;
            magnitude[side] += i32::from(byte & 0x7F);
            extreme[side] += i32::from(byte.wrapping_add(2) < 4);
        }
        let length = payload.len().max(2) as f32;
        let pairs: u32 = counts
            .iter()
            .map(|n| u32::from(*n) * u32::from(n.saturating_sub(1)))
            .sum();
        let distinct = counts.iter().filter(|count| **count > 0).count() as u32;
        let half = length / 2.0;
        Bytes {
            collisions: 256.0 * pairs as f32 / (length * (length - 1.0)),
            printable: printable as f32 / length,
            parity: (magnitude[0] - magnitude[1]).abs() as f32 / half / 32.0,
            parity_extremes: (extreme[0] - extreme[1]).abs() as f32 / half,
            few: distinct as f32 / (256.0 * (1.0 - (-length / 256.0).exp())),
        }
    }
}

/// What is counted of the samples as labelled.
struct Samples {
    /// Shares of samples: louder than 15,000, in the top segment, in the two lowest, next to exact silence.
    loud: f32,
    top: f32,
    low: f32,
    silent: f32,
    /// How often the sign changes from one sample to the next.
    flips: f32,
    kurtosis: f32,
    /// Deviation of the magnitudes against their mean: low for a telegraph.
    spread: f32,
    /// 1 where the packet is a short burst near full scale in exact silence.
    burst: f32,
    /// Shares of the eighths of the range, the most negative first.
    levels: [f32; 8],
}

impl Samples {
    fn count(law: Law, payload: &[u8], shape: &Shape) -> Samples {
        let (mut loud, mut top, mut low, mut silent, mut flips) =
            (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
        let (mut fourth, mut sum, mut square) = (0.0_f32, 0.0_f32, 0.0_f32);
        let (mut burst_power, mut sounding) = (0.0_f32, 0_u32);
        let mut levels = [0_u32; 8];
        let mut before = payload.first().copied().unwrap_or_default();
        for code in payload {
            let sample = law.decode_sample(*code);
            if let Some(level) = levels.get_mut(usize::from((sample >> 13).wrapping_add(4) as u16))
            {
                *level += 1;
            }
            let sample = f32::from(sample);
            let magnitude = sample.abs();
            loud += u32::from(magnitude > 15_000.0);
            top += u32::from(magnitude > 16_000.0);
            low += u32::from(magnitude < 400.0);
            flips += u32::from((code ^ before) & 0x80 != 0);
            before = *code;
            if magnitude <= 24.0 {
                silent += 1;
            } else {
                sounding += 1;
                burst_power += magnitude * magnitude;
            }
            let centred = sample - shape.mean;
            fourth += centred * centred * centred * centred;
            sum += magnitude;
            square += magnitude * magnitude;
        }
        let length = payload.len().max(1) as f32;
        let mean = (sum / length).max(1.0);
        let deviation = (square / length - mean * mean).max(0.0).sqrt();
        let silent = silent as f32 / length;
        let is_burst =
            (0.6..0.98).contains(&silent) && burst_power / sounding.max(1) as f32 > BURST_LOUD;
        Samples {
            loud: loud as f32 / length,
            top: top as f32 / length,
            low: low as f32 / length,
            silent,
            flips: flips as f32 / length,
            kurtosis: fourth / length / (shape.variance * shape.variance).max(1.0),
            spread: deviation / mean,
            burst: f32::from(u8::from(is_burst)),
            levels: levels.map(|count| count as f32 / length),
        }
    }
}

/// What sounds in a burst packet is this loud. **Units**: mean square; -24 dBov: bursts may come through a limiter.
const BURST_LOUD: f32 = 4.3e6;
