//! Levels of PCM16 audio, by dasp's sample arithmetic.

use dasp::Sample;

/// The level of digital silence, and the lowest given. **Units**: dBov.
pub const FLOOR_DBOV: f32 = -100.0;

/// The RMS level of the samples about their mean. **Units**: dBov, 0 for a full-scale square wave.
///
/// An empty slice is silence.
pub fn rms_dbov(pcm: &[i16]) -> f32 {
    if pcm.is_empty() {
        return FLOOR_DBOV;
    }
    let count = pcm.len() as f32;
    let mean = pcm
        .iter()
        .map(|sample| sample.to_sample::<f32>())
        .sum::<f32>()
        / count;
    let power = pcm
        .iter()
        .map(|sample| (sample.to_sample::<f32>() - mean).powi(2))
        .sum::<f32>()
        / count;
    (10.0 * power.log10()).max(FLOOR_DBOV)
}

/// The highest absolute value of the samples, 0.0 to 1.0.
pub fn peak(pcm: &[i16]) -> f32 {
    pcm.iter()
        .map(|sample| dasp::peak::full_wave(sample.to_sample::<f32>()))
        .fold(0.0, f32::max)
}

/// The amplitude, on PCM16's scale, of a signal at `dbov` RMS.
pub fn amplitude(dbov: f32) -> f32 {
    32_768.0 * 10_f32.powf(dbov / 20.0)
}

/// Fills `pcm` with white noise of `dbov` RMS. `random` is the state of the dice, never 0; it goes on.
pub(crate) fn noise(random: &mut u32, dbov: f32, pcm: &mut [i16]) {
    // Uniform noise of peak A has an RMS of A / sqrt(3).
    let peak = (amplitude(dbov) * 1.732).min(32_767.0) as i32;
    for sample in pcm {
        // xorshift32
        *random ^= *random << 13;
        *random ^= *random >> 17;
        *random ^= *random << 5;
        *sample = ((*random >> 8) as i32 % (2 * peak + 1) - peak) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_its_level() {
        let mut pcm = [0; 8_000];
        for dbov in [-30.0, -50.0, -66.0] {
            noise(&mut 7, dbov, &mut pcm);
            assert!((rms_dbov(&pcm) - dbov).abs() < 0.5, "{dbov}");
        }
    }

    #[test]
    fn a_full_scale_sine_is_3_db_down() {
        let sine: Vec<i16> = (0..800)
            .map(|i| (f64::from(i) * std::f64::consts::TAU / 80.0).sin())
            .map(|x| (x * 32_767.0) as i16)
            .collect();
        assert!((rms_dbov(&sine) + 3.01).abs() < 0.02);
        assert!(peak(&sine) > 0.999);
    }

    #[test]
    fn silence_and_a_constant_have_no_level() {
        assert_eq!(rms_dbov(&[]), FLOOR_DBOV);
        assert_eq!(rms_dbov(&[0; 160]), FLOOR_DBOV);
        assert_eq!(rms_dbov(&[4; 160]), FLOOR_DBOV);
    }
}
