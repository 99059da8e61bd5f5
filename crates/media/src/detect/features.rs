//! What is measured of a payload: the figures that the model weighs.
//!
//! Each is a small number of about the same size, cut off where it says no more, so that no single one can outweigh
//! the others.

use super::counts::{Bytes, Samples};
use super::course::Course;
use super::readings::{self, Room, Shape};
use super::suspicion::Suspicion;
use squelch_g711::{Kernel, Law};

/// How many figures a payload itself has.
const OWN: usize = 42;

/// How many figures there are: those of the payload, then how each stood lately, then by how much each varied.
pub const COUNT: usize = 3 * OWN;

/// The figures of one payload in its stream.
pub type Features = [f32; COUNT];

/// Places of figures that more is done with than weighing.
pub(super) const LONGER_THAN_OTHER: usize = 1;
pub(super) const LONGER_THAN_LITTLE: usize = 2;
pub(super) const LONGER_THAN_BIG: usize = 3;
const LEVEL: usize = 5;
pub(super) const ALIKE: usize = 6;
pub(super) const GAIN: usize = 7;
pub(super) const SILENT: usize = 14;
pub(super) const PRINTABLE: usize = 15;
pub(super) const BURST: usize = 22;
pub(super) const LEVELS: usize = 24;
pub(super) const FOLDED: usize = 39;
pub(super) const MISREAD: usize = 41;

/// Measures the payloads of one stream, in order.
///
/// **Shape**: fixed memory, some 350 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    law: Law,
    /// Each figure and its square, averaged over the active packets so far with weights that fade.
    mean: [f32; OWN],
    square: [f32; OWN],
    /// The sum of those weights; 0 before the first active packet.
    weight: f32,
    /// The mean of the samples against their level, with its sign, averaged alike.
    off_zero: f32,
    little_less_big: f32,
    suspicion: Suspicion,
}

/// The weight of the newest packet: what was heard before fades over about eight.
const NEWEST: f32 = 0.125;

/// Softer than this is no activity. **Units**: mean square on PCM16's scale; -62 dBov: a fault that makes tiny
/// samples of codes lies at -45.
const ACTIVE: f32 = 700.0;

impl Meter {
    /// A meter for a stream whose payload type says `law`.
    pub fn new(law: Law) -> Meter {
        Meter {
            law,
            mean: [0.0; OWN],
            square: [0.0; OWN],
            weight: 0.0,
            off_zero: 0.0,
            little_less_big: 0.0,
            suspicion: Suspicion::new(law),
        }
    }

    /// By how many bits a byte the last payload measured is longer as little-endian PCM16 than as big-endian.
    pub(super) fn little_less_big(&self) -> f32 {
        self.little_less_big
    }

    /// The last payload's score: two payloads that differ in it differ.
    pub(super) fn score(&self) -> i32 {
        self.suspicion.score()
    }

    /// Whether the last payload was looked at, or one not long before it was suspicious.
    pub(super) fn is_looking(&self) -> bool {
        self.suspicion.is_raised()
    }

    /// Measures the packets to come, suspicious or not, for as long as after a suspicious one.
    pub(super) fn keep_looking(&mut self) {
        self.suspicion.hold();
    }

    /// The figures of a payload; `None` where it says nothing: nothing suspicious was heard lately, silence, or too
    /// few different bytes.
    pub fn measure(&mut self, payload: &[u8]) -> Option<Features> {
        let payload = payload.get(..readings::MAX_BYTES).unwrap_or(payload);
        let suspicious = self.suspicion.raised(payload);
        if !suspicious || is_silent(self.law, payload) || distinct(payload) <= FEW {
            return None;
        }
        let mut room = [0_i16; readings::MAX_BYTES];
        let samples = room.get_mut(..payload.len()).unwrap_or_default();
        self.law.decode(payload, samples);
        let mut room = Room::new();
        let (shape, centred) = room.shape(samples.iter().copied());
        let power = shape.variance + shape.mean * shape.mean;
        if power < ACTIVE {
            return None;
        }
        let own = Kernel::best().widen(|| self.own(payload, samples, centred, &shape, power));
        self.weight += (1.0 - self.weight) * NEWEST;
        let mut figures = [0.0; COUNT];
        let (now, lately) = figures.split_at_mut(OWN);
        let (means, deviations) = lately.split_at_mut(OWN);
        now.copy_from_slice(&own);
        for (at, figure) in own.iter().enumerate() {
            self.mean[at] += (figure - self.mean[at]) * NEWEST;
            self.square[at] += (figure * figure - self.square[at]) * NEWEST;
            means[at] = self.mean[at] / self.weight;
            let variance = self.square[at] / self.weight - means[at] * means[at];
            deviations[at] = variance.max(0.0).sqrt();
        }
        Some(figures)
    }

    /// What the payload itself says.
    #[inline(always)]
    fn own(
        &mut self,
        payload: &[u8],
        samples: &[i16],
        centred: &[f32],
        shape: &Shape,
        power: f32,
    ) -> [f32; OWN] {
        let mut room = Room::new();
        let bits = readings::bits(self.law, payload, shape);
        let other = self.law.other();
        let (elsewhere, _) = room.shape(payload.iter().map(|code| other.decode_sample(*code)));
        let other_bits = readings::bits(other, payload, &elsewhere);
        let (little, big) = readings::as_pcm16(payload, &mut room);
        let seen = Bytes::count(payload);
        self.little_less_big = little - big;
        let counted = Samples::count(payload, samples, shape);
        let course = Course::of(self.law, samples, centred, shape, &mut room);
        let level = cut(power.max(1.0).log10() - 6.5, 2.5);
        let relative = shape.mean / power.sqrt().max(1.0);
        let level_before = match self.weight > 0.0 {
            true => self.mean[LEVEL] / self.weight,
            false => level,
        };
        self.off_zero += (relative - self.off_zero) * NEWEST;
        let off_zero = self.off_zero / (self.weight + (1.0 - self.weight) * NEWEST);
        [
            cut(bits - 6.0, 3.0),
            cut(bits - other_bits, 2.0),
            cut(bits - little, 3.0),
            cut(bits - big, 3.0),
            cut(seen.collisions - 1.0, 4.0),
            level,
            shape.lag1,
            cut(shape.gain(), 3.0),
            relative.abs(),
            off_zero.abs(),
            cut((level - level_before).abs(), 1.5),
            counted.loud,
            counted.flips,
            cut(counted.kurtosis - 3.0, 5.0),
            counted.silent,
            seen.printable,
            cut(seen.parity, 2.0),
            seen.parity_extremes,
            counted.top,
            counted.low,
            cut(counted.spread, 3.0),
            shape.lag2,
            counted.burst,
            cut(seen.few, 1.0),
            counted.levels[0],
            counted.levels[1],
            counted.levels[2],
            counted.levels[3],
            counted.levels[4],
            counted.levels[5],
            counted.levels[6],
            counted.levels[7],
            course.lag3,
            course.lag4,
            course.period,
            course.held,
            course.at_peak,
            course.swing,
            cut(course.skew, 4.0),
            cut(course.folded[0], 3.0),
            cut(course.folded[1], 3.0),
            cut(course.misread - shape.gain(), 3.0),
        ]
    }
}

/// From the study this goes back to: with so few different bytes all readings describe the payload equally well.
const FEW: u32 = 8;

fn cut(value: f32, most: f32) -> f32 {
    value.clamp(-most, most)
}

/// Whether all samples are among the eight codes next to silence: most of a call is, and this is the quick way to see.
fn is_silent(law: Law, payload: &[u8]) -> bool {
    const CODES: u8 = 3;
    let silence = law.silence() & 0x7F;
    let differ = |all: u8, byte: &u8| all | (byte & 0x7F) ^ silence;
    payload.iter().fold(0, differ) <= CODES
}

/// How many different bytes there are.
fn distinct(payload: &[u8]) -> u32 {
    let mut seen = [0_u64; 4];
    for byte in payload {
        seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    seen.iter().map(|word| word.count_ones()).sum()
}
