//! One WAV file: each of its channels shown to a listener as packets of G.711 codes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use squelch_call::observe::{self, Codes};
use squelch_media::Format;

use super::capture::{InspectError, Inspected};
use crate::convert::Pipe;
use crate::wav::header::{A_LAW, Header, HeaderError, MU_LAW, PCM};

/// Why a WAV file can't be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum WavError {
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("at byte {offset}: {text}")]
    Bytes { offset: u64, text: String },
}

/// Whether a file is to be read as WAV: by its first bytes, or since its name says so.
pub(super) fn is_wav(path: &Path, first: &[u8]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    first == b"RIFF" || extension.is_some_and(|extension| extension.eq_ignore_ascii_case("wav"))
}

/// Listens to the whole file.
pub(super) fn inspect(file: File, talk_due: bool) -> Inspected {
    let mut wav = match Wav::open(file) {
        Ok(wav) => wav,
        Err(error) => return Inspected::failed(error),
    };
    let mut recordings: Vec<observe::Recording> = (1..=wav.header.channels)
        .map(|channel| observe::Recording::new(channel, wav.format, wav.codes, talk_due))
        .collect();
    let read = wav.each_packet(|packet| {
        if let Some(recording) = recordings.get_mut(packet.index) {
            recording.handle_packet(packet.codes);
        }
    });
    Inspected {
        streams: recordings
            .into_iter()
            .map(observe::Recording::finish)
            .collect(),
        errors: read.err().into_iter().collect(),
        ..Inspected::default()
    }
}

/// Twenty milliseconds of one channel; the last may be shorter.
pub(super) struct WavPacket<'a> {
    /// The channel, counted from 0.
    pub(super) index: usize,
    /// When it begins.
    pub(super) at: Duration,
    pub(super) codes: &'a [u8],
}

/// A WAV file as far as its header.
pub(super) struct Wav {
    file: BufReader<File>,
    header: Header,
    /// What its codes are.
    pub(super) format: Format,
    codes: Codes,
}

impl Wav {
    /// Reads the header.
    ///
    /// **Errors**: it is no WAV file, or one that can't be listened to.
    pub(super) fn open(file: File) -> Result<Wav, InspectError> {
        let mut file = BufReader::new(file);
        let header = Header::read(&mut file).map_err(|error| match error {
            HeaderError::Read(error) => InspectError::File(error),
            error => InspectError::Wav(error.into()),
        })?;
        let refused =
            |offset: u64, text: String| InspectError::Wav(WavError::Bytes { offset, text });
        let at = header.format_offset;
        let linear = header.tag == PCM;
        let format = match (header.tag, header.bits) {
            // Linear samples are in no law; mu-law is the nearer to them.
            (PCM, 16) | (MU_LAW, 8) => Format::Pcmu,
            (A_LAW, 8) => Format::Pcma,
            (tag, bits) => {
                let text = format!(
                    "WAV of kind {tag:#06x} with {bits} bits can't be listened to: linear of 16 \
                     bits can, mu-law and A-law"
                );
                return Err(refused(at, text));
            }
        };
        if !(1..=MAX_CHANNELS).contains(&header.channels) {
            let text = format!(
                "{} channels: one or two can be listened to",
                header.channels
            );
            return Err(refused(at + 2, text));
        }
        let codes = match (header.rate_hz, linear) {
            (8_000, true) => Codes::FromLinear,
            (8_000, false) => Codes::AsStored,
            (rate_hz, _) => {
                let sane = RATES_HZ.contains(&rate_hz);
                if !sane || Pipe::new(rate_hz, 8_000).is_err() {
                    let text = format!("samples at {rate_hz} Hz can't be brought to 8000 Hz");
                    return Err(refused(at + 4, text));
                }
                Codes::Resampled
            }
        };
        Ok(Wav {
            file,
            header,
            format,
            codes,
        })
    }

    /// Hands each packet of each channel to `take`.
    ///
    /// **Errors**: the file ends before its header says; what there was has been handed over.
    pub(super) fn each_packet(
        &mut self,
        mut take: impl FnMut(WavPacket<'_>),
    ) -> Result<(), InspectError> {
        let sample_bytes = usize::from(self.header.bits / 8);
        let frame_bytes = sample_bytes * usize::from(self.header.channels);
        let mut channels = Vec::new();
        for index in 0..usize::from(self.header.channels) {
            channels.push(Channel::new(self, index)?);
        }
        let mut block = vec![0; BLOCK_FRAMES * frame_bytes];
        let (mut offset, mut left) = (self.header.offset, self.header.length);
        let ended = loop {
            let most = left.unwrap_or(u64::MAX).min(block.len() as u64) as usize;
            let filled = fill(&mut self.file, block.get_mut(..most).unwrap_or_default())?;
            offset += filled as u64;
            let bytes = block.get(..filled).unwrap_or_default();
            for (index, channel) in channels.iter_mut().enumerate() {
                let samples = bytes
                    .chunks_exact(frame_bytes)
                    .filter_map(|frame| frame.chunks_exact(sample_bytes).nth(index));
                channel.push(samples, &mut take)?;
            }
            left = left.map(|left| left.saturating_sub(filled as u64));
            if filled < most || left == Some(0) || filled == 0 {
                break filled % frame_bytes;
            }
        };
        for channel in channels {
            channel.finish(&mut take)?;
        }
        let text = match (left, ended) {
            (Some(left), _) if left > 0 => {
                format!("the file ends here; its header says {left} bytes more")
            }
            (_, 1..) => "the samples end within a sample".into(),
            _ => return Ok(()),
        };
        Err(InspectError::Wav(WavError::Bytes { offset, text }))
    }
}

/// As many bytes as there are, up to all that have room.
fn fill(file: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = room.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// One channel on its way into packets of codes at 8 kHz.
struct Channel {
    index: usize,
    format: Format,
    /// None where the file holds the codes.
    pipe: Option<Pipe>,
    linear: bool,
    samples: Vec<i16>,
    resampled: Vec<i16>,
    codes: Vec<u8>,
    packets: u32,
}

impl Channel {
    fn new(wav: &Wav, index: usize) -> Result<Channel, InspectError> {
        let pipe = match wav.codes {
            Codes::AsStored => None,
            Codes::FromLinear | Codes::Resampled => Some(
                Pipe::new(wav.header.rate_hz, 8_000)
                    .map_err(|error| InspectError::File(io::Error::other(error)))?,
            ),
        };
        Ok(Channel {
            index,
            format: wav.format,
            pipe,
            linear: wav.header.tag == PCM,
            samples: Vec::new(),
            resampled: Vec::new(),
            codes: Vec::new(),
            packets: 0,
        })
    }

    fn push<'a>(
        &mut self,
        samples: impl Iterator<Item = &'a [u8]>,
        take: &mut impl FnMut(WavPacket<'_>),
    ) -> Result<(), InspectError> {
        let law = self.format.law();
        let Some(pipe) = &mut self.pipe else {
            self.codes.extend(samples.flatten());
            self.give(PACKET, take);
            return Ok(());
        };
        self.samples.clear();
        self.samples.extend(samples.map(|sample| match *sample {
            [low, high] if self.linear => i16::from_le_bytes([low, high]),
            [code, ..] => law.decode_sample(code),
            [] => 0,
        }));
        self.resampled.clear();
        pipe.push(&self.samples, &mut self.resampled)
            .map_err(|error| InspectError::File(io::Error::other(error)))?;
        self.encode();
        self.give(PACKET, take);
        Ok(())
    }

    fn finish(mut self, take: &mut impl FnMut(WavPacket<'_>)) -> Result<(), InspectError> {
        if let Some(pipe) = self.pipe.take() {
            self.resampled.clear();
            pipe.finish(&mut self.resampled)
                .map_err(|error| InspectError::File(io::Error::other(error)))?;
            self.encode();
            self.give(PACKET, take);
        }
        self.give(1, take);
        Ok(())
    }

    fn encode(&mut self) {
        let start = self.codes.len();
        self.codes.resize(start + self.resampled.len(), 0);
        let codes = self.codes.get_mut(start..).unwrap_or_default();
        self.format.law().encode(&self.resampled, codes);
    }

    /// Gives whole packets; a rest of at least `least` codes too.
    fn give(&mut self, least: usize, take: &mut impl FnMut(WavPacket<'_>)) {
        let mut given = 0;
        for codes in self.codes.chunks(PACKET) {
            if codes.len() < least {
                break;
            }
            take(WavPacket {
                index: self.index,
                at: PACKET_TIME * self.packets,
                codes,
            });
            self.packets = self.packets.saturating_add(1);
            given += codes.len();
        }
        self.codes.drain(..given);
    }
}

/// What is read at once.
const BLOCK_FRAMES: usize = 16 * 1024;
/// The samples of 20 ms, as telephony packs them.
const PACKET: usize = 160;
const PACKET_TIME: Duration = Duration::from_millis(20);
/// Recorders of calls give each side a channel.
const MAX_CHANNELS: u16 = 2;
/// Rates at which sound is recorded; a header can claim any.
const RATES_HZ: std::ops::RangeInclusive<u32> = 6_000..=192_000;
