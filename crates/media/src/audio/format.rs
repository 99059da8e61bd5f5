//! Formats of audio bytes: every one that squelch converts.
//!
//! A leg may speak fewer, [`crate::Format`].

use crate::Format;
use crate::rtp::Ptime;
use squelch_g711::ByteOrder;
use std::fmt;

/// A sample rate that squelch converts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SampleRate {
    /// 8 kHz, the telephone's.
    Hz8000,
    /// 16 kHz.
    Hz16000,
    /// 24 kHz, that of PCM16 at OpenAI.
    Hz24000,
    /// 48 kHz, the clock of Opus.
    Hz48000,
}

impl SampleRate {
    /// All of them, lowest first.
    pub const ALL: [SampleRate; 4] = [
        SampleRate::Hz8000,
        SampleRate::Hz16000,
        SampleRate::Hz24000,
        SampleRate::Hz48000,
    ];

    /// **Units**: Hz.
    pub const fn hz(self) -> u32 {
        match self {
            SampleRate::Hz8000 => 8_000,
            SampleRate::Hz16000 => 16_000,
            SampleRate::Hz24000 => 24_000,
            SampleRate::Hz48000 => 48_000,
        }
    }
}

/// Encoding and rate of payload bytes. One channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AudioFormat {
    /// G.711 mu-law at 8 kHz.
    Pcmu,
    /// G.711 A-law at 8 kHz.
    Pcma,
    /// Linear samples of 16 bits; L16 (RFC 3551 section 4.5.11) is big-endian.
    Pcm16 {
        /// Sample rate, and RTP clock rate.
        rate: SampleRate,
        /// Which byte of a sample comes first.
        order: ByteOrder,
    },
    /// Opus (RFC 6716), its RTP clock at 48 kHz whatever it holds (RFC 7587 section 4.1). Cargo feature `opus`.
    Opus,
}

impl AudioFormat {
    /// The sample rate; that of Opus is its full band's. **Units**: Hz.
    pub const fn sample_rate(self) -> SampleRate {
        match self {
            AudioFormat::Pcmu | AudioFormat::Pcma => SampleRate::Hz8000,
            AudioFormat::Pcm16 { rate, .. } => rate,
            AudioFormat::Opus => SampleRate::Hz48000,
        }
    }

    /// The RTP clock rate. **Units**: Hz.
    pub const fn clock_rate(self) -> u32 {
        self.sample_rate().hz()
    }

    /// Bytes of one sample; `None` for Opus, which has no such size.
    pub const fn sample_bytes(self) -> Option<usize> {
        match self {
            AudioFormat::Pcmu | AudioFormat::Pcma => Some(1),
            AudioFormat::Pcm16 { .. } => Some(2),
            AudioFormat::Opus => None,
        }
    }

    /// Bytes that hold any frame of `ptime`: exactly its size, but for Opus, where it is the most (RFC 6716
    /// section 3.4, R2: 1,275 bytes a frame).
    pub const fn frame_bytes(self, ptime: Ptime) -> usize {
        match self.sample_bytes() {
            Some(bytes) => bytes * ptime.samples(self.clock_rate()),
            // No frame of squelch's lasts over 60 ms, three frames of 20 ms to libopus, and two bytes a length.
            None => 3 * (1_275 + 2) + 2,
        }
    }
}

impl From<Format> for AudioFormat {
    fn from(format: Format) -> AudioFormat {
        match format {
            Format::Pcmu => AudioFormat::Pcmu,
            Format::Pcma => AudioFormat::Pcma,
            Format::L16(rate) => AudioFormat::Pcm16 {
                rate,
                order: ByteOrder::Big,
            },
            Format::Opus => AudioFormat::Opus,
        }
    }
}

impl fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AudioFormat::Pcmu => f.write_str("pcmu"),
            AudioFormat::Pcma => f.write_str("pcma"),
            AudioFormat::Pcm16 { rate, order } => {
                let order = match order {
                    ByteOrder::Little => "le",
                    ByteOrder::Big => "be",
                };
                write!(f, "pcm16{order} {}", rate.hz())
            }
            AudioFormat::Opus => f.write_str("opus"),
        }
    }
}
