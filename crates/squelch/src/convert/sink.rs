//! Writing: into a file beside the wanted one, which takes its place once all is there.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use super::format::{Kind, is_wav};
#[cfg(feature = "opus")]
use super::opus::OpusSink;
use super::samples_sink::SamplesSink;

/// A file that is being written. Dropped unfinished, it is removed.
pub(super) struct Sink {
    body: Body,
    part: Part,
    path: PathBuf,
}

enum Body {
    Samples(SamplesSink),
    #[cfg(feature = "opus")]
    Opus(Box<OpusSink<BufWriter<File>>>),
}

impl Sink {
    /// A file of `kind` for samples at `rate_hz`.
    pub(super) fn create(path: &Path, kind: Kind, rate_hz: u32) -> io::Result<Sink> {
        if path.is_dir() {
            // Found out only at the end otherwise, by the renaming.
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "is a directory",
            ));
        }
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = PathBuf::from(name);
        let file = BufWriter::new(File::create(&part)?);
        let part = Part(part);
        let body = match kind {
            Kind::Samples(format) => Body::Samples(SamplesSink::new(file, format, is_wav(path))?),
            #[cfg(feature = "opus")]
            Kind::Opus => Body::Opus(Box::new(OpusSink::new(file, rate_hz)?)),
            #[cfg(not(feature = "opus"))]
            Kind::Opus => {
                let _ = rate_hz;
                return Err(io::Error::new(io::ErrorKind::Unsupported, super::NO_OPUS));
            }
        };
        Ok(Sink {
            body,
            part,
            path: path.to_owned(),
        })
    }

    pub(super) fn write(&mut self, samples: &[i16]) -> io::Result<()> {
        match &mut self.body {
            Body::Samples(sink) => sink.write(samples),
            #[cfg(feature = "opus")]
            Body::Opus(sink) => sink.write(samples),
        }
    }

    /// Writes bytes that are of the sink's format already.
    pub(super) fn write_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.body {
            Body::Samples(sink) => sink.write_bytes(bytes),
            #[cfg(feature = "opus")]
            Body::Opus(_) => Err(io::Error::other("bytes of samples for an Opus file")),
        }
    }

    /// Puts the file in its place; gives the count of bytes of sound.
    pub(super) fn finish(self) -> io::Result<u64> {
        let Sink { body, part, path } = self;
        let bytes = match body {
            Body::Samples(sink) => sink.finish()?,
            #[cfg(feature = "opus")]
            Body::Opus(sink) => {
                let (file, bytes) = sink.finish()?;
                file.into_inner().map_err(io::IntoInnerError::into_error)?;
                bytes
            }
        };
        fs::rename(&part.0, &path)?;
        Ok(bytes)
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
