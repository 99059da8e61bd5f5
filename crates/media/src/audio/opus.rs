//! Opus (RFC 6716), through audiopus: its one door. Cargo feature `opus`.
//!
//! One channel. The caller owns the buffers; nothing is allocated after construction.

use audiopus::coder::{Decoder as OpusDecoder, Encoder as OpusEncoder};
use audiopus::packet::Packet;
use audiopus::{Application, Channels, MutSignals, SampleRate};

/// A rate that Opus runs at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// 8 kHz, telephone band.
    Hz8000,
    /// 16 kHz.
    Hz16000,
    /// 24 kHz.
    Hz24000,
    /// 48 kHz, full band.
    Hz48000,
}

impl Rate {
    /// All of them.
    pub const ALL: [Rate; 4] = [Rate::Hz8000, Rate::Hz16000, Rate::Hz24000, Rate::Hz48000];

    /// **Units**: Hz.
    pub const fn hz(self) -> u32 {
        self.opus() as u32
    }

    const fn opus(self) -> SampleRate {
        match self {
            Rate::Hz8000 => SampleRate::Hz8000,
            Rate::Hz16000 => SampleRate::Hz16000,
            Rate::Hz24000 => SampleRate::Hz24000,
            Rate::Hz48000 => SampleRate::Hz48000,
        }
    }
}

/// What libopus said no to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpusError {
    /// A packet that is empty or that no Opus encoder made.
    Packet,
    /// Samples that are no frame of 2.5, 5, 10, 20, 40 or 60 ms, or room for none.
    Frame,
    /// Anything else, in libopus' words.
    Library(String),
}

impl std::fmt::Display for OpusError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OpusError::Packet => f.write_str("no Opus packet"),
            OpusError::Frame => f.write_str(
                "an Opus frame lasts 2.5, 5, 10, 20, 40 or 60 ms, and needs room for it",
            ),
            OpusError::Library(text) => write!(f, "libopus: {text}"),
        }
    }
}

impl std::error::Error for OpusError {}

impl From<audiopus::Error> for OpusError {
    fn from(error: audiopus::Error) -> OpusError {
        use audiopus::ErrorCode;
        match &error {
            audiopus::Error::Opus(ErrorCode::InvalidPacket) | audiopus::Error::EmptyPacket => {
                OpusError::Packet
            }
            audiopus::Error::Opus(ErrorCode::BadArgument | ErrorCode::BufferTooSmall) => {
                OpusError::Frame
            }
            _ => OpusError::Library(error.to_string()),
        }
    }
}

/// PCM16 to Opus packets, tuned for speech.
#[derive(Debug)]
pub struct Encoder(OpusEncoder);

impl Encoder {
    /// An encoder at `rate`.
    ///
    /// **Errors**: libopus has no memory.
    pub fn new(rate: Rate) -> Result<Encoder, OpusError> {
        let encoder = OpusEncoder::new(rate.opus(), Channels::Mono, Application::Voip)?;
        Ok(Encoder(encoder))
    }

    /// Encodes one frame; gives the packet's length in `packet`.
    ///
    /// **Shape**: `pcm` lasts 2.5, 5, 10, 20, 40 or 60 ms; 1,275 bytes hold any packet of one frame.
    ///
    /// **Errors**: no such frame, or no room for the packet.
    pub fn encode(&mut self, pcm: &[i16], packet: &mut [u8]) -> Result<usize, OpusError> {
        Ok(self.0.encode(pcm, packet)?)
    }
}

/// Opus packets to PCM16.
#[derive(Debug)]
pub struct Decoder(OpusDecoder);

impl Decoder {
    /// A decoder at `rate`, whatever rate the packets were made at.
    ///
    /// **Errors**: libopus has no memory.
    pub fn new(rate: Rate) -> Result<Decoder, OpusError> {
        Ok(Decoder(OpusDecoder::new(rate.opus(), Channels::Mono)?))
    }

    /// Decodes one packet, or conceals a lost one (`None`) for as long as `pcm` lasts; gives the count of
    /// samples written.
    ///
    /// **Errors**: no Opus packet, or no room in `pcm` for what it holds.
    pub fn decode(&mut self, packet: Option<&[u8]>, pcm: &mut [i16]) -> Result<usize, OpusError> {
        let packet = packet.map(Packet::try_from).transpose()?;
        let samples = MutSignals::try_from(pcm)?;
        Ok(self.0.decode(packet, samples, false)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level;

    /// A tone of `hz` for 20 ms frames, continuing from frame to frame.
    fn tone(rate: Rate, hz: f64, frames: usize) -> Vec<i16> {
        let count = rate.hz() as usize / 50 * frames;
        let step = hz * std::f64::consts::TAU / f64::from(rate.hz());
        (0..count)
            .map(|n| ((n as f64 * step).sin() * 8_000.0) as i16)
            .collect()
    }

    #[test]
    fn a_tone_comes_through_at_every_rate() {
        for rate in Rate::ALL {
            let frame = rate.hz() as usize / 50;
            let mut encoder = Encoder::new(rate).expect("an encoder");
            let mut decoder = Decoder::new(rate).expect("a decoder");
            let mut heard = Vec::new();
            for pcm in tone(rate, 400.0, 50).chunks(frame) {
                let (mut packet, mut out) = ([0; 1_275], vec![0; frame]);
                let length = encoder.encode(pcm, &mut packet).expect("encoded");
                assert!(length < frame, "{length} bytes for {frame} samples");
                let count = decoder.decode(Some(&packet[..length]), &mut out);
                assert_eq!(count, Ok(frame));
                heard.extend(out);
            }
            // Zero crossings tell the tone's pitch; the first frames are the codec's delay.
            let settled = &heard[10 * frame..];
            let crossings = settled.windows(2).filter(|w| (w[0] < 0) != (w[1] < 0));
            let seconds = settled.len() as f64 / f64::from(rate.hz());
            let pitch = crossings.count() as f64 / 2.0 / seconds;
            assert!((pitch - 400.0).abs() < 10.0, "{rate:?}: {pitch} Hz");
            let level = level::rms_dbov(settled);
            assert!((-18.0..-13.0).contains(&level), "{rate:?}: {level} dBov");
        }
    }

    #[test]
    fn a_lost_packet_is_concealed_and_nonsense_is_refused() {
        let mut decoder = Decoder::new(Rate::Hz8000).expect("a decoder");
        let mut pcm = [0; 160];
        assert_eq!(decoder.decode(None, &mut pcm), Ok(160));
        assert_eq!(decoder.decode(Some(&[]), &mut pcm), Err(OpusError::Packet));
        // Code 3 with no frame count (RFC 6716 section 3.2.5).
        assert_eq!(
            decoder.decode(Some(&[0x03]), &mut pcm),
            Err(OpusError::Packet)
        );
        let mut encoder = Encoder::new(Rate::Hz8000).expect("an encoder");
        let said = encoder.encode(&[0; 161], &mut [0; 1_275]);
        assert_eq!(said, Err(OpusError::Frame));
    }
}
