//! Evidence over packets: a cumulative sum for each fault, and which fault it is when one crosses.

use super::features::Features;
use super::finding::{Pace, Variant, What};
use super::weigh::{FAULTS, Ratios};
use super::{Fault, Finding};
use squelch_g711::{ByteOrder, Law};
use std::time::Duration;

/// The most that one packet says for a fault, and against it. **Units**: nats.
const MOST_FOR: f32 = 4.0;
const MOST_AGAINST: f32 = 4.0;

/// What each packet takes from every sum, so that evidence for nothing in particular leads nowhere.
const DRIFT: f32 = 0.3;

/// Keeps a long fault from needing as long to be over.
const CAP: f32 = 60.0;

/// No packet counts for more when it comes to which fault it is: the model was not trained to tell one in a million.
const MOST_OF_ONE: f32 = 40.0;

/// Where each sum trips, in the order of [`FAULTS`]. **Source**: chosen by looking at the sums of good audio on both
/// sides of the made cases (docs/DETECTOR.md); white noise and screams can go beyond the first and the fourth.
const THRESHOLDS: Ratios = [60.0, 12.0, 18.0, 40.0, 30.0, 20.0];

/// For static whose mean lies off zero, as it does unless something behind it takes the mean away: three packets.
const OFF_ZERO: f32 = 11.0;

/// Mean over the packets against full scale: the least that counts as off zero. **Source**: the gate that parted
/// static from overdriven speech best, of four that were tried on the judging side.
const MEAN_SHARE: f32 = 0.1;

/// Where `opaque` stands among [`FAULTS`].
const OPAQUE: usize = 5;

/// Neighbouring samples more alike than this are no ciphertext, no compressed audio and no text, whatever else the
/// model thinks. **Source**: 0.48 is the 99th percentile of these, 0.88 the median of good audio.
const MOST_ALIKE: f32 = 0.5;

/// The payload size before any was heard: 20 ms of G.711.
const USUAL_BYTES: usize = 160;

/// The sequential test of one stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    sums: Ratios,
    /// When each sum last left zero.
    since: [Duration; FAULTS.len()],
    /// The ratios since all sums were zero, uncut: they say which fault it is.
    totals: Ratios,
    /// Of the packets that count towards `totals`: how many, how many in bursts, how many of text, and by how many
    /// bits little-endian was longer than big-endian.
    packets: u32,
    bursts: u32,
    texts: u32,
    little_less_big: f32,
    /// Sum of the packets' means, against full scale.
    means: f32,
    /// The payload size while the stream was good, and now.
    usual_bytes: usize,
    bytes: usize,
}

impl Default for Evidence {
    fn default() -> Evidence {
        Evidence {
            sums: Ratios::default(),
            since: Default::default(),
            totals: Ratios::default(),
            packets: 0,
            bursts: 0,
            texts: 0,
            little_less_big: 0.0,
            means: 0.0,
            usual_bytes: USUAL_BYTES,
            bytes: USUAL_BYTES,
        }
    }
}

impl Evidence {
    /// Takes what one packet says; the fault that it makes certain, if any.
    pub(super) fn add(
        &mut self,
        at: Duration,
        law: Law,
        bytes: usize,
        little_less_big: f32,
        figures: &Features,
        ratios: &Ratios,
    ) -> Option<Finding> {
        let mut ratios = *ratios;
        if figures[super::features::ALIKE] > MOST_ALIKE {
            ratios[OPAQUE] = ratios[OPAQUE].min(0.0);
        }
        for ((sum, since), ratio) in self.sums.iter_mut().zip(&mut self.since).zip(&ratios) {
            if *sum <= 0.0 {
                *since = at;
            }
            *sum = (*sum + ratio.clamp(-MOST_AGAINST, MOST_FOR) - DRIFT).clamp(0.0, CAP);
        }
        if self.sums.iter().all(|sum| *sum <= 0.0) {
            *self = Evidence {
                usual_bytes: bytes,
                bytes,
                ..Evidence::default()
            };
            return None;
        }
        self.bytes = bytes;
        self.packets += 1;
        self.bursts += u32::from(figures[super::features::BURST] > 0.5);
        self.texts += u32::from(figures[super::features::PRINTABLE] > 0.9);
        self.little_less_big += little_less_big;
        self.means += mean(figures);
        for (total, ratio) in self.totals.iter_mut().zip(&ratios) {
            *total += ratio.clamp(-MOST_OF_ONE, MOST_OF_ONE);
        }
        let off_zero =
            self.means.abs() > MEAN_SHARE * self.packets as f32 || self.bursts * 2 > self.packets;
        let crossed = self
            .sums
            .iter()
            .zip(&THRESHOLDS)
            .enumerate()
            .any(|(index, (sum, most))| {
                *sum >= *most || (index == 0 && off_zero && *sum >= OFF_ZERO)
            });
        if !crossed {
            return None;
        }
        let best = (0..FAULTS.len()).max_by(|a, b| self.totals[*a].total_cmp(&self.totals[*b]))?;
        let strongest = (0..FAULTS.len()).max_by(|a, b| self.sums[*a].total_cmp(&self.sums[*b]))?;
        Some(Finding {
            fault: FAULTS[best],
            variant: self.variant(FAULTS[best], law),
            from: self.since[strongest],
            detected_at: at,
            to: None,
            confidence: 1.0 - (-self.sums[strongest]).exp(),
        })
    }

    fn variant(&self, fault: Fault, law: Law) -> Variant {
        let many = |count: u32| count * 2 > self.packets;
        let mut variant = Variant {
            what: What::Pcm16,
            order: None,
            rate_hz: None,
            pace: Pace::Continuous,
        };
        match fault {
            Fault::G711AsPcm16 if many(self.bursts) => variant.pace = Pace::Bursts,
            Fault::Pcm16AsG711 => {
                // Shifted by a byte, the wrong order looks almost as good: the packets vote.
                variant.order = Some(match self.little_less_big <= 0.0 {
                    true => ByteOrder::Little,
                    false => ByteOrder::Big,
                });
                // Payloads that grew by as much as PCM16 needs say the rate, and that everything arrives in time.
                variant.rate_hz = [(2, 8_000), (4, 16_000), (6, 24_000)]
                    .into_iter()
                    .find(|(times, _)| self.bytes == times * self.usual_bytes)
                    .map(|(_, rate_hz)| rate_hz);
                if variant.rate_hz.is_some() {
                    variant.pace = Pace::RealTime;
                }
            }
            Fault::LawMismatch => {
                variant.what = What::Law(match law {
                    Law::Mu => Law::A,
                    Law::A => Law::Mu,
                });
            }
            Fault::DoubleEncoded => variant.what = What::Companded,
            Fault::Opaque if many(self.texts) => variant.what = What::Text,
            Fault::Opaque => variant.what = What::Binary,
            _ => {}
        }
        variant
    }
}

/// The mean of a packet against full scale, from the shares of the eighths of the range.
fn mean(figures: &Features) -> f32 {
    let levels = figures.iter().skip(super::features::LEVELS);
    let middles = [-0.875, -0.625, -0.375, -0.125, 0.125, 0.375, 0.625, 0.875];
    levels
        .zip(middles)
        .map(|(share, middle)| share * middle)
        .sum()
}
