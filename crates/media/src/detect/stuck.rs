//! `stuck`: one packet, or one byte, for ever.
//!
//! Silence repeats and is none; nor is a sound whose period divides the packet. What repeats must be loud enough to be
//! heard, and cut out of something else.

use super::period;
use super::readings::Room;
use squelch_g711::Law;
use std::time::Duration;

/// The same payload so often, after one that scored the same. **Units**: packets.
const REPEATS: u32 = 13;

/// How long that lasts in packets of 20 ms, from the first of them.
pub(super) const LASTED: Duration = Duration::from_millis(20 * (REPEATS as u64 + 1));

/// A constant byte softer than this is an offset of the line: -18 dBov. **Units**: PCM16's scale.
const OFFSET: u16 = 4_096;

/// An amplified offset glides into the byte that a pause then stays on: what came before lies within a fourth of it.
const GLIDES: u16 = 4;

/// A packet that repeats and varies by less than this is noise of the line. **Units**: PCM16's scale.
const SOFTEST: f32 = 250.0;

/// The test for repetition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stuck {
    /// The score of the payload before, which is there already: most payloads need no fingerprint.
    score: i32,
    last: Option<u64>,
    repeats: u32,
    /// The last byte of the payload before, and of the last one that was another than the one that repeats.
    ends: Option<u8>,
    came_from: Option<u8>,
    /// The score and the fingerprint of the payload that it is stuck on, or was last.
    on: Option<(i32, u64)>,
}

impl Stuck {
    /// Takes a payload and its score; whether the stream is stuck on it.
    pub(super) fn observe(&mut self, law: Law, payload: &[u8], score: i32) -> bool {
        let again = score == self.score || self.on.is_some_and(|on| on.0 == score);
        let last = again.then(|| fingerprint(payload));
        let same = last.is_some() && last == self.last;
        *self = Stuck {
            score,
            last,
            repeats: match same {
                true => self.repeats.saturating_add(1),
                false => 0,
            },
            ends: payload.last().copied(),
            // The first of a row has no fingerprint: the score tells.
            came_from: match again {
                true => self.came_from,
                false => self.ends,
            },
            on: self.on,
        };
        // Once is enough: it is the same payload ever after.
        let stuck = self.repeats == REPEATS && is_telling(law, payload, self.came_from);
        if stuck {
            self.on = last.map(|last| (score, last));
        }
        stuck
    }

    /// Whether the last payload was another than the one that the stream was stuck on: silence is, too.
    pub(super) fn moved(&self) -> bool {
        self.on
            .is_none_or(|(score, on)| score != self.score || self.last != Some(on))
    }
}

/// Whether a repetition of this payload, after a sample of the code `came_from`, can be nothing but a fault.
fn is_telling(law: Law, payload: &[u8], came_from: Option<u8>) -> bool {
    let Some(first) = payload.first() else {
        return false;
    };
    if payload.iter().all(|byte| byte == first) {
        let byte = law.decode_sample(*first);
        let far = byte.unsigned_abs();
        let glided = came_from.is_some_and(|code| {
            let before = law.decode_sample(code);
            before.abs_diff(byte) <= far / GLIDES
        });
        return far >= OFFSET && !glided;
    }
    let mut room = Room::new();
    let (shape, _) = room.shape(payload.iter().map(|code| law.decode_sample(*code)));
    shape.variance > SOFTEST * SOFTEST && period::is_cut_out(law, payload)
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
