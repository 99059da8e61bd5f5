//! WAV's header, as far as it can be converted.

use std::io::Read;

use squelch_media::Format as Law;

use super::format::{Format, RATES};
use super::wrong::Wrong;
use crate::wav::header::{self, A_LAW, HeaderError, MU_LAW, PCM};

/// What a WAV file says before its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) format: Format,
    /// Bytes of samples; `None` where the writer did not know.
    pub(super) length: Option<u64>,
    /// Where the samples begin.
    pub(super) offset: u64,
}

/// Reads up to the samples.
///
/// **Errors**: says at which byte there is something that can't be converted.
pub(super) fn read(file: &mut impl Read) -> Result<Header, Wrong> {
    let header = header::Header::read(file).map_err(|error| match error {
        HeaderError::Read(error) => Wrong::Read(error),
        HeaderError::Bytes { offset, text } => Wrong::at(offset, text),
    })?;
    Ok(Header {
        format: format(&header)?,
        length: header.length,
        offset: header.offset,
    })
}

fn format(header: &header::Header) -> Result<Format, Wrong> {
    let at = header.format_offset;
    if header.channels != 1 {
        let text = format!("{} channels: only one can be converted", header.channels);
        return Err(Wrong::at(at + 2, text));
    }
    match (header.tag, header.bits, header.rate_hz) {
        (PCM, 16, rate_hz) if RATES.contains(&rate_hz) => Ok(Format::Pcm16 {
            rate_hz,
            big_endian: false,
        }),
        (A_LAW, 8, 8_000) => Ok(Format::Law(Law::Pcma)),
        (MU_LAW, 8, 8_000) => Ok(Format::Law(Law::Pcmu)),
        (tag, bits, rate) => Err(Wrong::at(
            at,
            format!(
                "WAV of kind {tag:#06x} with {bits} bits at {rate} Hz can't be read: PCM of 16 bits \
                 at 8, 16, 24 or 48 kHz can, mu-law and A-law at 8 kHz"
            ),
        )),
    }
}

/// The 44 or 58 bytes before the samples; `data` counts their bytes.
pub(super) fn write(format: Format, data: u32) -> Vec<u8> {
    let (tag, bytes) = match format {
        Format::Law(Law::Pcma) => (A_LAW, 1_u16),
        Format::Law(_) => (MU_LAW, 1),
        Format::Pcm16 { .. } => (PCM, 2),
    };
    // Every format but PCM has a count of further bytes, none here, and a fact chunk.
    let (extra, fact) = if tag == PCM { (0_u32, 0) } else { (2, 12) };
    let mut header = Vec::with_capacity(58);
    header.extend(b"RIFF");
    let odd = data % 2;
    header.extend((4 + 8 + 16 + extra + fact + 8 + data + odd).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend((16 + extra).to_le_bytes());
    header.extend(tag.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(format.rate_hz().to_le_bytes());
    header.extend((format.rate_hz() * u32::from(bytes)).to_le_bytes());
    header.extend(bytes.to_le_bytes());
    header.extend((bytes * 8).to_le_bytes());
    if extra > 0 {
        header.extend(0_u16.to_le_bytes());
        header.extend(b"fact");
        header.extend(4_u32.to_le_bytes());
        header.extend((data / u32::from(bytes)).to_le_bytes());
    }
    header.extend(b"data");
    header.extend(data.to_le_bytes());
    header
}
