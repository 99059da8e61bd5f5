//! Concealment of lost samples, in the style of ITU-T G.711 Appendix I.
//!
//! What was heard last goes on by its pitch: one period for 10 ms, then two, then three, so that a long gap does not
//! buzz; each pass runs into the next over a quarter of a period. After 10 ms it fades by a fifth every 10 ms, and is
//! gone at 60 ms. When audio comes again, what was made up runs into it.
//!
//! Other than the Appendix there is no delay of 3.75 ms to blend the gap's beginning into: what is made up begins where
//! the last sample was, and the step between the two is spread over a quarter of a period.

use super::pitch;

/// What is kept of what was heard: three of the longest periods and a quarter. **Source**: G.711 Appendix I, section
/// I.2.1. **Units**: samples at 8 kHz.
const KEPT: usize = 3 * pitch::LONGEST + pitch::LONGEST / 4;

/// Made up at full level, and until when anything is. **Source**: G.711 Appendix I, section I.2.7. **Units**:
/// milliseconds.
const FULL_MS: usize = 10;
const GONE_MS: usize = 60;

/// The longest run of what was made up into what came. **Source**: G.711 Appendix I, section I.2.5. **Units**:
/// milliseconds.
const LONGEST_BLEND_MS: usize = 10;

/// Conceals the losses of one stream of samples.
///
/// **Shape**: fixed memory, two stretches of 48.75 ms. **Cost**: nothing allocated after [`Concealer::new`]; some
/// 10 us for a gap's beginning, a few nanoseconds a sample after it.
#[derive(Debug)]
pub struct Concealer {
    /// The sample rate over 8 kHz.
    step: usize,
    /// What was sent on last, made up or not.
    heard: Box<[i16]>,
    /// The end of what was heard before the gap.
    cycle: Box<[i16]>,
    /// Samples made up since the gap began.
    made_up: usize,
    period: usize,
    /// The place in `cycle` of the next sample, and where it goes on from behind the last.
    place: usize,
    next_start: usize,
    /// By how much the first sample that was made up missed the last one heard.
    missed: i32,
}

impl Concealer {
    /// For samples at a multiple of 8 kHz. Allocates, and is the last to.
    pub fn new(rate_hz: u32) -> Concealer {
        let step = (rate_hz as usize / 8_000).max(1);
        let silence = vec![0; KEPT * step].into_boxed_slice();
        Concealer {
            step,
            heard: silence.clone(),
            cycle: silence,
            made_up: 0,
            period: pitch::SHORTEST * step,
            place: 0,
            next_start: 0,
            missed: 0,
        }
    }

    /// Audio that came: after a gap, its beginning is blended with what was made up.
    pub fn hear(&mut self, pcm: &mut [i16]) {
        if self.made_up > 0 {
            let ms = self.made_up / self.ms();
            let blend = self.period / 4 + 4 * (ms / 10) * self.ms();
            let blend = blend.min(LONGEST_BLEND_MS * self.ms()).min(pcm.len());
            for (index, sample) in pcm.iter_mut().take(blend).enumerate() {
                let made_up = i32::from(self.next());
                let (rising, whole) = (index as i32 + 1, blend as i32 + 1);
                let mixed = i32::from(*sample) * rising + made_up * (whole - rising);
                *sample = (mixed / whole) as i16;
            }
            self.made_up = 0;
        }
        self.keep(pcm);
    }

    /// Audio that is missing: `pcm` is filled with what is made up.
    pub fn conceal(&mut self, pcm: &mut [i16]) {
        if self.made_up == 0 {
            self.begin();
        }
        for sample in pcm.iter_mut() {
            *sample = self.next();
        }
        self.keep(pcm);
    }

    fn ms(&self) -> usize {
        8 * self.step
    }

    fn begin(&mut self) {
        self.cycle.copy_from_slice(&self.heard);
        self.period = pitch::period(&self.cycle, self.step);
        self.place = self.cycle.len() - self.period;
        self.next_start = self.place;
        let at = |place: usize| i32::from(self.cycle.get(place).copied().unwrap_or(0));
        self.missed = at(self.cycle.len() - 1) - at(self.place - 1);
    }

    /// One more sample of what is made up.
    fn next(&mut self) -> i16 {
        let end = self.cycle.len();
        let quarter = self.period / 4;
        let at = |place: usize| i32::from(self.cycle.get(place).copied().unwrap_or(0));
        let left = end - self.place;
        if left == quarter {
            let periods = 1 + (self.made_up / self.ms() / 10).min(2);
            self.next_start = end - periods * self.period;
        }
        let mut sample = at(self.place);
        if left <= quarter {
            // Towards what stands before the place where the next pass begins.
            let before = at(self.next_start.saturating_sub(left));
            let (rising, whole) = ((quarter - left) as i32 + 1, quarter as i32 + 1);
            sample = (sample * (whole - rising) + before * rising) / whole;
        }
        if self.made_up < quarter {
            sample += self.missed * (quarter - self.made_up) as i32 / (quarter as i32 + 1);
        }
        self.place += 1;
        if self.place == end {
            self.place = self.next_start;
        }
        let (full, gone) = (FULL_MS * self.ms(), GONE_MS * self.ms());
        let left = gone.saturating_sub(self.made_up.max(full)) as i32;
        self.made_up = (self.made_up + 1).min(gone);
        (sample * left / (gone - full) as i32).clamp(-32_768, 32_767) as i16
    }

    /// Keeps the end of what is sent on.
    fn keep(&mut self, pcm: &[i16]) {
        let kept = self.heard.len();
        let new = pcm.len().min(kept);
        self.heard.copy_within(new.., 0);
        let newest = pcm.get(pcm.len() - new..).unwrap_or_default();
        if let Some(end) = self.heard.get_mut(kept - new..) {
            end.copy_from_slice(newest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level;
    use std::f64::consts::TAU;

    /// Something voiced: a fundamental and two harmonics.
    fn voice(rate: u32, hz: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| {
                let phase = n as f64 * hz * TAU / f64::from(rate);
                let sum = phase.sin() + 0.5 * (2.0 * phase).sin() + 0.25 * (3.0 * phase).sin();
                (sum * 6_000.0) as i16
            })
            .collect()
    }

    /// The largest step from one sample to the next.
    fn roughest(pcm: &[i16]) -> i32 {
        pcm.windows(2)
            .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
            .max()
            .unwrap_or(0)
    }

    /// `pcm` with the packets (20 ms) of `lost` concealed.
    fn heard(rate: u32, pcm: &[i16], lost: &[usize]) -> Vec<i16> {
        let mut concealer = Concealer::new(rate);
        let mut out = Vec::new();
        for (number, packet) in pcm.chunks_exact(rate as usize / 50).enumerate() {
            let mut packet = packet.to_vec();
            if lost.contains(&number) {
                concealer.conceal(&mut packet);
            } else {
                concealer.hear(&mut packet);
            }
            out.extend(packet);
        }
        out
    }

    #[test]
    fn what_is_made_up_has_no_step_at_either_end() {
        for rate in [8_000, 16_000, 24_000, 48_000] {
            for hz in [80.0, 110.0, 147.3, 190.0] {
                let pcm = voice(rate, hz, rate as usize / 2);
                for lost in [&[10][..], &[10, 11], &[10, 11, 12], &[10, 13, 16]] {
                    let out = heard(rate, &pcm, lost);
                    let (was, is) = (roughest(&pcm), roughest(&out));
                    assert!(is <= was * 3 / 2, "{rate} {hz} {lost:?}: {is} after {was}");
                }
            }
        }
    }

    #[test]
    fn the_pitch_and_the_level_go_on_for_10_ms() {
        for rate in [8_000, 24_000] {
            for hz in [80.0, 110.0, 147.3, 190.0] {
                let pcm = voice(rate, hz, rate as usize / 2);
                let out = heard(rate, &pcm, &[10]);
                let gap = rate as usize / 5..rate as usize / 5 + rate as usize / 100;
                let alike = pitch::likeness(&out[gap.clone()], &pcm[gap.clone()], 1);
                assert!(alike > 0.95, "{rate} {hz}: {alike}");
                let (is, was) = (
                    level::rms_dbov(&out[gap.clone()]),
                    level::rms_dbov(&pcm[gap]),
                );
                assert!((is - was).abs() < 1.0, "{rate} {hz}: {is} after {was}");
            }
        }
    }

    #[test]
    fn a_long_gap_fades_and_is_silent_after_60_ms() {
        let pcm = voice(8_000, 120.0, 8_000);
        let lost: Vec<usize> = (10..20).collect();
        let out = heard(8_000, &pcm, &lost);
        let levels: Vec<f32> = out[1_600..1_600 + 480]
            .chunks(80)
            .map(level::rms_dbov)
            .collect();
        assert!(levels.is_sorted_by(|a, b| *a > b - 0.8), "{levels:?}");
        assert!(levels[5] < levels[0] - 12.0, "{levels:?}");
        assert!(out[1_600 + 480..3_200].iter().all(|sample| *sample == 0));
        assert!(level::rms_dbov(&out[3_400..]) > -20.0);
    }

    #[test]
    fn silence_stays_silence() {
        let out = heard(8_000, &[0; 8_000], &[10, 11]);
        assert!(out.iter().all(|sample| *sample == 0));
    }

    proptest::proptest! {
        /// Whatever was heard, and whichever packets are lost: no panic, and nothing louder than what was heard.
        #[test]
        fn nothing_is_louder_than_what_was_heard(
            loud in 0_i16..=i16::MAX,
            seed in proptest::num::u32::ANY,
            lost in proptest::collection::vec(0_usize..40, 0..30),
            step in 1_u32..=6,
        ) {
            let mut random = seed | 1;
            let pcm: Vec<i16> = (0..160 * step as usize * 40)
                .map(|_| {
                    random ^= random << 13;
                    random ^= random >> 17;
                    random ^= random << 5;
                    ((i64::from(random as i32) * i64::from(loud)) >> 31) as i16
                })
                .collect();
            let out = heard(8_000 * step, &pcm, &lost);
            let most = out.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
            // The step that is spread over a quarter of a period comes on top: twice the loudest at worst.
            proptest::prop_assert!(i32::from(most) <= 3 * i32::from(loud) + 3, "{most} after {loud}");
        }
    }
}
