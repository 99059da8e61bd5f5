//! The stage that looks at every packet: is there anything to be suspicious of?
//!
//! One look-up and a sum over the bytes, and their changes of sign. Most speech scores below the threshold, most
//! packets of a fault above it; what is suspicious is looked at properly, and so are the packets after it for a while.

use super::suspicion_weights::{A, A_CHANGE, A_LEAST, MU, MU_CHANGE, MU_LEAST};
use squelch_g711::Law;

/// Packets that are looked at after a suspicious one: 200 ms of 20 ms. A fault has another by then.
const WATCHED: u8 = 10;

/// The bytes that the thresholds are for.
const PACKET: i64 = 160;

/// Whether to look at a stream's packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspicion {
    law: Law,
    score: i32,
    left: u8,
}

impl Suspicion {
    /// None yet, of a stream of `law`.
    pub(super) fn new(law: Law) -> Suspicion {
        Suspicion {
            law,
            score: 0,
            left: 0,
        }
    }

    /// Takes a payload; whether it is to be looked at.
    pub(super) fn raised(&mut self, payload: &[u8]) -> bool {
        let (weights, change, least) = match self.law {
            Law::Mu => (&MU, MU_CHANGE, MU_LEAST),
            Law::A => (&A, A_CHANGE, A_LEAST),
        };
        self.score = weights.score(payload);
        let suspicious = i64::from(self.score) + i64::from(change * sign_changes(payload));
        if suspicious * PACKET > i64::from(least) * payload.len() as i64 {
            self.left = WATCHED;
            return true;
        }
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    /// Whether packets are looked at.
    pub(super) fn is_raised(&self) -> bool {
        self.left > 0
    }

    /// The score of the last payload: two that differ in it differ.
    pub(super) fn score(&self) -> i32 {
        self.score
    }

    /// Goes on looking for a while, whatever the next packets score.
    pub(super) fn hold(&mut self) {
        self.left = WATCHED;
    }
}

/// How often the sign bit changes from one byte to the next: eight at a time, counted in the bytes of a word.
fn sign_changes(payload: &[u8]) -> i32 {
    const SIGNS: u64 = 0x8080_8080_8080_8080;
    /// A byte of the counting word holds no more.
    const MOST: usize = 255;
    let Some((first, rest)) = payload.split_first() else {
        return 0;
    };
    let (words, tail) = rest.as_chunks::<8>();
    let mut before = *first;
    let mut changes = 0;
    for block in words.chunks(MOST) {
        let mut counts = 0_u64;
        for word in block {
            let word = u64::from_le_bytes(*word);
            let shifted = word << 8 | u64::from(before);
            counts += ((word ^ shifted) & SIGNS) >> 7;
            before = (word >> 56) as u8;
        }
        changes += counts.to_le_bytes().map(i32::from).iter().sum::<i32>();
    }
    for byte in tail {
        changes += i32::from((byte ^ before) >> 7);
        before = *byte;
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::sign_changes;

    #[test]
    fn changes_of_sign_are_counted_at_every_length() {
        let mut state = 7_u32;
        let bytes: Vec<u8> = (0..5_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        for length in (0..200).chain(4_990..5_000) {
            let payload = &bytes[..length];
            let plain = payload
                .windows(2)
                .filter(|pair| (pair[0] ^ pair[1]) & 0x80 != 0)
                .count();
            assert_eq!(sign_changes(payload), plain as i32, "{length} bytes");
        }
        assert_eq!(sign_changes(&[0x00, 0x80].repeat(2_500)), 4_999);
    }
}
