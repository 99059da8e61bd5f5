//! What the stand-in makes of the audio it is sent: a buffer clock and a plain voice detector.

use super::session::AudioFormat;
use crate::sound::Law;

/// The input audio buffer of a session.
///
/// Where G.711 is misread as PCM16 at 24 kHz, six seconds of the call are one second of the
/// buffer: `audio_start_ms` then grows at a sixth of the clock.
#[derive(Debug, Default)]
pub(super) struct Listener {
    /// How much audio was written, in ticks of 24 kHz.
    written_ticks: u64,
    speaking: bool,
    quiet_ticks: u64,
}

/// The caller began or ceased to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpeechChange {
    Started { audio_start_ms: u64 },
    Stopped { audio_end_ms: u64 },
}

impl Listener {
    /// Takes in a payload of `law` that the session reads as `format`.
    pub(super) fn hear(
        &mut self,
        law: Law,
        payload: &[u8],
        format: AudioFormat,
    ) -> Option<SpeechChange> {
        let (samples, ticks_per_sample): (Vec<i16>, u64) = match format {
            AudioFormat::G711(read_as) => {
                debug_assert!(read_as == law || read_as == law.other());
                (read_as.decode_all(payload), 3)
            }
            AudioFormat::Pcm24k => {
                let pairs = payload.as_chunks::<2>().0;
                (
                    pairs.iter().map(|&pair| i16::from_le_bytes(pair)).collect(),
                    1,
                )
            }
        };
        let lasting = samples.len() as u64 * ticks_per_sample;
        let began = self.written_ticks;
        self.written_ticks += lasting;
        let loud = mean_magnitude(&samples) > VOICE_MAGNITUDE;
        match (self.speaking, loud) {
            (false, true) => {
                self.speaking = true;
                self.quiet_ticks = 0;
                let start = began.saturating_sub(PREFIX_PADDING_TICKS);
                Some(SpeechChange::Started {
                    audio_start_ms: start / TICKS_PER_MS,
                })
            }
            (true, true) => {
                self.quiet_ticks = 0;
                None
            }
            (true, false) => {
                self.quiet_ticks += lasting;
                if self.quiet_ticks < SILENCE_TICKS {
                    return None;
                }
                self.speaking = false;
                Some(SpeechChange::Stopped {
                    audio_end_ms: self.written_ticks / TICKS_PER_MS,
                })
            }
            (false, false) => None,
        }
    }
}

fn mean_magnitude(samples: &[i16]) -> u32 {
    let sum: u32 = samples.iter().map(|s| u32::from(s.unsigned_abs())).sum();
    sum / samples.len().max(1) as u32
}

const TICKS_PER_MS: u64 = 24;
/// About -36 dBFS.
const VOICE_MAGNITUDE: u32 = 500;
/// `prefix_padding_ms` of server_vad, by default.
const PREFIX_PADDING_TICKS: u64 = 300 * TICKS_PER_MS;
/// `silence_duration_ms` of server_vad, by default.
const SILENCE_TICKS: u64 = 500 * TICKS_PER_MS;

#[cfg(test)]
mod tests {
    use super::*;

    /// The `audio_start_ms` of two talkspurts six seconds apart.
    fn starts(format: AudioFormat) -> Vec<u64> {
        let loud = Law::Mu.encode_all(&[8_000; 160]);
        let quiet = [Law::Mu.silence(); 160];
        let mut listener = Listener::default();
        let mut starts = Vec::new();
        for packet in 0..650 {
            let payload = if packet % 300 < 20 { &loud[..] } else { &quiet };
            let change = listener.hear(Law::Mu, payload, format);
            if let Some(SpeechChange::Started { audio_start_ms }) = change {
                starts.push(audio_start_ms);
            }
        }
        starts
    }

    #[test]
    fn the_buffers_clock_runs_at_a_sixth_where_g711_is_misread() {
        assert_eq!(starts(AudioFormat::G711(Law::Mu)), [0, 5_700, 11_700]);
        let misread = starts(AudioFormat::Pcm24k);
        assert_eq!(misread[2] - misread[1], 1_000, "{misread:?}");
    }
}
