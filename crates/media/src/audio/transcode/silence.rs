//! Comfort silence: a frame of nothing, in any format.

use super::TranscodeError;
use super::coder::Writer;
use crate::audio::format::AudioFormat;
use crate::rtp::Ptime;

/// A frame of silence, made once.
#[derive(Clone, Debug)]
pub struct Silence(Box<[u8]>);

impl Silence {
    /// Silence of `ptime`: 0xFF in mu-law, 0xD5 in A-law, zeros in PCM16, and in Opus what an encoder makes of
    /// silence that has lasted.
    ///
    /// **Errors**: Opus is not built in, or has no frame of `ptime`.
    pub fn new(format: AudioFormat, ptime: Ptime) -> Result<Silence, TranscodeError> {
        if format == AudioFormat::Opus {
            return opus_silence(ptime);
        }
        let mut frame = vec![0; format.frame_bytes(ptime)];
        Writer::new(format).silence(&mut frame);
        Ok(Silence(frame.into()))
    }

    /// The frame.
    pub fn frame(&self) -> &[u8] {
        &self.0
    }

    /// Writes the frame into `out`; gives its length, `None` if there is no room.
    pub fn fill(&self, out: &mut [u8]) -> Option<usize> {
        out.get_mut(..self.0.len())?.copy_from_slice(&self.0);
        Some(self.0.len())
    }
}

#[cfg(feature = "opus")]
fn opus_silence(ptime: Ptime) -> Result<Silence, TranscodeError> {
    use crate::audio::format::SampleRate;
    use crate::audio::opus::Encoder;
    /// The encoder's filters have settled by then.
    const FRAMES: usize = 5;
    super::check_opus_ptime(ptime)?;
    let mut encoder = Encoder::new(SampleRate::Hz48000).map_err(|_| TranscodeError::Opus)?;
    let pcm = vec![0; ptime.samples(48_000)];
    let mut packet = vec![0; AudioFormat::Opus.frame_bytes(ptime)];
    let mut length = 0;
    for _ in 0..FRAMES {
        length = encoder
            .encode(&pcm, &mut packet)
            .map_err(|_| TranscodeError::Opus)?;
    }
    packet.truncate(length);
    Ok(Silence(packet.into()))
}

#[cfg(not(feature = "opus"))]
fn opus_silence(_: Ptime) -> Result<Silence, TranscodeError> {
    Err(TranscodeError::NoOpus)
}
