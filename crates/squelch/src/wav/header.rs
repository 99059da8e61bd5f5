//! A WAV file's header: hound reads neither G.711 in it nor a file as long as it takes.

use std::io::{self, Read};

/// What a WAV file says before its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The format's tag (RFC 2361), out of the GUID where it is extensible.
    pub(crate) tag: u16,
    pub(crate) channels: u16,
    pub(crate) rate_hz: u32,
    pub(crate) bits: u16,
    /// Where the format is told.
    pub(crate) format_offset: u64,
    /// Bytes of samples; `None` where the writer did not know.
    pub(crate) length: Option<u64>,
    /// Where the samples begin.
    pub(crate) offset: u64,
}

/// Why a header can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeaderError {
    /// The system says so.
    #[error("{0}")]
    Read(io::Error),
    /// Its bytes are not what they should be.
    #[error("at byte {offset}: {text}")]
    Bytes { offset: u64, text: &'static str },
}

impl Header {
    /// Reads chunks up to the samples.
    pub(crate) fn read(file: &mut impl Read) -> Result<Header, HeaderError> {
        let mut chunks = Chunks { file, at: 0 };
        let mut riff = [0; 12];
        let known = chunks.take(&mut riff);
        if !riff.starts_with(b"RIFF") || known.is_ok() && !riff.ends_with(b"WAVE") {
            return Err(wrong(
                0,
                "no WAV file: it does not begin with RIFF and WAVE",
            ));
        }
        known?;
        let mut format = None;
        // A file has a handful of chunks before its samples; one with more is no audio file.
        for _ in 0..MAX_CHUNKS {
            let mut head = [0; 8];
            chunks.take(&mut head)?;
            let [n0, n1, n2, n3, l0, l1, l2, l3] = head;
            let length = u32::from_le_bytes([l0, l1, l2, l3]);
            match &[n0, n1, n2, n3] {
                b"fmt " => {
                    let start = chunks.at;
                    let mut body = [0; 40];
                    let known = body.len().min(length as usize);
                    chunks.take(body.get_mut(..known).unwrap_or_default())?;
                    chunks.skip(length.saturating_sub(40) + length % 2)?;
                    format = Some((body, start));
                }
                b"data" => {
                    let Some((body, start)) = format else {
                        return Err(wrong(chunks.at - 8, "the samples come before their format"));
                    };
                    return Ok(Header::of(&body, start, length, chunks.at));
                }
                _ => chunks.skip(length.saturating_add(length % 2))?,
            }
        }
        Err(wrong(chunks.at, "no samples among so many chunks"))
    }

    fn of(body: &[u8; 40], format_offset: u64, length: u32, offset: u64) -> Header {
        let word = |place: usize| {
            let pair = body.get(place..place + 2).unwrap_or(&[0, 0]);
            u16::from_le_bytes([pair[0], pair[1]])
        };
        // Writers into a pipe do not know the length.
        let known = length != 0 && length != u32::MAX;
        Header {
            tag: match word(0) {
                // The true tag stands at the front of the subformat's GUID.
                EXTENSIBLE => word(24),
                tag => tag,
            },
            channels: word(2),
            rate_hz: u32::from(word(4)) | u32::from(word(6)) << 16,
            bits: word(14),
            format_offset,
            length: known.then_some(u64::from(length)),
            offset,
        }
    }
}

/// The header of one channel of PCM16.
pub(crate) fn of_pcm16(rate_hz: u32, data_bytes: u32) -> Vec<u8> {
    let mut header = b"RIFF".to_vec();
    header.extend(data_bytes.saturating_add(36).to_le_bytes());
    // Chunk of 16 bytes: PCM, one channel, rate, bytes a second, bytes a frame, bits a sample.
    header.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    header.extend(rate_hz.to_le_bytes());
    header.extend(rate_hz.saturating_mul(2).to_le_bytes());
    header.extend([2, 0, 16, 0]);
    header.extend(b"data");
    header.extend(data_bytes.to_le_bytes());
    header
}

/// The bytes, and how many there were.
struct Chunks<'a, R> {
    file: &'a mut R,
    at: u64,
}

impl<R: Read> Chunks<'_, R> {
    fn take(&mut self, bytes: &mut [u8]) -> Result<(), HeaderError> {
        self.file
            .read_exact(bytes)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => wrong(self.at, "the WAV header ends here"),
                _ => HeaderError::Read(error),
            })?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn skip(&mut self, mut count: u32) -> Result<(), HeaderError> {
        let mut waste = [0; 512];
        while count > 0 {
            let now = waste.len().min(count as usize);
            self.take(waste.get_mut(..now).unwrap_or_default())?;
            count -= now as u32;
        }
        Ok(())
    }
}

fn wrong(offset: u64, text: &'static str) -> HeaderError {
    HeaderError::Bytes { offset, text }
}

/// Tags of RFC 2361.
pub(crate) const PCM: u16 = 0x0001;
/// G.711 A-law.
pub(crate) const A_LAW: u16 = 0x0006;
/// G.711 mu-law.
pub(crate) const MU_LAW: u16 = 0x0007;
const EXTENSIBLE: u16 = 0xFFFE;
const MAX_CHUNKS: usize = 1_000;
