//! WAV's header: hound reads neither G.711 in it nor a file as long as it takes.

use std::io::{self, Read};

use squelch_media::Format as Law;

use super::format::{Format, RATES};
use super::wrong::Wrong;

/// What a WAV file says before its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) format: Format,
    /// Bytes of samples; `None` where the writer did not know.
    pub(super) length: Option<u64>,
    /// Where the samples begin.
    pub(super) offset: u64,
}

/// Reads chunks up to the samples.
pub(super) fn read(file: &mut impl Read) -> Result<Header, Wrong> {
    let mut at = 0;
    let mut take = |bytes: &mut [u8], at: &mut u64| -> Result<(), Wrong> {
        file.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Wrong::at(*at, "the WAV header ends here"),
            _ => Wrong::Read(error),
        })?;
        *at += bytes.len() as u64;
        Ok(())
    };
    let mut riff = [0; 12];
    take(&mut riff, &mut at)?;
    if !riff.starts_with(b"RIFF") || !riff.ends_with(b"WAVE") {
        return Err(Wrong::at(
            0,
            "no WAV file: it does not begin with RIFF and WAVE",
        ));
    }
    let mut format = None;
    // A file has a handful of chunks before its samples; one with more is no audio file.
    for _ in 0..MAX_CHUNKS {
        let mut head = [0; 8];
        take(&mut head, &mut at)?;
        let [n0, n1, n2, n3, l0, l1, l2, l3] = head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        match &[n0, n1, n2, n3] {
            b"fmt " => {
                let start = at;
                let mut body = [0; 40];
                let known = body.len().min(length as usize);
                take(body.get_mut(..known).unwrap_or_default(), &mut at)?;
                skip(length.saturating_sub(40) + length % 2, &mut take, &mut at)?;
                format = Some(parse(&body, start)?);
            }
            b"data" => {
                let Some(format) = format else {
                    return Err(Wrong::at(at - 8, "the samples come before their format"));
                };
                // Writers into a pipe do not know the length.
                let known = length != 0 && length != u32::MAX;
                return Ok(Header {
                    format,
                    length: known.then_some(u64::from(length)),
                    offset: at,
                });
            }
            _ => skip(length.saturating_add(length % 2), &mut take, &mut at)?,
        }
    }
    Err(Wrong::at(at, "no samples among so many chunks"))
}

fn skip(
    mut count: u32,
    take: &mut impl FnMut(&mut [u8], &mut u64) -> Result<(), Wrong>,
    at: &mut u64,
) -> Result<(), Wrong> {
    let mut waste = [0; 512];
    while count > 0 {
        let now = waste.len().min(count as usize);
        take(waste.get_mut(..now).unwrap_or_default(), at)?;
        count -= now as u32;
    }
    Ok(())
}

fn parse(body: &[u8; 40], at: u64) -> Result<Format, Wrong> {
    let word = |place: usize| {
        let pair = body.get(place..place + 2).unwrap_or(&[0, 0]);
        u16::from_le_bytes([pair[0], pair[1]])
    };
    let rate_hz = u32::from(word(4)) | u32::from(word(6)) << 16;
    let tag = match word(0) {
        // The true tag stands at the front of the subformat's GUID.
        EXTENSIBLE => word(24),
        tag => tag,
    };
    if word(2) != 1 {
        let text = format!("{} channels: only one can be converted", word(2));
        return Err(Wrong::at(at + 2, text));
    }
    match (tag, word(14), rate_hz) {
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
        Format::Law(Law::Pcmu) => (MU_LAW, 1_u16),
        Format::Law(Law::Pcma) => (A_LAW, 1),
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

/// Tags of RFC 2361.
const PCM: u16 = 0x0001;
const A_LAW: u16 = 0x0006;
const MU_LAW: u16 = 0x0007;
const EXTENSIBLE: u16 = 0xFFFE;
const MAX_CHUNKS: usize = 1_000;
