//! What a transcoder says no to.

use crate::audio::format::AudioFormat;
use crate::audio::resample::ResampleError;
use std::fmt;

/// Why a transcoder can't be made, or did not take a payload, or gave no frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TranscodeError {
    /// Opus is not built in.
    NoOpus,
    /// Opus has no frame of so many milliseconds.
    OpusPtime(u16),
    /// No resampler between the two rates.
    Resample(ResampleError),
    /// A payload without a byte.
    Empty,
    /// So many bytes, which end within a sample of PCM16.
    OddLength(usize),
    /// A payload of more than 120 ms.
    TooLong,
    /// No Opus packet, or libopus failed.
    Opus,
    /// A packet whose time is past: order is the jitter buffer's matter.
    Late,
    /// A whole frame waits; it has to be popped first.
    Waiting,
    /// The buffer for the frame is shorter than this.
    Room(usize),
}

impl fmt::Display for TranscodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TranscodeError::NoOpus => {
                write!(f, "{} is not built in (feature `opus`)", AudioFormat::Opus)
            }
            TranscodeError::OpusPtime(ms) => {
                write!(f, "Opus has frames of 10, 20, 40 and 60 ms, not of {ms} ms")
            }
            TranscodeError::Resample(error) => error.fmt(f),
            TranscodeError::Empty => f.write_str("an empty payload"),
            TranscodeError::OddLength(bytes) => {
                write!(f, "{bytes} bytes are no whole number of 16-bit samples")
            }
            TranscodeError::TooLong => f.write_str("a payload of more than 120 ms"),
            TranscodeError::Opus => f.write_str("no Opus packet"),
            TranscodeError::Late => f.write_str("a packet whose time is past"),
            TranscodeError::Waiting => f.write_str("a frame waits to be popped"),
            TranscodeError::Room(bytes) => write!(f, "a frame needs room for {bytes} bytes"),
        }
    }
}

impl std::error::Error for TranscodeError {}

impl From<ResampleError> for TranscodeError {
    fn from(error: ResampleError) -> TranscodeError {
        TranscodeError::Resample(error)
    }
}
