//! `pcm16_as_g711`: PCM16 sent as if it were G.711.
//!
//! Read as PCM16 such a payload is smooth audio that takes few bits a byte; read as G.711 it is noise. On G.711
//! it is the other way round, by a wide margin, so the difference of the two is the test.

use super::readings;
use super::{ByteOrder, Evidence, Fault, Finding, Pace, Sum, Variant};
use std::time::Duration;

/// What PCM16 must gain over G.711 before it counts. **Units**: bits a byte. **Source**: a study's threshold, at
/// which speech never came near an alarm in 5.6 hours.
const MARGIN_BITS: f32 = 0.6;
/// What one packet may say at most, either way. **Source**: the same study.
const MOST_FOR: f32 = 3.0;
const MOST_AGAINST: f32 = 2.0;
/// **Source**: the same study.
const THRESHOLD: f32 = 8.0;
/// The usual payload before any was heard: 20 ms of G.711.
const USUAL_BYTES: usize = 160;

/// The test for PCM16 under a G.711 label.
#[derive(Clone, Copy, Debug)]
pub(super) struct Misread {
    sum: Sum,
    /// Bits by which little-endian was longer than big-endian, over the packets of the fault.
    little_less_big: f32,
    /// The payload size while the stream was G.711, and now.
    usual_bytes: usize,
    bytes: usize,
}

impl Default for Misread {
    fn default() -> Misread {
        Misread {
            sum: Sum::default(),
            little_less_big: 0.0,
            usual_bytes: USUAL_BYTES,
            bytes: USUAL_BYTES,
        }
    }
}

impl Misread {
    pub(super) fn observe(&mut self, at: Duration, payload: &[u8], labelled_bits: f32) -> Evidence {
        let (little, big) = readings::as_pcm16(payload);
        let gain = (labelled_bits - little.min(big) - MARGIN_BITS).clamp(-MOST_AGAINST, MOST_FOR);
        let evidence = if gain > 0.0 {
            Evidence::For(gain)
        } else {
            Evidence::Against(-gain)
        };
        if gain > 0.0 {
            // Shifted by a byte, the wrong order looks almost as good: the packets vote.
            self.little_less_big += little - big;
            self.bytes = payload.len();
        } else {
            self.usual_bytes = payload.len();
        }
        self.sum.add(at, evidence);
        evidence
    }

    pub(super) fn verdict(&self, at: Duration) -> Option<Finding> {
        if self.sum.value < THRESHOLD {
            return None;
        }
        // Payloads that grew by as much as PCM16 needs say the rate, and that everything arrives in time.
        let grown = [(2, 8_000), (4, 16_000), (6, 24_000)]
            .into_iter()
            .find(|(times, _)| self.bytes == times * self.usual_bytes)
            .map(|(_, rate_hz)| rate_hz);
        Some(Finding {
            fault: Fault::Pcm16AsG711,
            variant: Variant {
                order: Some(if self.little_less_big <= 0.0 {
                    ByteOrder::Little
                } else {
                    ByteOrder::Big
                }),
                rate_hz: grown,
                pace: if grown.is_some() {
                    Pace::RealTime
                } else {
                    Pace::Continuous
                },
            },
            from: self.sum.since,
            detected_at: at,
            to: None,
            confidence: self.sum.confidence(),
        })
    }

    /// Forgets the evidence, not the sizes.
    pub(super) fn reset(&mut self) {
        self.sum = Sum::default();
        self.little_less_big = 0.0;
    }
}
