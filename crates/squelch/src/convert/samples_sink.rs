//! Writing samples into a WAV or raw file.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use super::format::Format;
use super::wav_header;

/// A file of samples that is being written.
pub(super) struct SamplesSink {
    file: BufWriter<File>,
    format: Format,
    wav: bool,
    bytes: Vec<u8>,
    written: u64,
}

impl SamplesSink {
    pub(super) fn new(
        mut file: BufWriter<File>,
        format: Format,
        wav: bool,
    ) -> io::Result<SamplesSink> {
        if wav {
            file.write_all(&wav_header::write(format, 0))?;
        }
        Ok(SamplesSink {
            file,
            format,
            wav,
            bytes: Vec::new(),
            written: 0,
        })
    }

    pub(super) fn write(&mut self, samples: &[i16]) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.format.encode(samples, &mut bytes);
        let wrote = self.write_bytes(&bytes);
        self.bytes = bytes;
        wrote
    }

    /// Writes bytes that are of the sink's format already.
    pub(super) fn write_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        if self.wav && self.written > MAX_WAV {
            let text = "more samples than a WAV file can hold (4 GB); write a raw file";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        self.file.write_all(bytes)
    }

    /// Completes the file; gives the count of bytes of samples.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        if self.wav {
            if self.written % 2 == 1 {
                self.file.write_all(&[0])?;
            }
            self.file.seek(SeekFrom::Start(0))?;
            let length = u32::try_from(self.written).unwrap_or(u32::MAX);
            self.file
                .write_all(&wav_header::write(self.format, length))?;
        }
        self.file.flush()?;
        Ok(self.written)
    }
}

/// What the header's 32 bits can count, with room for the header itself.
const MAX_WAV: u64 = u32::MAX as u64 - 64;
