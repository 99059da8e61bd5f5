//! What is wrong with a session description.

/// A description that can't be used: what was wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpError {
    /// Longer than any that is read.
    #[error("the SDP has {bytes} bytes; at most {limit} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// More media descriptions or attributes than are read.
    #[error("the SDP has {count} {what}; at most {limit} are read")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A line that breaks the grammar.
    #[error("the SDP is malformed: {0}")]
    Syntax(String),
    /// No audio among its media.
    #[error("the SDP has no audio media description")]
    NoAudio,
    /// Neither the audio nor the session says where it is received.
    #[error("the SDP names no usable IP address for its audio (c= line: {0})")]
    NoAddress(String),
    /// An attribute of the audio that can't be read.
    #[error("the SDP's audio has a malformed a={attribute}: {value}")]
    Attribute {
        /// Which.
        attribute: &'static str,
        /// What it said.
        value: String,
    },
}
