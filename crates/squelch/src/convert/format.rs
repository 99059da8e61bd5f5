//! What a file holds.

use std::fmt;
use std::path::Path;

use squelch_media::Format as Law;

/// What a file holds: samples, or packets that samples come out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One after the other, each as many bytes.
    Samples(Format),
    /// Opus in Ogg (RFC 7845).
    Opus,
}

impl Kind {
    /// Reads `opus` and what [`Format::parse`] reads.
    ///
    /// **Errors**: says what can be had.
    pub fn parse(text: &str) -> Result<Kind, String> {
        match text {
            "opus" => Ok(Kind::Opus),
            text => Format::parse(text).map(Kind::Samples),
        }
    }

    /// What a file's name says; a WAV file's says nothing.
    pub(super) fn of_name(path: &Path) -> Option<Kind> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "ul" | "ulaw" | "pcmu" => Some(Kind::Samples(Format::Law(Law::Pcmu))),
            "al" | "alaw" | "pcma" => Some(Kind::Samples(Format::Law(Law::Pcma))),
            "opus" | "ogg" => Some(Kind::Opus),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Samples(format) => format.fmt(f),
            Kind::Opus => f.write_str("opus"),
        }
    }
}

/// Encoding and rate of a file's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// G.711, 8 kHz.
    Law(Law),
    /// PCM16.
    Pcm16 {
        /// **Units**: Hz.
        rate_hz: u32,
        /// Bytes with the upper one first.
        big_endian: bool,
    },
}

impl Format {
    /// Reads `pcmu`, `pcma`, `pcm16`, `pcm16@24000`, `pcm16be@8000`.
    ///
    /// **Errors**: says what can be had.
    pub fn parse(text: &str) -> Result<Format, String> {
        let (name, rate) = match text.split_once('@') {
            Some((name, rate)) => (name, Some(rate)),
            None => (text, None),
        };
        let law = |law: Law| match rate {
            None | Some("8000") => Ok(Format::Law(law)),
            Some(_) => Err(format!("{name} has 8000 samples a second")),
        };
        let pcm16 = |big_endian| {
            let rate_hz = rate.map_or(Ok(8_000), str::parse);
            match rate_hz {
                Ok(rate_hz) if RATES.contains(&rate_hz) => Ok(Format::Pcm16 {
                    rate_hz,
                    big_endian,
                }),
                _ => Err("the rate must be 8000, 16000, 24000 or 48000".to_owned()),
            }
        };
        match name {
            "pcmu" => law(Law::Pcmu),
            "pcma" => law(Law::Pcma),
            "pcm16" | "pcm16le" => pcm16(false),
            "pcm16be" => pcm16(true),
            _ => Err("pcmu, pcma, pcm16, pcm16@RATE, pcm16be@RATE or opus".into()),
        }
    }

    /// **Units**: Hz.
    pub(super) fn rate_hz(self) -> u32 {
        match self {
            Format::Law(law) => law.clock_rate(),
            Format::Pcm16 { rate_hz, .. } => rate_hz,
        }
    }

    /// Bytes of one sample.
    pub(super) fn sample_bytes(self) -> usize {
        match self {
            Format::Law(_) => 1,
            Format::Pcm16 { .. } => 2,
        }
    }

    /// Appends the samples of `bytes`, whose count is whole.
    pub(super) fn decode(self, bytes: &[u8], samples: &mut Vec<i16>) {
        match self {
            Format::Law(law) => {
                let start = samples.len();
                samples.resize(start + bytes.len(), 0);
                if let Some(new) = samples.get_mut(start..) {
                    law.law().decode(bytes, new);
                }
            }
            Format::Pcm16 { big_endian, .. } => {
                let (pairs, _) = bytes.as_chunks();
                samples.extend(pairs.iter().map(|pair| match big_endian {
                    true => i16::from_be_bytes(*pair),
                    false => i16::from_le_bytes(*pair),
                }));
            }
        }
    }

    /// Appends the bytes of `samples`.
    pub(super) fn encode(self, samples: &[i16], bytes: &mut Vec<u8>) {
        match self {
            Format::Law(law) => {
                let start = bytes.len();
                bytes.resize(start + samples.len(), 0);
                if let Some(new) = bytes.get_mut(start..) {
                    law.law().encode(samples, new);
                }
            }
            Format::Pcm16 { big_endian, .. } => {
                bytes.extend(samples.iter().flat_map(|sample| match big_endian {
                    true => sample.to_be_bytes(),
                    false => sample.to_le_bytes(),
                }));
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Format::Law(law) => f.write_str(law.name()),
            Format::Pcm16 {
                rate_hz,
                big_endian,
            } => {
                let be = if *big_endian { "be" } else { "" };
                write!(f, "pcm16{be}@{rate_hz}")
            }
        }
    }
}

/// Whether a file of this name is WAV.
pub(super) fn is_wav(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("wav"))
}

/// What the resampler is measured at.
pub(super) const RATES: [u32; 4] = [8_000, 16_000, 24_000, 48_000];
