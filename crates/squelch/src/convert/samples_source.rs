//! Reading samples from a WAV or raw file.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::format::{Format, Kind, is_wav};
use super::wav_header;
use super::wrong::Wrong;

/// A file of samples.
pub(super) struct SamplesSource {
    file: BufReader<File>,
    pub(super) format: Format,
    /// The file's length, for the bar.
    pub(super) bytes: u64,
    offset: u64,
    /// Bytes of samples that are still to come, where a header says.
    left: Option<u64>,
    buffer: Vec<u8>,
    samples: Vec<i16>,
}

impl SamplesSource {
    /// Opens a file; `asked` is what the command line or its name says that it holds.
    pub(super) fn open(path: &Path, asked: Option<Format>) -> Result<SamplesSource, Wrong> {
        let file = File::open(path).map_err(Wrong::Read)?;
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        let mut file = BufReader::new(file);
        let (format, left, offset) = if is_wav(path) {
            let header = wav_header::read(&mut file)?;
            match asked {
                Some(asked) if asked != header.format => {
                    let (found, asked) = (Kind::Samples(header.format), Kind::Samples(asked));
                    return Err(Wrong::Contradiction { found, asked });
                }
                _ => (header.format, header.length, header.offset),
            }
        } else {
            let format = asked;
            (format.ok_or(Wrong::Unknown)?, None, 0)
        };
        Ok(SamplesSource {
            file,
            format,
            bytes,
            offset,
            left,
            buffer: vec![0; BLOCK],
            samples: Vec::with_capacity(BLOCK),
        })
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.offset
    }

    /// The next samples; none at the end.
    ///
    /// **Errors**: the file is shorter than its header says, or ends within a sample.
    pub(super) fn next(&mut self) -> Result<&[i16], Wrong> {
        let filled = self.fill()?;
        self.samples.clear();
        let bytes = self.buffer.get(..filled).unwrap_or_default();
        self.format.decode(bytes, &mut self.samples);
        Ok(&self.samples)
    }

    /// The next bytes as they are, whole samples of them; none at the end.
    pub(super) fn next_bytes(&mut self) -> Result<&[u8], Wrong> {
        let filled = self.fill()?;
        Ok(self.buffer.get(..filled).unwrap_or_default())
    }

    /// Fills the buffer with whole samples; gives the count of bytes.
    fn fill(&mut self) -> Result<usize, Wrong> {
        let most = self.left.unwrap_or(u64::MAX).min(BLOCK as u64) as usize;
        let mut filled = 0;
        while filled < most {
            let room = self.buffer.get_mut(filled..most).unwrap_or_default();
            match self.file.read(room) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Wrong::Read(error)),
            }
        }
        self.offset += filled as u64;
        if let Some(left) = &mut self.left {
            *left -= filled as u64;
            if filled < most {
                let text = format!("the file ends here; its header says {left} bytes more");
                return Err(Wrong::at(self.offset, text));
            }
        }
        if filled % self.format.sample_bytes() != 0 {
            let text = "the file ends within a sample: an odd count of bytes is no PCM16";
            return Err(Wrong::at(self.offset, text));
        }
        Ok(filled)
    }
}

/// Bytes read at once; even, so that blocks hold whole samples.
const BLOCK: usize = 64 * 1024;
