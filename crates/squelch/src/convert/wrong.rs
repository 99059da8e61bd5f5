//! Why a file can't be read.

use std::io;

use super::format::Kind;

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Wrong {
    /// The system says so.
    #[error("{0}")]
    Read(io::Error),
    /// Its bytes are not what they should be.
    #[error("at byte {offset}: {text}")]
    Bytes { offset: u64, text: String },
    /// Reading it was left out of this program.
    #[cfg(not(feature = "opus"))]
    #[error("{0}")]
    Unbuilt(&'static str),
    /// Nobody said what it holds.
    #[error("a raw file: say what it holds with --from, such as --from pcmu")]
    Unknown,
    /// Both the file and the command line say what it holds.
    #[error("the file tells its format, {found}; --from {asked} contradicts it")]
    Contradiction { found: Kind, asked: Kind },
}

impl Wrong {
    pub(super) fn at(offset: u64, text: impl Into<String>) -> Wrong {
        Wrong::Bytes {
            offset,
            text: text.into(),
        }
    }
}
