//! WAV files: sounds through hound (its one door), headers by themselves where hound does not do.

pub(crate) mod header;

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

/// PCM samples of one channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sound {
    /// **Units**: Hz.
    pub rate_hz: u32,
    /// The samples.
    pub samples: Vec<i16>,
}

/// A WAV file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct WavError {
    path: PathBuf,
    source: hound::Error,
}

impl Sound {
    /// Writes the samples as PCM16, one channel, replacing what was there.
    pub fn write(&self, path: &Path) -> Result<(), WavError> {
        let file = File::create(path).map_err(hound::Error::from);
        let written = file.and_then(|file| self.write_into(BufWriter::new(file)));
        written.map_err(|source| blame(path, source))
    }

    /// Writes the samples as PCM16, one channel.
    ///
    /// **Errors**: what the sink says.
    pub(crate) fn write_into(&self, sink: impl Write + Seek) -> hound::Result<()> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: self.rate_hz,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut writer = WavWriter::new(sink, spec)?;
        for &sample in &self.samples {
            writer.write_sample(sample)?;
        }
        writer.finalize()
    }

    /// Reads a file of integer or float samples; of several channels the first.
    ///
    /// **Errors**: no such file, no WAV, or an encoding that hound does not read.
    pub fn read(path: &Path) -> Result<Self, WavError> {
        let read = || -> hound::Result<Self> {
            let reader = WavReader::new(BufReader::new(File::open(path)?))?;
            let spec = reader.spec();
            let channels = usize::from(spec.channels).max(1);
            let samples = match spec.sample_format {
                SampleFormat::Int => {
                    let excess_bits = i32::from(spec.bits_per_sample) - 16;
                    reader
                        .into_samples::<i32>()
                        .step_by(channels)
                        .map(|sample| sample.map(|value| to_16_bits(value, excess_bits)))
                        .collect::<hound::Result<_>>()?
                }
                SampleFormat::Float => reader
                    .into_samples::<f32>()
                    .step_by(channels)
                    // A cast from float to integer saturates.
                    .map(|sample| sample.map(|value| (value * 32_768.0) as i16))
                    .collect::<hound::Result<_>>()?,
            };
            Ok(Self {
                rate_hz: spec.sample_rate,
                samples,
            })
        };
        read().map_err(|source| blame(path, source))
    }
}

fn to_16_bits(value: i32, excess_bits: i32) -> i16 {
    if excess_bits >= 0 {
        (value >> excess_bits) as i16
    } else {
        (value << -excess_bits) as i16
    }
}

fn blame(path: &Path, source: hound::Error) -> WavError {
    WavError {
        path: path.into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a.wav");
        let sound = Sound {
            rate_hz: 8_000,
            samples: vec![0, 1, -1, i16::MAX, i16::MIN],
        };
        sound.write(&path).expect("written");
        assert_eq!(Sound::read(&path).expect("read"), sound);
    }

    #[test]
    fn a_file_that_is_no_wav_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("b.wav");
        std::fs::write(&path, b"no WAV").expect("written");
        let error = Sound::read(&path).expect_err("no WAV").to_string();
        assert!(error.contains("b.wav"), "{error}");
    }
}
