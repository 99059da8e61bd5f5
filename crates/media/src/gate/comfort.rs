//! Comfort noise at the line's own level, and the fades to and from it.

use crate::audio::level;
use squelch_g711::Law;

/// Samples of a fade: 5 ms at 8 kHz, short enough to lose no syllable, long enough not to click.
const FADE_SAMPLES: usize = 40;

/// The loudest comfort noise. **Units**: dBov. Above this a listener takes it for a fault of its own.
const LOUDEST_DBOV: f32 = -50.0;

/// The softest comfort noise that is worth making; below it silence is sent. **Units**: dBov.
const SOFTEST_DBOV: f32 = -75.0;

/// How fast the noise level rises again after a quiet packet. **Units**: dB a measured packet; 1 dB a second of
/// packets of 20 ms, of which one in sixteen is measured: a sentence without a pause passes for no noise.
const RISE_DB: f32 = 0.3;

/// Packets measured before the line's noise is believed to be known: half a second of 20 ms, several times what
/// the detector needs, so that static from a call's first packet on is not taken for the line's noise.
const LEARNING_PACKETS: u8 = 25;

/// Comfort noise for one direction.
#[derive(Clone, Debug)]
pub(crate) struct Comfort {
    random: u32,
    /// The lowest level heard of late: the noise between the words.
    floor_dbov: f32,
    /// Packets measured, as far as [`LEARNING_PACKETS`].
    measured: u8,
}

impl Comfort {
    pub(crate) fn new(seed: u32) -> Comfort {
        // xorshift stays at zero for ever if it starts there.
        Comfort {
            random: seed | 1,
            floor_dbov: LOUDEST_DBOV,
            measured: 0,
        }
    }

    /// Takes the level of one packet of good audio.
    pub(crate) fn learn(&mut self, pcm: &[i16]) {
        let level = level::rms_dbov(pcm);
        self.floor_dbov = level
            .min(self.floor_dbov + RISE_DB)
            .clamp(SOFTEST_DBOV, LOUDEST_DBOV);
        self.measured = (self.measured + 1).min(LEARNING_PACKETS);
    }

    /// Whether enough was measured; until then silence is sent.
    pub(crate) fn knows_the_line(&self) -> bool {
        self.measured >= LEARNING_PACKETS
    }

    /// Writes noise, fading down from `last`, the sample that was sent before.
    pub(crate) fn write(&mut self, pcm: &mut [i16], last: i16) {
        let amplitude = self.amplitude();
        for (index, sample) in pcm.iter_mut().enumerate() {
            let fading = FADE_SAMPLES.saturating_sub(index + 1) as i32;
            let tail = i32::from(last) * fading / FADE_SAMPLES as i32;
            *sample = (tail + self.noise(amplitude)).clamp(-32_768, 32_767) as i16;
        }
    }

    /// Fades audio in over its first 5 ms: from the noise, or from `tail`, the last sample of other audio.
    pub(crate) fn fade_in(&mut self, codes: &mut [u8], law: Law, tail: Option<i16>) {
        let amplitude = self.amplitude();
        for (index, code) in codes.iter_mut().take(FADE_SAMPLES).enumerate() {
            let rising = index as i32 + 1;
            let audio = i32::from(law.decode_sample(*code)) * rising / FADE_SAMPLES as i32;
            let before = tail.map_or_else(|| self.noise(amplitude), i32::from);
            let before = before * (FADE_SAMPLES as i32 - rising) / FADE_SAMPLES as i32;
            *code = law.encode_sample((audio + before).clamp(-32_768, 32_767) as i16);
        }
    }

    fn amplitude(&self) -> i32 {
        if self.floor_dbov <= SOFTEST_DBOV || !self.knows_the_line() {
            return 0;
        }
        // Uniform noise of peak A has an RMS of A / sqrt(3).
        (level::amplitude(self.floor_dbov) * 1.732) as i32
    }

    /// One value of white noise in -amplitude..=amplitude, by xorshift32.
    fn noise(&mut self, amplitude: i32) -> i32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        if amplitude == 0 {
            return 0;
        }
        (self.random >> 8) as i32 % (2 * amplitude + 1) - amplitude
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_level_of_the_line() {
        let mut comfort = Comfort::new(5);
        let line: Vec<i16> = (0..160)
            .map(|i| if i % 2 == 0 { 33 } else { -33 })
            .collect();
        for _ in 0..2_000 {
            comfort.learn(&line);
        }
        let mut pcm = [0; 480];
        comfort.write(&mut pcm, 0);
        let want = level::rms_dbov(&line);
        assert!(
            (level::rms_dbov(&pcm) - want).abs() < 1.5,
            "{} for {want}",
            level::rms_dbov(&pcm)
        );
    }

    #[test]
    fn loud_audio_makes_no_loud_noise() {
        let mut comfort = Comfort::new(5);
        for _ in 0..10_000 {
            comfort.learn(&[20_000, -20_000]);
        }
        let mut pcm = [0; 480];
        comfort.write(&mut pcm, 0);
        assert!(level::rms_dbov(&pcm) <= LOUDEST_DBOV + 1.0);
    }

    #[test]
    fn the_fade_has_no_step_that_clicks() {
        let mut comfort = Comfort::new(5);
        let mut pcm = [0; 160];
        comfort.write(&mut pcm, 30_000);
        let mut before = 30_000_i32;
        for sample in pcm {
            assert!((i32::from(sample) - before).abs() <= 30_000 / 40 + 200);
            before = i32::from(sample);
        }
        assert!(pcm[40..].iter().all(|sample| sample.abs() < 200));
    }
}
