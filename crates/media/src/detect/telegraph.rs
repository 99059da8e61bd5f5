//! `g711_as_pcm16`: the seed's static.
//!
//! Two G.711 codes read as one PCM16 sample give mostly the second code's byte times 256. G.711's sign is that
//! byte's top bit and its log magnitude the rest, so speech becomes a random telegraph between a value near zero
//! and one near full scale: loud however softly the talker spoke, hardly correlated from sample to sample, and
//! with a mean far off zero. Loud noise shares the first two; it has no such mean. Overdriven speech is as loud;
//! its samples are correlated.
//!
//! Where a peer sends the samples in bursts, each packet holds a few milliseconds of that and silence otherwise.
//!
//! Static behind a filter that takes the mean away is not told from loud noise by this test, and passes.

use super::readings::Shape;
use super::{Evidence, Fault, Finding, Pace, Sum, Variant};
use squelch_g711::Law;
use std::time::Duration;

/// Louder than this is loud. **Units**: mean square on PCM16's scale; -14 dBov. Static measured -11 to -4 dBov,
/// speech -14 at its 95th percentile.
const LOUD: f32 = 4.27e7;
/// Softer than this is silence. **Units**: as above; -50 dBov.
const SILENT: f32 = 1.07e4;
/// Neighbouring samples less alike than this are not speech. Static measured 0.08 to 0.25, speech 0.89.
const UNLIKE: f32 = 0.55;
/// What a packet of static weighs: four in a row, 80 ms, cross the threshold.
const WEIGHT: f32 = 2.5;
const THRESHOLD: f32 = 9.0;
/// A mean this far off zero, over the packets of static so far. **Source**: the gate of 1,500 over 12 packets that
/// made a study's false alarms vanish.
const OFF_ZERO: f32 = 1_500.0;
/// How fast the mean of the packets forgets: about 3 packets.
const MEMORY: f32 = 0.3;

/// In a burst packet at least this share is exactly silent, ...
const BURST_SILENT: f32 = 0.6;
/// ... at most this, ...
const BURST_SILENT_MOST: f32 = 0.98;
/// ... and the rest is this loud. **Units**: mean square of the samples that are not silent; -12 dBov.
const BURST_LOUD: f32 = 6.8e7;
/// Weight of a burst packet: four in a row.
const BURST_WEIGHT: f32 = 2.5;
/// Weight of a packet that is none: pauses of the talker lie between bursts.
const BURST_MISS: f32 = 1.5;

/// The test for static, continuous and in bursts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Telegraph {
    continuous: Sum,
    bursts: Sum,
    mean: f32,
    /// The last packet was a burst.
    burst: bool,
}

impl Telegraph {
    /// Whether the last packet was a burst: silence, but for a few milliseconds near full scale.
    pub(super) fn is_burst(&self) -> bool {
        self.burst
    }

    pub(super) fn observe(
        &mut self,
        at: Duration,
        law: Law,
        payload: &[u8],
        shape: &Shape,
    ) -> Evidence {
        let burst = is_burst(law, payload);
        self.burst = burst;
        self.bursts.add(
            at,
            if burst {
                Evidence::For(BURST_WEIGHT)
            } else {
                Evidence::Against(BURST_MISS)
            },
        );
        let power = shape.variance + shape.mean * shape.mean;
        if burst {
            return Evidence::For(BURST_WEIGHT);
        }
        let evidence = if power < SILENT {
            Evidence::None
        } else if power > LOUD && shape.lag1.abs() < UNLIKE {
            self.mean += (shape.mean - self.mean)
                * if self.continuous.value > 0.0 {
                    MEMORY.max(0.3)
                } else {
                    1.0
                };
            Evidence::For(WEIGHT)
        } else {
            Evidence::Against(WEIGHT)
        };
        self.continuous.add(at, evidence);
        evidence
    }

    pub(super) fn verdict(&self, at: Duration) -> Option<Finding> {
        let continuous = self.continuous.value >= THRESHOLD && self.mean.abs() > OFF_ZERO;
        let (sum, pace) = if continuous {
            (&self.continuous, Pace::Continuous)
        } else if self.bursts.value >= THRESHOLD {
            (&self.bursts, Pace::Bursts)
        } else {
            return None;
        };
        Some(Finding {
            fault: Fault::G711AsPcm16,
            // Neither order nor rate can be told: every second byte is lost, and resampling hides the rate.
            variant: Variant {
                order: None,
                rate_hz: None,
                pace,
            },
            from: sum.since,
            detected_at: at,
            to: None,
            confidence: sum.confidence(),
        })
    }
}

/// Mostly exact silence, and what is not is near full scale.
fn is_burst(law: Law, payload: &[u8]) -> bool {
    let (mut silent, mut power, mut sounding) = (0_u32, 0.0_f32, 0_u32);
    for code in payload {
        let sample = f32::from(law.decode_sample(*code));
        // The smallest magnitudes of either law; resamplers leave a little ringing beside the burst.
        if sample.abs() <= 24.0 {
            silent += 1;
        } else {
            sounding += 1;
            power += sample * sample;
        }
    }
    let share = silent as f32 / payload.len().max(1) as f32;
    (BURST_SILENT..BURST_SILENT_MOST).contains(&share)
        && power / sounding.max(1) as f32 > BURST_LOUD
}
