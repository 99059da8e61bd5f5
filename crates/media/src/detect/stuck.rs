//! `stuck`: one packet, or one byte, for ever.
//!
//! Silence repeats and is none; nor is a tone whose period divides the packet. What repeats must be loud enough to be
//! heard, and either no tone at all or have a seam where it starts anew.

use super::readings::Room;
use squelch_g711::Law;
use std::time::Duration;

/// The same payload so often, after one that scored the same. **Units**: packets.
const REPEATS: u32 = 13;

/// How long that lasts in packets of 20 ms, from the first of them.
pub(super) const LASTED: Duration = Duration::from_millis(20 * (REPEATS as u64 + 1));

/// A constant byte softer than this is an offset of the line. **Units**: PCM16's scale.
const OFFSET: i16 = 8_000;

/// A packet that repeats and varies by less than this is noise of the line. **Units**: PCM16's scale.
const SOFTEST: f32 = 250.0;

/// Below this gain of second-order prediction the packet is no tone (18 dB).
const TONE_GAIN: f32 = 63.0;

/// The step over the seam against the root mean square of the steps inside.
const SEAM: f32 = 1.5;

/// The test for repetition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stuck {
    /// The score of the payload before, which is there already: most payloads need no fingerprint.
    score: i32,
    last: Option<u64>,
    repeats: u32,
}

impl Stuck {
    /// Takes a payload and its score; whether the stream is stuck on it.
    pub(super) fn observe(&mut self, law: Law, payload: &[u8], score: i32) -> bool {
        let last = match score == self.score {
            true => Some(fingerprint(payload)),
            false => None,
        };
        let same = last.is_some() && last == self.last;
        *self = Stuck {
            score,
            last,
            repeats: match same {
                true => self.repeats.saturating_add(1),
                false => 0,
            },
        };
        // Once is enough: it is the same payload ever after.
        self.repeats == REPEATS && is_telling(law, payload)
    }

    /// Whether the last payload was not the one before.
    pub(super) fn moved(&self) -> bool {
        self.repeats == 0
    }
}

/// Whether a repetition of this payload can be nothing but a fault.
fn is_telling(law: Law, payload: &[u8]) -> bool {
    let (Some(first), Some(last)) = (payload.first(), payload.last()) else {
        return false;
    };
    if payload.iter().all(|byte| byte == first) {
        return law.decode_sample(*first).unsigned_abs() >= OFFSET.unsigned_abs();
    }
    let samples = || payload.iter().map(|code| law.decode_sample(*code));
    let mut room = Room::new();
    let (shape, _) = room.shape(samples());
    let loud = shape.variance > SOFTEST * SOFTEST;
    if !loud || shape.variance > TONE_GAIN * shape.residual.max(1.0) || has_period(payload) {
        return false;
    }
    let step = |a: u8, b: u8| f32::from(law.decode_sample(a)) - f32::from(law.decode_sample(b));
    let squares: f32 = payload
        .windows(2)
        .map(|pair| match pair {
            [a, b] => step(*b, *a) * step(*b, *a),
            _ => 0.0,
        })
        .sum();
    let inside = (squares / payload.len() as f32).sqrt();
    step(*first, *last).abs() > SEAM * inside
}

/// Whether the payload repeats within itself: a sound of that period, which fits the packet by chance.
fn has_period(payload: &[u8]) -> bool {
    let length = payload.len();
    let divisors = (1..=length / 2).filter(|period| length.is_multiple_of(*period));
    divisors.into_iter().any(|period| {
        let (head, tail) = (payload.get(..length - period), payload.get(period..));
        head == tail
    })
}

/// Whether most of the payload is the same some way further on: a sound with a period, and so no ciphertext.
pub(super) fn is_periodic(payload: &[u8]) -> bool {
    /// Less of a payload than this that is left to compare tells nothing.
    const LEAST: usize = 40;
    (2..payload.len().saturating_sub(LEAST)).any(|period| {
        let later = payload.get(period..).unwrap_or_default();
        let same = later.iter().zip(payload).filter(|(a, b)| a == b).count();
        // Of random bytes one in 256 is.
        same * 2 > later.len()
    })
}

/// FNV-1a over eight bytes at a time, in four lanes that don't wait for each other: two payloads that differ and agree
/// in it are not met with by chance.
fn fingerprint(payload: &[u8]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(PRIME);
    let start = 0xCBF2_9CE4_8422_2325 ^ payload.len() as u64;
    let mut lanes = [start; 4];
    let (blocks, rest) = payload.as_chunks::<32>();
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
            *lane = mix(*lane, u64::from_le_bytes(*word));
        }
    }
    let rest = rest.iter().map(|byte| u64::from(*byte));
    lanes.into_iter().chain(rest).fold(start, mix)
}
