//! The static of the seed, made the way it comes about.

use super::{Down3, Law};

/// Takes G.711 bytes for PCM16 at 24 kHz, little endian, and encodes what comes out as G.711
/// again: the bytes of one second become a sixth of a second of static.
#[derive(Debug, Clone, Default)]
pub struct Misreader {
    /// The first byte of a sample whose second has not come yet.
    half: Option<u8>,
    resampler: Down3,
}

impl Misreader {
    /// Reads one more byte; every sixth gives one code of `law`.
    pub fn push(&mut self, law: Law, byte: u8) -> Option<u8> {
        let Some(low) = self.half.take() else {
            self.half = Some(byte);
            return None;
        };
        let sample = i16::from_le_bytes([low, byte]);
        self.resampler.push(sample).map(|s| law.encode(s))
    }

    /// All of `bytes` at once.
    pub fn run(&mut self, law: Law, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().filter_map(|&b| self.push(law, b)).collect()
    }
}

/// PCM16 samples as bytes, little endian: what is sent raw when `audio/pcm` is taken for G.711.
pub fn pcm16_bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_bytes_become_one_code() {
        let bytes: Vec<u8> = (0..4_800_u32).map(|i| (i * 37 % 256) as u8).collect();
        assert_eq!(Misreader::default().run(Law::Mu, &bytes).len(), 800);
    }

    #[test]
    fn silence_misread_stays_silent() {
        // 0xFFFF is -1: a pause in the talk is a pause in the static.
        let out = Misreader::default().run(Law::Mu, &[0xFF; 960]);
        assert!(out.iter().all(|&code| Law::Mu.decode(code).abs() < 16));
    }
}
