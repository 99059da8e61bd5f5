//! Reading: samples, whatever the file holds.

use std::path::Path;

use super::format::{Format, Kind};
#[cfg(feature = "opus")]
use super::opus::OpusSource;
use super::samples_source::SamplesSource;
use super::wrong::Wrong;

/// A file of sound.
pub(super) enum Source {
    Samples(SamplesSource),
    #[cfg(feature = "opus")]
    Opus(Box<OpusSource>),
}

impl Source {
    /// Opens a file; `asked` is what the command line says that it holds.
    pub(super) fn open(path: &Path, asked: Option<Kind>) -> Result<Source, Wrong> {
        match (Kind::of_name(path), asked) {
            (Some(Kind::Opus), Some(asked @ Kind::Samples(_))) => {
                let found = Kind::Opus;
                Err(Wrong::Contradiction { found, asked })
            }
            (_, Some(Kind::Opus)) | (Some(Kind::Opus), None) => open_opus(path),
            (_, Some(Kind::Samples(format))) | (Some(Kind::Samples(format)), None) => {
                Ok(Source::Samples(SamplesSource::open(path, Some(format))?))
            }
            (None, None) => Ok(Source::Samples(SamplesSource::open(path, None)?)),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Source::Samples(source) => Kind::Samples(source.format),
            #[cfg(feature = "opus")]
            Source::Opus(_) => Kind::Opus,
        }
    }

    /// Gives samples at `rate_hz` where the file leaves that open; says at which rate they come.
    pub(super) fn choose_rate(&mut self, rate_hz: Option<u32>) -> Result<u32, Wrong> {
        match self {
            Source::Samples(source) => {
                let _ = rate_hz;
                Ok(source.format.rate_hz())
            }
            #[cfg(feature = "opus")]
            Source::Opus(source) => {
                source.decode_at(rate_hz.unwrap_or(source.rate_hz()))?;
                Ok(source.rate_hz())
            }
        }
    }

    /// The file's length, for the bar.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Source::Samples(source) => source.bytes,
            #[cfg(feature = "opus")]
            Source::Opus(source) => source.bytes,
        }
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> u64 {
        match self {
            Source::Samples(source) => source.position(),
            #[cfg(feature = "opus")]
            Source::Opus(source) => source.position(),
        }
    }

    /// The next samples; none at the end.
    pub(super) fn next(&mut self) -> Result<&[i16], Wrong> {
        match self {
            Source::Samples(source) => source.next(),
            #[cfg(feature = "opus")]
            Source::Opus(source) => source.next(),
        }
    }

    /// The file of samples that is of this very format: its bytes can be taken as they are.
    pub(super) fn as_bytes_of(&mut self, wanted: Format) -> Option<&mut SamplesSource> {
        match self {
            Source::Samples(source) if source.format == wanted => Some(source),
            _ => None,
        }
    }
}

#[cfg(feature = "opus")]
fn open_opus(path: &Path) -> Result<Source, Wrong> {
    Ok(Source::Opus(Box::new(OpusSource::open(path)?)))
}

#[cfg(not(feature = "opus"))]
fn open_opus(_: &Path) -> Result<Source, Wrong> {
    Err(Wrong::Unbuilt(super::NO_OPUS))
}
