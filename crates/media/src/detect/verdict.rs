//! Evidence over packets: a cumulative sum for each fault, and which fault it is when one crosses.

use super::clues::Clues;
use super::features::{self, Features};
use super::weigh::{FAULTS, Ratios};
use super::{Fault, Finding, What};
use squelch_g711::{ByteOrder, Law};
use std::time::Duration;

/// The most that one packet says for a fault, and against it. **Units**: nats. The model's own word goes little beyond.
const MOST_FOR: f32 = 12.0;
const MOST_AGAINST: f32 = 8.0;

/// What each packet takes from every sum, so that evidence for nothing in particular leads nowhere.
const DRIFT: f32 = 0.3;

/// Keeps a long fault from needing as long to be over.
const CAP: f32 = 100.0;

/// No packet counts for more when it comes to which fault it is: the model was not trained to tell one in a million.
const MOST_OF_ONE: f32 = 40.0;

/// Where each sum trips, in the order of [`FAULTS`]. **Source**: chosen on the tuning side of the made cases
/// (docs/DETECTOR.md), where good audio is mostly such as lines seldom carry.
const THRESHOLDS: Ratios = [50.0, 14.0, 14.0, 60.0, 14.0, 14.0];

/// For static whose mean lies off zero, as it does unless something behind it takes the mean away.
const OFF_ZERO: f32 = 12.0;

/// So much must the first explain the packets better than the second before it is named; a sum that is over its
/// threshold by more than that waits no longer. **Units**: nats.
const MARGIN: f32 = 6.0;

/// What it counts against static that the packets have the codes of `double_encoded` alone, and against that that they
/// have others: no more than the model's word on a packet or two, for a limiter behind it gives it others. **Units**:
/// nats.
const CODES: f32 = 20.0;

/// Mean over the packets against full scale: the least that counts as off zero.
const MEAN_SHARE: f32 = 0.1;

/// Where `pcm16_as_g711`, `law_mismatch` and `opaque` stand among [`FAULTS`].
const PCM16_AS_G711: usize = 1;
const LAW_MISMATCH: usize = 2;
const OPAQUE: usize = 5;

/// Neighbouring samples more alike than this are no ciphertext, no compressed audio and no text, whatever else the
/// model thinks. **Source**: 0.48 is the 99th percentile of these, 0.88 the median of good audio.
const MOST_ALIKE: f32 = 0.5;

/// The sequential test of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    sums: Ratios,
    /// When each sum last left zero.
    since: [Duration; FAULTS.len()],
    /// The ratios since all sums were zero, uncut: they say which fault it is.
    totals: Ratios,
    clues: Clues,
}

impl Evidence {
    /// Takes what one packet says; the fault that it makes certain, if any.
    pub(super) fn add(
        &mut self,
        at: Duration,
        law: Law,
        payload: &[u8],
        figures: &Features,
        ratios: &Ratios,
        order: f32,
    ) -> Option<Finding> {
        let mut ratios = *ratios;
        if figures[features::ALIKE] > MOST_ALIKE {
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
                clues: Clues::new(payload.len()),
                ..Evidence::default()
            };
            return None;
        }
        let other_law = ratios[LAW_MISMATCH] > 0.0;
        self.clues.add(law, payload, figures, order, other_law);
        for (total, ratio) in self.totals.iter_mut().zip(&ratios) {
            *total += ratio.clamp(-MOST_OF_ONE, MOST_OF_ONE);
        }
        self.decide(at, law)
    }

    /// Takes a packet that is soft PCM16 for certain, and of which the model can say nothing: it has too few
    /// different bytes. Two of them are enough.
    pub(super) fn add_extended(
        &mut self,
        at: Duration,
        law: Law,
        payload: &[u8],
        order: ByteOrder,
    ) -> Option<Finding> {
        let sum = &mut self.sums[PCM16_AS_G711];
        if *sum <= 0.0 {
            self.since[PCM16_AS_G711] = at;
        }
        *sum = (*sum + MOST_FOR).min(CAP);
        self.totals[PCM16_AS_G711] += MOST_OF_ONE;
        self.clues.add_extended(payload, order);
        self.decide(at, law)
    }

    /// The fault that is certain by now, if any.
    fn decide(&self, at: Duration, law: Law) -> Option<Finding> {
        // Before it is acted on: what can be repaired must be better for it.
        let mut order: [usize; FAULTS.len()] = std::array::from_fn(|fault| fault);
        order.sort_unstable_by(|a, b| self.explains(*b).total_cmp(&self.explains(*a)));
        let [best, second, ..] = order;
        let clear = self.explains(best) - self.explains(second) >= MARGIN;
        let waited = match clear {
            true => 0.0,
            false => MARGIN,
        };
        if !(0..FAULTS.len()).any(|fault| self.has_crossed(fault, waited)) {
            return None;
        }
        let strongest = (0..FAULTS.len()).max_by(|a, b| self.sums[*a].total_cmp(&self.sums[*b]))?;
        Some(Finding {
            fault: FAULTS[best],
            variant: self.clues.variant(FAULTS[best], law),
            from: self.since[strongest],
            detected_at: at,
            to: None,
            confidence: 1.0 - (-self.sums[strongest]).exp(),
        })
    }

    /// The finding, by what was heard of it since: bytes that are as they were before they got the wrong label may come
    /// late, for soft sounds have few.
    pub(super) fn refine(&self, finding: &mut Finding) {
        if let What::Transcoded(law) = finding.variant.what
            && self.clues.is_untouched()
        {
            finding.variant.what = What::Law(law);
        }
    }

    /// How well a fault explains the packets, all told; not at all where its repair would not mend them.
    fn explains(&self, fault: usize) -> f32 {
        let told_by_codes = match (FAULTS[fault], self.clues.is_companded_twice()) {
            (Fault::G711AsPcm16, Some(true)) | (Fault::DoubleEncoded, Some(false)) => -CODES,
            _ => 0.0,
        };
        match self.clues.bear_out(FAULTS[fault]) {
            true => self.totals[fault] + told_by_codes,
            false => f32::NEG_INFINITY,
        }
    }

    fn has_crossed(&self, fault: usize, waited: f32) -> bool {
        let off_zero = FAULTS[fault] == Fault::G711AsPcm16 && self.clues.is_off_zero(MEAN_SHARE);
        let most = match off_zero {
            true => OFF_ZERO,
            false => THRESHOLDS[fault],
        };
        self.sums[fault] >= most + waited && self.clues.bear_out(FAULTS[fault])
    }
}
