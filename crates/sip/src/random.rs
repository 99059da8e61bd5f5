//! Tags, branches and Call-IDs from the seed.

use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::message::Via;

/// The endpoint's generator: unguessable with an unguessable seed, repeatable with a fixed one.
#[derive(Debug)]
pub(crate) struct Random(ChaCha20Rng);

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Random(ChaCha20Rng::from_seed(seed))
    }

    /// 128 bits as 32 hex digits: RFC 3261 section 19.3 asks for 32 bits at least.
    pub(crate) fn token(&mut self) -> String {
        let (high, low) = (self.0.next_u64(), self.0.next_u64());
        format!("{high:016x}{low:016x}")
    }

    /// A branch that is unique by itself.
    pub(crate) fn branch(&mut self) -> String {
        format!("{}{}", Via::MAGIC_COOKIE, self.token())
    }

    /// A first CSeq: below 2^31 with room to count (RFC 3261 section 8.1.1.5).
    pub(crate) fn first_cseq(&mut self) -> u32 {
        1 + self.0.next_u32() % 10_000
    }

    /// How long to wait after 491 (RFC 3261 section 14.1): 2.1 to 4 s for whose Call-ID it is, else
    /// 0 to 2 s, in steps of 10 ms.
    pub(crate) fn after_glare(&mut self, owns_call_id: bool) -> Duration {
        let (least, most) = if owns_call_id { (210, 400) } else { (0, 200) };
        let steps = least + self.0.next_u32() % (most - least + 1);
        Duration::from_millis(u64::from(steps) * 10)
    }

    /// A time of at least `least` and at most `most`, in milliseconds.
    pub(crate) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span_ms = most.saturating_sub(least).as_millis() as u64;
        least + Duration::from_millis(self.0.next_u64() % (span_ms + 1))
    }

    /// Seconds for the Retry-After of a 500 (RFC 3261 section 14.2: 0 to 10).
    pub(crate) fn retry_after(&mut self) -> u32 {
        self.0.next_u32() % 11
    }
}
