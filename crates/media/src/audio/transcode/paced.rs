//! A transcoder that is asked for a frame at a time, and told of each stretch what to make of it: decode it, conceal
//! it, leave it silent. What the jitter buffer drives; the order and the time of packets are its matter.

use super::coder::{MAX_PAYLOAD_MS, Reader};
use super::{TranscodeError, Transcoder, Way};
use crate::audio::conceal::Concealer;
use crate::audio::format::AudioFormat;
use crate::audio::level;
use crate::audio::pitch;
use crate::rtp::Ptime;

/// What [`Paced::take`] made of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// How long it lasts. **Units**: ticks of the incoming clock.
    pub(crate) ticks: u32,
    /// By how much it was shortened. **Units**: ticks of the incoming clock.
    pub(crate) shortened: u32,
}

/// A [`Transcoder`] whose gaps are concealed.
///
/// **Cost**: fixed memory; nothing is allocated after [`Paced::new`].
#[derive(Debug)]
pub(crate) struct Paced {
    inner: Transcoder,
    concealer: Concealer,
    /// Ticks of the incoming clock in a sample that is read, at least one: Opus' clock is faster than its samples.
    ticks_per_sample: u32,
    to_hz: u32,
    random: u32,
}

impl Paced {
    /// A transcoder for packets of about `ptime_in`. Allocates, and is the last to.
    ///
    /// **Errors**: as [`Transcoder::new`].
    pub(crate) fn new(
        from: AudioFormat,
        to: AudioFormat,
        ptime_in: Ptime,
        ptime_out: Ptime,
        seed: u32,
    ) -> Result<Paced, TranscodeError> {
        let mut inner = Transcoder::new(from, to, ptime_in, ptime_out)?;
        // Where the bytes would pass as they are, their gaps could not be concealed. G.711 is the same after it was
        // decoded and encoded.
        inner.way = Way::Samples;
        Ok(Paced {
            concealer: Concealer::new(inner.read_hz),
            ticks_per_sample: (from.clock_rate() / inner.read_hz).max(1),
            inner,
            to_hz: to.clock_rate(),
            random: seed | 1,
        })
    }

    /// The peer makes use of Opus' forward error correction: a copy goes with each packet, as for a loss of 5 %.
    #[cfg_attr(not(feature = "opus"), expect(unused_variables, reason = "no Opus"))]
    pub(crate) fn set_fec(&mut self, fec: bool) {
        #[cfg(feature = "opus")]
        if let Some((encoder, _)) = &mut self.inner.opus {
            /// What makes libopus add copies at the bitrates of speech. **Source**: its documentation of
            /// `OPUS_SET_PACKET_LOSS_PERC`; the share itself is a convention.
            const EXPECTED_LOSS_PERCENT: u8 = 5;
            // Refused by no libopus; without it there are no copies, and nothing else changes.
            let _ = encoder.expect_loss(if fec { EXPECTED_LOSS_PERCENT } else { 0 });
        }
    }

    /// Whether no whole frame waits.
    pub(crate) fn is_short(&self) -> bool {
        self.inner.queue.len() < self.inner.frame_bytes
    }

    /// How much audio waits to be a frame.
    pub(crate) fn waiting(&self) -> std::time::Duration {
        let (bytes, frame) = (self.inner.queue.len(), self.inner.frame_bytes.max(1));
        let frame_ms = self.inner.frame_ticks * 1_000 / self.to_hz;
        std::time::Duration::from_micros(bytes as u64 * 1_000 * u64::from(frame_ms) / frame as u64)
    }

    /// Decodes a payload behind what came before. `shorten` asks to leave out a little, where that is not heard.
    ///
    /// **Errors**: the payload is malformed; nothing of it was taken.
    pub(crate) fn take(&mut self, payload: &[u8], shorten: bool) -> Result<Taken, TranscodeError> {
        let ticks = self.inner.reader.ticks(payload)?;
        let count = self.inner.reader.read(payload, &mut self.inner.pcm)?;
        let pcm = self.inner.pcm.get_mut(..count).unwrap_or_default();
        self.concealer.hear(pcm);
        let cut = if shorten {
            shorten_by_a_period(pcm, self.inner.read_hz as usize / 8_000)
        } else {
            0
        };
        self.inner.write(count - cut)?;
        Ok(Taken {
            ticks,
            shortened: cut as u32 * self.ticks_per_sample,
        })
    }

    /// Makes up what was lost before `next`, which holds a copy of it where the format is Opus and its sender added
    /// one. **Units**: ticks of the incoming clock.
    pub(crate) fn recover(&mut self, ticks: u32, next: &[u8]) -> Result<(), TranscodeError> {
        #[cfg(feature = "opus")]
        let count = self.count(ticks);
        #[cfg(feature = "opus")]
        if let Reader::Opus(decoder, _) = &mut self.inner.reader
            && super::opus_packet::duration(next)
                .is_some_and(|lasts| lasts.as_micros() * 48 == u128::from(ticks) * 1_000)
        {
            let pcm = self.inner.pcm.get_mut(..count).unwrap_or_default();
            if decoder.recover(next, pcm).is_ok() {
                self.concealer.hear(pcm);
                return self.inner.write(count);
            }
        }
        let _ = next;
        self.conceal(ticks)
    }

    /// Makes up what was lost: by Opus itself, else by the pitch of what was heard. **Units**: ticks of the incoming
    /// clock.
    pub(crate) fn conceal(&mut self, ticks: u32) -> Result<(), TranscodeError> {
        let mut left = self.count(ticks);
        while left > 0 {
            let count = left.min(self.inner.pcm.len());
            let pcm = self.inner.pcm.get_mut(..count).unwrap_or_default();
            match &mut self.inner.reader {
                Reader::G711(_) | Reader::Pcm16(..) => self.concealer.conceal(pcm),
                #[cfg(feature = "opus")]
                reader @ Reader::Opus(..) => {
                    reader.conceal(pcm);
                    self.concealer.hear(pcm);
                }
            }
            self.inner.write(count)?;
            left -= count;
        }
        Ok(())
    }

    /// Noise where nothing was sent, of `level_dbov`; silence without one. **Units**: ticks of the incoming clock.
    pub(crate) fn rest(
        &mut self,
        ticks: u32,
        level_dbov: Option<f32>,
    ) -> Result<(), TranscodeError> {
        let mut left = self.count(ticks);
        while left > 0 {
            let count = left.min(self.inner.pcm.len());
            let pcm = self.inner.pcm.get_mut(..count).unwrap_or_default();
            match level_dbov {
                Some(dbov) => level::noise(&mut self.random, dbov, pcm),
                None => pcm.fill(0),
            }
            // What was made up of a loss before it runs into it.
            self.concealer.hear(pcm);
            self.inner.write(count)?;
            left -= count;
        }
        Ok(())
    }

    /// The next frame, written into `out`; gives its length, `None` where none is whole or there is no room.
    pub(crate) fn pop(&mut self, out: &mut [u8]) -> Option<usize> {
        self.inner.pop(out).ok().flatten().map(|frame| frame.len)
    }

    fn count(&self, ticks: u32) -> usize {
        (ticks / self.ticks_per_sample) as usize
    }
}

/// The most that is left out at once. **Units**: milliseconds.
const MOST_CUT_MS: usize = 10;

/// How long two stretches are blended. **Units**: milliseconds; a glottal period.
const BLENDED_MS: usize = 5;

/// How alike two stretches must be that one may stand for both, or how soft. **Source**: a convention; 0.7 is what
/// steady vowels and hiss below the line's noise have.
const ALIKE: f32 = 0.7;
const SOFT_DBOV: f32 = -50.0;

/// Leaves out what repeats itself within `pcm`: its beginning is blended into what comes a period later. Gives the count
/// of samples that it is shorter; none where nothing repeats.
///
/// **Units**: `step` is the sample rate over 8 kHz.
fn shorten_by_a_period(pcm: &mut [i16], step: usize) -> usize {
    let ms = 8 * step.max(1);
    let blended = BLENDED_MS * ms;
    let longest = (MOST_CUT_MS * ms).min(pcm.len().saturating_sub(blended));
    let shortest = pitch::SHORTEST * step / 2;
    if longest < shortest {
        return 0;
    }
    let start = pcm.get(..blended).unwrap_or_default();
    let soft = level::rms_dbov(pcm) < SOFT_DBOV;
    let mut best = (f32::MIN, longest);
    for lag in (shortest..=longest).step_by(step.max(1)) {
        let later = pcm.get(lag..lag + blended).unwrap_or_default();
        let score = pitch::likeness(start, later, step);
        if score > best.0 {
            best = (score, lag);
        }
    }
    let (score, lag) = best;
    if score < ALIKE && !soft {
        return 0;
    }
    for index in 0..pcm.len() - lag {
        let later = i32::from(pcm.get(index + lag).copied().unwrap_or(0));
        let Some(sample) = pcm.get_mut(index) else {
            break;
        };
        *sample = if index < blended {
            let (rising, whole) = (index as i32 + 1, blended as i32 + 1);
            ((i32::from(*sample) * (whole - rising) + later * rising) / whole) as i16
        } else {
            later as i16
        };
    }
    lag
}

const _: () = assert!(MAX_PAYLOAD_MS as usize > MOST_CUT_MS + BLENDED_MS);
