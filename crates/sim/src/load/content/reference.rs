//! What is sent, or what the far end is expected to play: decoded once, for all calls.

use std::ops::Range;
use std::time::Duration;

use squelch_media::Format;
use squelch_media::detect::{Fault, Packet, Watch};

use super::codes::{decode, magnitude, with_magnitude};
use super::mark::{Chip, QUIET, SLOT};
use crate::sound::Law;

/// The audio that one or many calls are compared with.
///
/// **Cost**: about 3.3 bytes a sample; made once, shared by reference.
#[derive(Debug, Clone)]
pub struct Reference {
    samples: Vec<i16>,
    /// Every fourth sample of a low-passed copy: what is searched first.
    pub(super) coarse: Vec<f32>,
    /// What each slot's chip is read with: the sign of its sample and of the chip, over the step of its code.
    weights: Vec<f32>,
    /// For each frame of 20 ms: is somebody heard?
    voiced: Vec<bool>,
    first_word: Option<Range<usize>>,
    faults: Vec<Fault>,
    loops: bool,
}

impl Reference {
    /// From payloads of G.711, each with the place of its first sample on the stream's RTP clock, counted from the
    /// first packet's. Gaps are silence; what comes twice counts once; what lies beyond [`MAX`] is left out.
    pub fn from_packets<'a>(
        law: Law,
        packets: impl IntoIterator<Item = (u64, &'a [u8])>,
    ) -> Reference {
        let mut codes: Vec<u8> = Vec::new();
        let mut watch = Watch::new(format(law).law());
        let mut faults = Vec::new();
        for (position, payload) in packets {
            let Ok(start) = usize::try_from(position) else {
                continue;
            };
            let end = start.saturating_add(payload.len()).min(MAX);
            if start >= end {
                continue;
            }
            let packet = Packet {
                at: Duration::from_micros(125 * start as u64),
                numbers: None,
                payload,
            };
            if let Some(found) = watch.observe(packet).as_ref().and_then(|c| c.found())
                && !faults.contains(&found.fault)
            {
                faults.push(found.fault);
            }
            if codes.len() < end {
                codes.resize(end, law.silence());
            }
            if let Some(place) = codes.get_mut(start..end) {
                place.copy_from_slice(payload.get(..end - start).unwrap_or_default());
            }
        }
        // Whole frames: slots and frames then begin anew with the reference.
        codes.resize(codes.len().next_multiple_of(FRAME), law.silence());
        Reference::from_codes(law, &codes, faults)
    }

    fn from_codes(law: Law, codes: &[u8], faults: Vec<Fault>) -> Reference {
        let samples: Vec<i16> = codes.iter().map(|code| decode(law, *code)).collect();
        let voiced = voiced(&samples);
        Reference {
            coarse: coarse(&samples),
            weights: weights(law, codes),
            first_word: first_word(&voiced),
            voiced,
            samples,
            faults,
            loops: false,
        }
    }

    /// The same, sent again and again.
    pub fn looped(mut self) -> Reference {
        self.loops = !self.samples.is_empty();
        self
    }

    /// How long it is. **Units**: samples at 8 kHz, whole frames of 20 ms.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// How long somebody is heard in it.
    pub fn speech(&self) -> Duration {
        FRAME_TIME * self.voiced.iter().filter(|v| **v).count() as u32
    }

    /// When somebody is first heard in it.
    pub fn first_word_at(&self) -> Option<Duration> {
        let first = self.first_word.as_ref()?;
        Some(FRAME_TIME * first.start as u32)
    }

    /// Faults that the detector finds in it already: no call can be blamed for them.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// A place on its clock as an index into it; none before its beginning and after its end.
    pub(super) fn index(&self, position: i64) -> Option<usize> {
        let length = self.samples.len() as i64;
        let within = match self.loops {
            true => position.rem_euclid(length.max(1)),
            false => position,
        };
        (0..length).contains(&within).then_some(within as usize)
    }

    pub(super) fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// Whether somebody is heard in the frame of 20 ms.
    pub(super) fn is_voiced(&self, frame: usize) -> bool {
        self.voiced.get(frame).copied().unwrap_or(false)
    }

    /// The weight of a slot's chip; 0 where nothing is written.
    pub(super) fn weight(&self, slot: usize) -> f32 {
        self.weights.get(slot).copied().unwrap_or(0.0)
    }

    /// The frames of the first word.
    pub(super) fn first_word(&self) -> Option<Range<usize>> {
        self.first_word.clone()
    }
}

/// The same law in the media crate's words.
pub(super) const fn format(law: Law) -> Format {
    match law {
        Law::Mu => Format::Pcmu,
        Law::A => Format::Pcma,
    }
}

/// A quarter of the rate, each sample the mean of four: speech has most of its power under 1 kHz.
pub(super) fn coarse(samples: &[i16]) -> Vec<f32> {
    let mean = |four: &[i16]| four.iter().map(|s| f32::from(*s)).sum::<f32>() / COARSE as f32;
    samples.chunks(COARSE).map(mean).collect()
}

fn weights(law: Law, codes: &[u8]) -> Vec<f32> {
    let slots = codes.len() as u64 / SLOT;
    (0..slots)
        .map(|slot| {
            let chip = Chip::at(slot);
            let code = codes.get(chip.position as usize).copied();
            let code = code.unwrap_or(law.silence());
            let was = magnitude(law, code);
            if was < QUIET {
                return 0.0;
            }
            let here = f32::from(decode(law, code));
            let quieter = f32::from(decode(law, with_magnitude(law, code, was - 1)));
            let step = here - quieter;
            if chip.up { 1.0 / step } else { -1.0 / step }
        })
        .collect()
}

/// Frames that are within 30 dB of the loudest one, and more than nothing.
fn voiced(samples: &[i16]) -> Vec<bool> {
    let power = |frame: &[i16]| {
        let sum: f64 = frame.iter().map(|s| f64::from(*s).powi(2)).sum();
        sum / frame.len() as f64
    };
    let powers: Vec<f64> = samples.chunks(FRAME).map(power).collect();
    let loudest = powers.iter().copied().fold(0.0, f64::max);
    let least = (loudest / 1_000.0).max(LEAST_RMS * LEAST_RMS);
    powers.into_iter().map(|power| power >= least).collect()
}

/// From the first frame that begins a run of speech, for [`FIRST_WORD`] frames.
fn first_word(voiced: &[bool]) -> Option<Range<usize>> {
    let onset = voiced
        .windows(5)
        .position(|next| next.first() == Some(&true) && next.iter().filter(|v| **v).count() >= 4)?;
    Some(onset..(onset + FIRST_WORD).min(voiced.len()))
}

/// **Units**: samples; 20 ms.
pub(super) const FRAME: usize = 160;
pub(super) const FRAME_TIME: Duration = Duration::from_millis(20);
/// The decimation of what is searched first.
pub(super) const COARSE: usize = 4;
/// Ten minutes: with its tables 16 MB.
pub const MAX: usize = 4_800_000;
/// 400 ms: a short word.
const FIRST_WORD: usize = 20;
/// -55 dB under full scale: line noise lies below, quiet speech above.
const LEAST_RMS: f64 = 58.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// A second of silence, then a second of a tone that swells, as codes in packets of 20 ms.
    fn packets(law: Law) -> Vec<(u64, Vec<u8>)> {
        let sample = |n: u64| match n {
            0..8_000 => 0,
            _ => ((n as f64 * 0.3).sin() * 8_000.0) as i16,
        };
        (0..100)
            .map(|i| {
                let codes = (160 * i..160 * (i + 1)).map(|n| law.encode(sample(n)));
                (160 * i, codes.collect())
            })
            .collect()
    }

    fn reference(packets: &[(u64, Vec<u8>)]) -> Reference {
        Reference::from_packets(Law::Mu, packets.iter().map(|(at, p)| (*at, &p[..])))
    }

    #[test]
    fn the_first_word_begins_where_somebody_is_heard() {
        let made = reference(&packets(Law::Mu));
        assert_eq!(made.len(), 16_000);
        assert_eq!(made.first_word(), Some(50..70));
        assert_eq!(made.speech(), Duration::from_secs(1));
        assert!(made.faults().is_empty());
    }

    #[test]
    fn a_packet_that_is_missing_leaves_silence() {
        let mut sent = packets(Law::Mu);
        sent.remove(60);
        let made = reference(&sent);
        assert_eq!(made.len(), 16_000);
        assert!(!made.is_voiced(60) && made.is_voiced(61));
    }

    #[test]
    fn a_hostile_position_costs_no_memory() {
        let payload = [0_u8; 160];
        let made = Reference::from_packets(Law::A, [(u64::MAX - 3, &payload[..]), (0, &payload)]);
        assert_eq!(made.len(), 160);
    }

    #[test]
    fn a_reference_that_loops_has_no_end() {
        let made = reference(&packets(Law::Mu));
        assert_eq!((made.index(-1), made.index(16_000)), (None, None));
        let made = made.looped();
        assert_eq!(
            (made.index(-1), made.index(16_005)),
            (Some(15_999), Some(5))
        );
    }
}
