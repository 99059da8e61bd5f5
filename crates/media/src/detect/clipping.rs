//! `clipping`: overdriven for long.
//!
//! Saturated audio stands at one level again and again: at the law's extreme codes, or at a lower one where something
//! turned it down after it was cut. Wrapped audio steps over the whole range where a sample overflowed, and goes on
//! smoothly if the range is taken for a circle.
//!
//! Judged in blocks of half a second of audio that is no pause. Speech and music come loud and soft, so that some
//! packets stand at the top and others hardly touch it; a tone, a square wave or noise does so in all packets alike,
//! and counts only where it really fills the range.

use super::finding::What;
use super::peak::{self, EXTREME};
use super::rules::Sign;
use squelch_g711::Law;
use std::time::Duration;

/// Audio that is judged at once. **Units**: samples; 500 ms.
const BLOCK_SAMPLES: u32 = 4_000;

/// Overdriven blocks in a row that are a fault: a second. Below full scale a limiter does much the same: half a
/// second more.
const BLOCKS: u32 = 2;
const BLOCKS_BELOW: u32 = 3;

/// Blocks in a row that are not, that end it.
const GOOD_BLOCKS: u32 = 2;

/// A packet whose loudest sample is softer is a pause. **Units**: PCM16's scale; -24 dBov.
const ACTIVE: u16 = 2_000;

/// A flat top below this is what limiters leave, and softly overdriven voices that are good audio. **Units**: PCM16's
/// scale; -4 dBov.
const LOWEST_TOP: u16 = 20_000;

/// Samples at the extreme codes that make a block overdriven, where packets differ in it. **Source**: speech driven
/// 12 dB over has 4 % and more, speech that peaks at full scale less than half of a percent.
const SHARE: f32 = 0.04;

/// And where they don't. **Source**: noise at -6 dBov has 5.4 %, a sine that just
/// fills the range, which is no overload, 17 to 22 %.
const STEADY_SHARE: f32 = 0.3;

/// The same at a lower top, where a note of a synthesizer may stand as well.
const SHARE_BELOW: f32 = 0.15;

/// The packet that is most at the top against the one that is least, as shares of their samples.
const SPREAD: f32 = 0.25;

/// A packet whose loudest sample is softer has not wrapped. **Units**: PCM16's scale.
const WRAP_LEVEL: u16 = 24_000;

/// A step between neighbours that may be an overflow. **Units**: PCM16's scale; of 65,535 at most.
const WRAP_STEP: i32 = 40_000;

/// On the circle, the step at an overflow is as its neighbours within this. **Units**: PCM16's scale.
const SMOOTH: i32 = 8_000;

/// Overflows in a block, as a share of its samples, and how many of them must be smooth on the circle. **Source**: of
/// the steps of noise that is spread evenly, 6 % are.
const WRAPS: f32 = 0.01;
const SMOOTH_WRAPS: f32 = 0.2;

/// The test of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clipping {
    block: Block,
    /// What the last blocks were, how many in a row, and when the first began.
    kind: Option<Kind>,
    run: u32,
    since: Duration,
    good: u32,
    found: Option<Sign>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Saturated,
    Below(u8),
    Wrapped,
}

/// What was counted since the last block ended.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    /// When a packet first stood at the top, or wrapped, as much as an overdriven block does.
    from: Option<Duration>,
    samples: u32,
    /// The greatest magnitude, the samples there, and the least and greatest share of a packet.
    top: u8,
    at_top: u32,
    least: f32,
    most: f32,
    wraps: u32,
    smooth_wraps: u32,
}

impl Clipping {
    /// Takes a payload whose loudest magnitude is `loudest`; what the stream has now.
    ///
    /// **Cost**: nothing in a pause, one pass otherwise; loud packets are decoded once.
    pub(super) fn observe(
        &mut self,
        at: Duration,
        law: Law,
        payload: &[u8],
        loudest: u8,
    ) -> Option<Sign> {
        if peak::level(law, loudest) < ACTIVE {
            return self.found;
        }
        self.block.add(at, law, payload, loudest);
        if self.block.samples >= BLOCK_SAMPLES {
            let block = std::mem::take(&mut self.block);
            self.judge(&block, block.kind(law));
        }
        self.found
    }

    fn judge(&mut self, block: &Block, kind: Option<Kind>) {
        let Some(kind) = kind else {
            (self.kind, self.run) = (None, 0);
            self.good += 1;
            if self.good >= GOOD_BLOCKS {
                self.found = None;
            }
            return;
        };
        self.good = 0;
        if self.kind != Some(kind) {
            (self.kind, self.run, self.since) = (Some(kind), 0, block.from.unwrap_or_default());
        }
        self.run += 1;
        let (what, enough) = match kind {
            Kind::Saturated => (What::Saturated, BLOCKS),
            Kind::Below(_) => (What::FlatTop, BLOCKS_BELOW),
            Kind::Wrapped => (What::Wrapped, BLOCKS),
        };
        if self.run >= enough && self.found.is_none() {
            self.found = Some(Sign::new(what, self.since));
        }
    }
}

impl Block {
    fn add(&mut self, at: Duration, law: Law, payload: &[u8], loudest: u8) {
        if loudest > self.top || self.samples == 0 {
            // What stood at the lower top stood at none.
            (self.top, self.at_top, self.most, self.from) = (loudest, 0, 0.0, None);
            self.least = if self.samples == 0 { 1.0 } else { 0.0 };
        }
        let here = match loudest == self.top {
            true => peak::count(law, payload, self.top),
            false => 0,
        };
        let share = here as f32 / payload.len().max(1) as f32;
        self.at_top += here;
        self.least = self.least.min(share);
        self.most = self.most.max(share);
        self.samples += payload.len() as u32;
        if peak::level(law, loudest) >= WRAP_LEVEL {
            let (wraps, smooth) = wraps(law, payload);
            self.wraps += wraps;
            self.smooth_wraps += smooth;
            if smooth > 0 {
                self.from = self.from.or(Some(at));
            }
        }
        if share >= SHARE {
            self.from = self.from.or(Some(at));
        }
    }

    fn kind(&self, law: Law) -> Option<Kind> {
        let of = |count: u32| count as f32 / self.samples.max(1) as f32;
        let (share, differs) = (of(self.at_top), self.most - self.least >= SPREAD);
        if self.top == EXTREME && (share >= STEADY_SHARE || (share >= SHARE && differs)) {
            return Some(Kind::Saturated);
        }
        let smooth = self.smooth_wraps as f32 >= SMOOTH_WRAPS * self.wraps as f32;
        if of(self.wraps) >= WRAPS && smooth {
            return Some(Kind::Wrapped);
        }
        let below = self.top < EXTREME && peak::level(law, self.top) >= LOWEST_TOP;
        (below && share >= SHARE_BELOW && differs).then_some(Kind::Below(self.top))
    }
}

/// How many steps of the payload may be overflows, and how many of these are smooth on the circle of 16 bits.
fn wraps(law: Law, payload: &[u8]) -> (u32, u32) {
    let (mut wraps, mut smooth) = (0, 0);
    for four in payload.windows(4) {
        let [a, b, c, d] = *four else {
            continue;
        };
        let [a, b, c, d] = [a, b, c, d].map(|code| law.decode_sample(code));
        if (i32::from(c) - i32::from(b)).abs() < WRAP_STEP {
            continue;
        }
        wraps += 1;
        let [before, step, after] =
            [(a, b), (b, c), (c, d)].map(|(from, to)| i32::from(to.wrapping_sub(from)));
        let alike = (step - before).abs() < SMOOTH && (after - step).abs() < SMOOTH;
        smooth += u32::from(alike);
    }
    (wraps, smooth)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds of what is like speech: a voice of 12 harmonics in syllables, loud (-19 dBov), with a pause a
    /// second; each sample goes through `change`.
    fn voice(law: Law, change: impl Fn(f64) -> i16) -> Vec<u8> {
        let turn =
            |hz: f64, sample: i32| (hz * std::f64::consts::TAU * f64::from(sample) / 8_000.0).sin();
        let samples = (0..80_000).map(|i| {
            let syllable = if i % 8_000 < 6_000 {
                turn(2.0, i).powi(2)
            } else {
                0.0
            };
            let voice: f64 = (1..=12)
                .map(|n| turn(137.0 * f64::from(n), i + 40 * n) / f64::from(n))
                .sum();
            law.encode_sample(change(6_000.0 * syllable * voice))
        });
        samples.collect()
    }

    fn found(law: Law, codes: &[u8]) -> Option<(What, Duration)> {
        let mut clipping = Clipping::default();
        let at = |index: usize| Duration::from_millis(20 * index as u64);
        let mut packets = codes.chunks(160).enumerate();
        packets.find_map(|(index, payload)| {
            let loudest = peak::loudest(law, payload);
            let sign = clipping.observe(at(index), law, payload, loudest)?;
            Some((sign.what, at(index)))
        })
    }

    fn gain(db: f64) -> impl Fn(f64) -> f64 {
        move |sample| sample * 10_f64.powf(db / 20.0)
    }

    #[test]
    fn a_voice_driven_over_is_found_and_one_that_is_loud_is_not() {
        for law in [Law::Mu, Law::A] {
            for db in [18.0, 24.0, 36.0] {
                let (what, at) = found(law, &voice(law, |x| gain(db)(x) as i16)).expect("clipping");
                assert_eq!(what, What::Saturated, "{law:?} {db}");
                assert!(at < Duration::from_secs(3), "{law:?} {db} {at:?}");
                let down = voice(law, |x| (0.7 * f64::from(gain(db)(x) as i16)) as i16);
                assert_eq!(found(law, &down).map(|found| found.0), Some(What::FlatTop));
                let far_down = voice(law, |x| (0.4 * f64::from(gain(db)(x) as i16)) as i16);
                assert_eq!(found(law, &far_down), None, "as a limiter leaves it");
            }
            for db in [-12.0, 0.0, 6.0] {
                assert_eq!(
                    found(law, &voice(law, |x| gain(db)(x) as i16)),
                    None,
                    "{db}"
                );
            }
        }
    }

    #[test]
    fn a_voice_that_wraps_is_found_and_noise_that_steps_as_far_is_not() {
        for law in [Law::Mu, Law::A] {
            for db in [12.0, 18.0] {
                let wrapped = voice(law, |x| gain(db)(x) as i64 as i16);
                assert_eq!(
                    found(law, &wrapped).map(|found| found.0),
                    Some(What::Wrapped),
                    "{db}"
                );
            }
            let mut random = 1_u32;
            let mut noise = || {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (random >> 16) as i16
            };
            let even: Vec<u8> = (0..80_000).map(|_| law.encode_sample(noise())).collect();
            assert_eq!(found(law, &even), None);
        }
    }
}
