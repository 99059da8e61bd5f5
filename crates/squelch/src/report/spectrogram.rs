//! Levels over time and frequency.

use std::f32::consts::TAU;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use realfft::RealFftPlanner;

use super::{palette, png};

/// A picture of the samples' spectrum: time to the right, frequency upwards to half of the rate.
pub(super) fn data_uri(samples: &[i16]) -> String {
    let (width, pixels) = levels(samples);
    let png = png::encode(width, &pixels, &palette::levels());
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

/// One byte a pixel, top row (the highest frequency) first.
fn levels(samples: &[i16]) -> (usize, Vec<u8>) {
    let width = (samples.len() / MIN_HOP).clamp(1, MAX_COLUMNS);
    let mut pixels = vec![0_u8; width * BINS];
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
    let (mut frame, mut spectrum) = (fft.make_input_vec(), fft.make_output_vec());
    let mut scratch = fft.make_scratch_vec();
    for column in 0..width {
        let centre = (2 * column + 1) * samples.len() / (2 * width);
        for (index, slot) in frame.iter_mut().enumerate() {
            let sample = (centre + index)
                .checked_sub(WINDOW / 2)
                .and_then(|at| samples.get(at));
            *slot = f32::from(*sample.unwrap_or(&0)) / 32_768.0 * hann(index);
        }
        // Lengths come from the plan itself, so there is nothing to go wrong.
        let _ = fft.process_with_scratch(&mut frame, &mut spectrum, &mut scratch);
        for (bin, value) in spectrum.iter().take(BINS).enumerate() {
            // A full-scale sine reads 0 dB: Hann halves it, and half of it is at the negative frequency.
            let level_db = 20.0 * (value.norm() * 4.0 / WINDOW as f32).max(1e-9).log10();
            let share = (level_db - FLOOR_DB) / (CEILING_DB - FLOOR_DB);
            pixels[(BINS - 1 - bin) * width + column] = (share.clamp(0.0, 1.0) * 255.0) as u8;
        }
    }
    (width, pixels)
}

fn hann(index: usize) -> f32 {
    0.5 - 0.5 * (TAU * index as f32 / WINDOW as f32).cos()
}

/// 32 ms at 8 kHz: syllables and the harmonics of a voice both show.
const WINDOW: usize = 256;
const BINS: usize = WINDOW / 2;
/// Columns no closer than this are told apart.
const MIN_HOP: usize = 32;
/// About as many as a page has pixels.
const MAX_COLUMNS: usize = 1_000;
const FLOOR_DB: f32 = -90.0;
const CEILING_DB: f32 = -15.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_a_line_at_its_frequency() {
        let tone: Vec<i16> = (0..8_000)
            .map(|n| ((TAU * 1_000.0 * n as f32 / 8_000.0).sin() * 16_000.0) as i16)
            .collect();
        let (width, pixels) = levels(&tone);
        // 1 kHz is a quarter of the 4 kHz that the rows span, from the bottom.
        let row = BINS - 1 - BINS / 4;
        let middle = width / 2;
        assert_eq!(pixels[row * width + middle], 255);
        assert!(pixels[middle] < 20, "nothing at 4 kHz");
    }

    #[test]
    fn silence_and_no_samples_at_all_are_dark() {
        assert!(levels(&[0; 4_000]).1.iter().all(|&level| level == 0));
        assert_eq!(levels(&[]), (1, vec![0; BINS]));
    }
}
