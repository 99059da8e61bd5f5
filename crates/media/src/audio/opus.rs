//! Opus (RFC 6716), through audiopus: its one door. Cargo feature `opus`.
//!
//! One channel. The caller owns the buffers; nothing is allocated after construction.

use crate::audio::format::SampleRate;
use audiopus::coder::{Decoder as OpusDecoder, Encoder as OpusEncoder};
use audiopus::packet::Packet;
use audiopus::{Application, Bitrate, Channels, MutSignals};

/// What libopus said no to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpusError {
    /// A packet that is empty or that no Opus encoder made.
    Packet,
    /// Samples that are no frame of 2.5, 5, 10, 20, 40 or 60 ms, or room for none.
    Frame,
    /// A setting out of its range.
    Setting,
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
            OpusError::Setting => f.write_str("a setting out of its range"),
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
    /// An encoder at `rate`, with the bitrate that libopus finds right for it and no forward error correction.
    ///
    /// **Errors**: libopus has no memory.
    pub fn new(rate: SampleRate) -> Result<Encoder, OpusError> {
        let encoder = OpusEncoder::new(opus_rate(rate), Channels::Mono, Application::Voip)?;
        Ok(Encoder(encoder))
    }

    /// Sets the bitrate. **Units**: bits a second, 6,000 to 510,000.
    ///
    /// **Errors**: another bitrate.
    pub fn set_bitrate(&mut self, bits_per_second: u32) -> Result<(), OpusError> {
        if !BITRATES.contains(&bits_per_second) {
            return Err(OpusError::Setting);
        }
        let bitrate = Bitrate::BitsPerSecond(bits_per_second as i32);
        Ok(self.0.set_bitrate(bitrate)?)
    }

    /// Sends with each packet a coarse copy of the one before, as the loss that is expected makes worthwhile
    /// (in-band FEC, RFC 6716 section 2.1.7); at 0 % there is none.
    ///
    /// **Errors**: more than 100 %.
    pub fn expect_loss(&mut self, percent: u8) -> Result<(), OpusError> {
        if percent > 100 {
            return Err(OpusError::Setting);
        }
        self.0.set_inband_fec(percent > 0)?;
        Ok(self.0.set_packet_loss_perc(percent)?)
    }

    /// By how much what is decoded comes later than what was encoded. **Units**: samples at the encoder's rate.
    ///
    /// **Errors**: libopus can't say.
    pub fn lookahead_samples(&self) -> Result<u32, OpusError> {
        Ok(self.0.lookahead()?)
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
    pub fn new(rate: SampleRate) -> Result<Decoder, OpusError> {
        Ok(Decoder(OpusDecoder::new(opus_rate(rate), Channels::Mono)?))
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

    /// Decodes a lost packet from the one `next` to it, which holds a copy where its sender expected loss; else the
    /// lost one is concealed. `next` itself is to be decoded after that.
    ///
    /// **Shape**: `pcm` lasts as long as the lost packet.
    ///
    /// **Errors**: as [`Decoder::decode`].
    pub fn recover(&mut self, next: &[u8], pcm: &mut [i16]) -> Result<usize, OpusError> {
        let packet = Packet::try_from(next)?;
        let samples = MutSignals::try_from(pcm)?;
        Ok(self.0.decode(Some(packet), samples, true)?)
    }
}

const fn opus_rate(rate: SampleRate) -> audiopus::SampleRate {
    match rate {
        SampleRate::Hz8000 => audiopus::SampleRate::Hz8000,
        SampleRate::Hz16000 => audiopus::SampleRate::Hz16000,
        SampleRate::Hz24000 => audiopus::SampleRate::Hz24000,
        SampleRate::Hz48000 => audiopus::SampleRate::Hz48000,
    }
}

/// What libopus takes (`OPUS_SET_BITRATE`), less than 6 kbit/s being no speech. **Source**: RFC 6716 section 2.1.1.
const BITRATES: std::ops::RangeInclusive<u32> = 6_000..=510_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level;

    /// A tone of `hz` for 20 ms frames, continuing from frame to frame.
    fn tone(rate: SampleRate, hz: f64, frames: usize) -> Vec<i16> {
        let count = rate.hz() as usize / 50 * frames;
        let step = hz * std::f64::consts::TAU / f64::from(rate.hz());
        (0..count)
            .map(|n| ((n as f64 * step).sin() * 8_000.0) as i16)
            .collect()
    }

    #[test]
    fn a_tone_comes_through_at_every_rate() {
        for rate in SampleRate::ALL {
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
        let mut decoder = Decoder::new(SampleRate::Hz8000).expect("a decoder");
        let mut pcm = [0; 160];
        assert_eq!(decoder.decode(None, &mut pcm), Ok(160));
        assert_eq!(decoder.decode(Some(&[]), &mut pcm), Err(OpusError::Packet));
        // Code 3 with no frame count (RFC 6716 section 3.2.5).
        assert_eq!(
            decoder.decode(Some(&[0x03]), &mut pcm),
            Err(OpusError::Packet)
        );
        let mut encoder = Encoder::new(SampleRate::Hz8000).expect("an encoder");
        let said = encoder.encode(&[0; 161], &mut [0; 1_275]);
        assert_eq!(said, Err(OpusError::Frame));
    }

    /// How alike two pieces of sound are, 1 being the same but for the level.
    fn likeness(a: &[i16], b: &[i16]) -> f64 {
        let product = |a: &[i16], b: &[i16]| -> f64 {
            let pairs = a.iter().zip(b);
            pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        product(a, b) / (product(a, a) * product(b, b)).sqrt()
    }

    /// A tone that another follows: what is concealed goes on with the first, what is recovered changes in time.
    #[test]
    fn a_lost_packet_is_recovered_from_the_next_where_loss_was_expected() {
        let rate = SampleRate::Hz16000;
        let frame = 320;
        let mut sound = tone(rate, 300.0, 20);
        sound.extend(tone(rate, 520.0, 20));
        let hear = |expected_loss, recover: bool| {
            let mut encoder = Encoder::new(rate).expect("an encoder");
            encoder.set_bitrate(24_000).expect("a bitrate");
            encoder.expect_loss(expected_loss).expect("a share");
            let mut decoder = Decoder::new(rate).expect("a decoder");
            let mut packets = Vec::new();
            for pcm in sound.chunks(frame) {
                let mut packet = vec![0; 1_275];
                let length = encoder.encode(pcm, &mut packet).expect("encoded");
                packet.truncate(length);
                packets.push(packet);
            }
            let mut heard = Vec::new();
            for (number, packet) in packets.iter().enumerate() {
                let mut pcm = vec![0; frame];
                // The second packet of the new tone is lost.
                let count = match (number, recover) {
                    (21, true) => decoder.recover(&packets[22], &mut pcm),
                    (21, false) => decoder.decode(None, &mut pcm),
                    _ => decoder.decode(Some(packet), &mut pcm),
                };
                assert_eq!(count, Ok(frame));
                heard.extend(pcm);
            }
            heard[21 * frame..22 * frame].to_vec()
        };
        let sent = {
            let mut encoder = Encoder::new(rate).expect("an encoder");
            encoder.set_bitrate(24_000).expect("a bitrate");
            encoder.expect_loss(20).expect("a share");
            let mut decoder = Decoder::new(rate).expect("a decoder");
            let mut heard = Vec::new();
            for pcm in sound.chunks(frame) {
                let (mut packet, mut out) = ([0; 1_275], vec![0; frame]);
                let length = encoder.encode(pcm, &mut packet).expect("encoded");
                decoder
                    .decode(Some(&packet[..length]), &mut out)
                    .expect("decoded");
                heard.extend(out);
            }
            heard[21 * frame..22 * frame].to_vec()
        };
        let (recovered, concealed) = (hear(20, true), hear(20, false));
        assert!(
            likeness(&recovered, &sent) > 0.9,
            "{}",
            likeness(&recovered, &sent)
        );
        assert!(
            likeness(&recovered, &sent) > likeness(&concealed, &sent) + 0.1,
            "recovered {}, concealed {}",
            likeness(&recovered, &sent),
            likeness(&concealed, &sent)
        );
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let mut encoder = Encoder::new(SampleRate::Hz8000).expect("an encoder");
        assert_eq!(encoder.set_bitrate(5_999), Err(OpusError::Setting));
        assert_eq!(encoder.set_bitrate(u32::MAX), Err(OpusError::Setting));
        assert_eq!(encoder.expect_loss(101), Err(OpusError::Setting));
        assert!(encoder.lookahead_samples().is_ok_and(|samples| samples > 0));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(
            packets in proptest::collection::vec(proptest::collection::vec(0..=255_u8, 0..200), 1..20),
        ) {
            let mut decoder = Decoder::new(SampleRate::Hz8000).expect("a decoder");
            let mut pcm = [0; 960];
            for packet in &packets {
                for result in [decoder.decode(Some(packet), &mut pcm), decoder.recover(packet, &mut pcm)] {
                    proptest::prop_assert!(result.is_err() || result.is_ok_and(|count| count <= 960));
                }
            }
        }
    }
}
