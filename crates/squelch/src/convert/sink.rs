//! Writing samples: into a file beside the wanted one, which takes its place once all is there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::format::{Format, is_wav};
use super::wav_header;

/// A file that is being written. Dropped unfinished, it is removed.
pub(super) struct Sink {
    file: BufWriter<File>,
    part: Part,
    path: PathBuf,
    format: Format,
    wav: bool,
    bytes: Vec<u8>,
    written: u64,
}

impl Sink {
    pub(super) fn create(path: &Path, format: Format) -> io::Result<Sink> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = PathBuf::from(name);
        let mut file = BufWriter::new(File::create(&part)?);
        let part = Part(part);
        let wav = is_wav(path);
        if wav {
            file.write_all(&wav_header::write(format, 0))?;
        }
        Ok(Sink {
            file,
            part,
            path: path.to_owned(),
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

    /// Puts the file in its place; gives the count of bytes of samples.
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
        fs::rename(&self.part.0, &self.path)?;
        Ok(self.written)
    }
}

/// The name of the unfinished file.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // After the rename there is nothing of that name.
        let _ = fs::remove_file(&self.0);
    }
}

/// What the header's 32 bits can count, with room for the header itself.
const MAX_WAV: u64 = u32::MAX as u64 - 64;
