//! Bytes of one format to samples, and samples to bytes.

use super::TranscodeError;
use super::timing::MAX_FILL_MS;
use crate::audio::format::{AudioFormat, SampleRate};
#[cfg(feature = "opus")]
use crate::audio::{opus, opus_packet};
use squelch_g711::{ByteOrder, Law};

/// The longest payload that is taken. **Units**: milliseconds; the longest packet of Opus (RFC 6716 section 2.1.4).
pub(super) const MAX_PAYLOAD_MS: u32 = MAX_FILL_MS;

/// Reads one format.
#[derive(Debug)]
pub(super) enum Reader {
    G711(Law),
    Pcm16(ByteOrder, SampleRate),
    #[cfg(feature = "opus")]
    Opus(opus::Decoder, SampleRate),
}

impl Reader {
    /// A reader; Opus is decoded at `opus_rate`.
    pub(super) fn new(
        format: AudioFormat,
        opus_rate: SampleRate,
    ) -> Result<Reader, TranscodeError> {
        match format {
            AudioFormat::Pcmu => Ok(Reader::G711(Law::Mu)),
            AudioFormat::Pcma => Ok(Reader::G711(Law::A)),
            AudioFormat::Pcm16 { rate, order } => Ok(Reader::Pcm16(order, rate)),
            #[cfg(feature = "opus")]
            AudioFormat::Opus => {
                let decoder = opus::Decoder::new(opus_rate);
                Ok(Reader::Opus(
                    decoder.map_err(|_| TranscodeError::Opus)?,
                    opus_rate,
                ))
            }
            #[cfg(not(feature = "opus"))]
            AudioFormat::Opus => {
                let _ = opus_rate;
                Err(TranscodeError::NoOpus)
            }
        }
    }

    /// How long a payload lasts. **Units**: ticks of the incoming clock.
    ///
    /// **Errors**: it is empty, too long, or ends within a sample; nothing of it was taken.
    pub(super) fn ticks(&self, payload: &[u8]) -> Result<u32, TranscodeError> {
        if payload.is_empty() {
            return Err(TranscodeError::Empty);
        }
        let (ticks, hz) = match self {
            Reader::G711(_) => (payload.len(), 8_000),
            Reader::Pcm16(..) if !payload.len().is_multiple_of(2) => {
                return Err(TranscodeError::OddLength(payload.len()));
            }
            Reader::Pcm16(_, rate) => (payload.len() / 2, rate.hz()),
            #[cfg(feature = "opus")]
            Reader::Opus(..) => (
                opus_packet::duration(payload)
                    .map(|duration| duration.as_micros() as usize * 48 / 1_000)
                    .ok_or(TranscodeError::Opus)?,
                48_000,
            ),
        };
        if ticks > (hz / 1_000 * MAX_PAYLOAD_MS) as usize {
            return Err(TranscodeError::TooLong);
        }
        Ok(ticks as u32)
    }

    /// Decodes a payload; gives the count of samples.
    pub(super) fn read(
        &mut self,
        payload: &[u8],
        pcm: &mut [i16],
    ) -> Result<usize, TranscodeError> {
        let count = match self {
            Reader::G711(law) => {
                let samples = pcm
                    .get_mut(..payload.len())
                    .ok_or(TranscodeError::TooLong)?;
                law.decode(payload, samples);
                payload.len()
            }
            Reader::Pcm16(order, _) => {
                let (pairs, _) = payload.as_chunks::<2>();
                for (to, pair) in pcm.iter_mut().zip(pairs) {
                    *to = match order {
                        ByteOrder::Little => i16::from_le_bytes(*pair),
                        ByteOrder::Big => i16::from_be_bytes(*pair),
                    };
                }
                pairs.len()
            }
            #[cfg(feature = "opus")]
            Reader::Opus(decoder, _) => decoder
                .decode(Some(payload), pcm)
                .map_err(|_| TranscodeError::Opus)?,
        };
        Ok(count)
    }

    /// What to put where packets are missing: samples made up for the loss, silence where nothing can be.
    pub(super) fn conceal(&mut self, missing: &mut [i16]) {
        missing.fill(0);
        #[cfg(feature = "opus")]
        if let Reader::Opus(decoder, rate) = self {
            // What is no multiple of 2.5 ms stays silent: libopus conceals in such steps. So does a refusal.
            let _ = super::conceal::conceal(decoder, rate.hz(), missing);
        }
    }
}

/// Writes samples as bytes that lie in wait: those of the outgoing format, or of PCM16 where Opus is made of them
/// a frame at a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Writer {
    G711(Law),
    Pcm16(ByteOrder),
}

impl Writer {
    pub(super) fn new(format: AudioFormat) -> Writer {
        match format {
            AudioFormat::Pcmu => Writer::G711(Law::Mu),
            AudioFormat::Pcma => Writer::G711(Law::A),
            AudioFormat::Pcm16 { order, .. } => Writer::Pcm16(order),
            AudioFormat::Opus => Writer::Pcm16(ByteOrder::Little),
        }
    }

    pub(super) const fn sample_bytes(self) -> usize {
        match self {
            Writer::G711(_) => 1,
            Writer::Pcm16(_) => 2,
        }
    }

    /// Fills `bytes` with silence.
    pub(super) fn silence(self, bytes: &mut [u8]) {
        bytes.fill(match self {
            Writer::G711(law) => law.silence(),
            Writer::Pcm16(_) => 0,
        });
    }

    /// **Shape**: `bytes` has [`Writer::sample_bytes`] for each of `pcm`.
    pub(super) fn write(self, pcm: &[i16], bytes: &mut [u8]) {
        match self {
            Writer::G711(law) => law.encode(pcm, bytes),
            Writer::Pcm16(order) => {
                let (pairs, _) = bytes.as_chunks_mut::<2>();
                for (pair, sample) in pairs.iter_mut().zip(pcm) {
                    *pair = match order {
                        ByteOrder::Little => sample.to_le_bytes(),
                        ByteOrder::Big => sample.to_be_bytes(),
                    };
                }
            }
        }
    }
}
