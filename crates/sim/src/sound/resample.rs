//! Changes of the sample rate between 24 kHz and 8 kHz by a windowed-sinc filter.

use std::f64::consts::PI;

/// 24 kHz -> 8 kHz as a stream: low-pass, then every third sample.
///
/// **Cost**: 48 multiplications an output sample. **Delay**: 24 input samples, 1 ms.
#[derive(Debug, Clone)]
pub struct Down3 {
    kernel: [f64; TAPS],
    /// The last `TAPS` input samples, the oldest first.
    history: [f64; TAPS],
    /// Input samples since the last output.
    phase: usize,
}

impl Default for Down3 {
    fn default() -> Self {
        Down3 {
            kernel: kernel(),
            history: [0.0; TAPS],
            phase: 0,
        }
    }
}

impl Down3 {
    /// Takes one 24 kHz sample; every third call gives one 8 kHz sample.
    pub fn push(&mut self, sample: i16) -> Option<i16> {
        self.history.rotate_left(1);
        self.history[TAPS - 1] = f64::from(sample);
        self.phase += 1;
        if self.phase < 3 {
            return None;
        }
        self.phase = 0;
        let sum: f64 = self
            .history
            .iter()
            .zip(&self.kernel)
            .map(|(x, k)| x * k)
            .sum();
        Some(round(sum))
    }

    /// All of `samples` at once.
    pub fn run(&mut self, samples: &[i16]) -> Vec<i16> {
        samples.iter().filter_map(|&s| self.push(s)).collect()
    }
}

/// 8 kHz -> 24 kHz, a whole recording.
pub fn triple_rate(samples: &[i16]) -> Vec<i16> {
    let kernel = kernel();
    let mut out = Vec::with_capacity(samples.len() * 3);
    for i in 0..samples.len() * 3 {
        // Between two input samples lie two zeros; only the taps over real samples count.
        let mut sum = 0.0;
        for (tap, weight) in kernel.iter().enumerate() {
            let at = (i + tap).checked_sub(TAPS / 2);
            if let Some(at) = at.filter(|at| at % 3 == 0) {
                sum += weight * f64::from(samples.get(at / 3).copied().unwrap_or(0));
            }
        }
        out.push(round(3.0 * sum));
    }
    out
}

/// 8 kHz -> 16 kHz, a whole recording, by the mean of neighbours.
pub fn double_rate(samples: &[i16]) -> Vec<i16> {
    let mut out = Vec::with_capacity(samples.len() * 2);
    for (i, &here) in samples.iter().enumerate() {
        let next = samples.get(i + 1).copied().unwrap_or(here);
        out.push(here);
        out.push(((i32::from(here) + i32::from(next)) / 2) as i16);
    }
    out
}

/// Low-pass at 3.6 kHz of 24 kHz, Hann window, sum 1.
fn kernel() -> [f64; TAPS] {
    const CUTOFF: f64 = 3_600.0 / 24_000.0;
    let middle = (TAPS - 1) as f64 / 2.0;
    let mut taps: [f64; TAPS] = std::array::from_fn(|i| {
        let x = i as f64 - middle;
        let window = 0.5 + 0.5 * (PI * x / (middle + 1.0)).cos();
        window * (2.0 * PI * CUTOFF * x).sin() / (PI * x)
    });
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);
    taps
}

fn round(value: f64) -> i16 {
    value
        .round()
        .clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

/// Even, so that no tap sits on the pole of the sinc.
const TAPS: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, rate: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|i| (10_000.0 * (2.0 * PI * hz * i as f64 / rate).sin()) as i16)
            .collect()
    }

    fn rms(samples: &[i16]) -> f64 {
        let sum: f64 = samples.iter().map(|&s| f64::from(s).powi(2)).sum();
        (sum / samples.len() as f64).sqrt()
    }

    #[test]
    fn the_speech_band_passes_and_what_would_alias_does_not() {
        let kept = Down3::default().run(&tone(1_000.0, 24_000.0, 24_000));
        let removed = Down3::default().run(&tone(6_000.0, 24_000.0, 24_000));
        assert!((rms(&kept[100..]) - 7_071.0).abs() < 200.0);
        assert!(rms(&removed[100..]) < 100.0);
    }

    #[test]
    fn up_and_down_again_gives_the_tone_back() {
        let tone = tone(1_000.0, 8_000.0, 4_000);
        let there_and_back = Down3::default().run(&triple_rate(&tone));
        assert_eq!(there_and_back.len(), tone.len());
        assert!((rms(&there_and_back[100..]) - rms(&tone)).abs() < 200.0);
    }
}
