//! What is counted of a payload: its bytes whatever they mean, and its samples as labelled.

use super::readings::Shape;
/// What is counted of the bytes, whatever they mean.
pub(super) struct Bytes {
    /// How often two bytes of the payload are the same, 1 for bytes without any order.
    pub(super) collisions: f32,
    pub(super) printable: f32,
    /// How far even and odd bytes differ in their magnitude as codes.
    pub(super) parity: f32,
    /// How far even and odd bytes differ in being 0x00 or 0xFF and next to them: the upper bytes of PCM16 are.
    pub(super) parity_extremes: f32,
    /// Distinct bytes, as a share of what so many random ones would have.
    pub(super) few: f32,
}

impl Bytes {
    #[inline(always)]
    pub(super) fn count(payload: &[u8]) -> Bytes {
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
pub(super) struct Samples {
    /// Shares of samples: louder than 15,000, in the top segment, in the two lowest, next to exact silence.
    pub(super) loud: f32,
    pub(super) top: f32,
    pub(super) low: f32,
    pub(super) silent: f32,
    /// How often the sign changes from one sample to the next.
    pub(super) flips: f32,
    pub(super) kurtosis: f32,
    /// Deviation of the magnitudes against their mean: low for a telegraph.
    pub(super) spread: f32,
    /// 1 where the packet is a short burst near full scale in exact silence.
    pub(super) burst: f32,
    /// Shares of the eighths of the range, the most negative first.
    pub(super) levels: [f32; 8],
}

impl Samples {
    #[inline(always)]
    pub(super) fn count(payload: &[u8], samples: &[i16], shape: &Shape) -> Samples {
        let (mut loud, mut top, mut low, mut silent, mut flips) =
            (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
        let (mut fourth, mut sum, mut square) = (0.0_f32, 0.0_f32, 0.0_f32);
        let (mut burst_power, mut sounding) = (0.0_f32, 0_u32);
        let mut levels = [0_u32; 8];
        let mut before = payload.first().copied().unwrap_or_default();
        for (code, sample) in payload.iter().zip(samples) {
            let sample = *sample;
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
