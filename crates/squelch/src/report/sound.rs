//! Samples as a WAV inside the page, so that a report can be heard.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longer tracks are shown and not embedded: the file would grow past what a mail carries.
pub(super) const MAX_SECONDS: usize = 120;

/// The data URI of the samples, or None where the track is too long.
pub(super) fn data_uri(samples: &[i16], rate_hz: u32) -> Option<String> {
    if samples.is_empty() || samples.len() > MAX_SECONDS * rate_hz as usize {
        return None;
    }
    let data_bytes = samples.len() as u32 * 2;
    let mut wav = Vec::with_capacity(44 + data_bytes as usize);
    wav.extend(b"RIFF");
    wav.extend((36 + data_bytes).to_le_bytes());
    // Chunk of 16 bytes: PCM, one channel, rate, bytes a second, bytes a frame, bits a sample.
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(rate_hz.to_le_bytes());
    wav.extend((rate_hz * 2).to_le_bytes());
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(data_bytes.to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    Some(format!("data:audio/wav;base64,{}", STANDARD.encode(wav)))
}
