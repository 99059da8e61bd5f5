//! What can be wrong with a message.

/// Why bytes are no acceptable message: always the peer's mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Nothing but line ends: a keep-alive.
    #[error("no message, only line ends")]
    Empty,
    /// Longer than the caps allow.
    #[error("the message is too long")]
    TooLong,
    /// The first line is neither a request line nor a status line.
    #[error("malformed start line")]
    StartLine,
    /// Another version than SIP/2.0.
    #[error("unsupported SIP version")]
    Version,
    /// The Request-URI is malformed.
    #[error("malformed Request-URI")]
    RequestUri,
    /// More header lines than [`MAX_HEADERS`](super::MAX_HEADERS).
    #[error("too many headers")]
    TooManyHeaders,
    /// A header longer than [`MAX_HEADER_BYTES`](super::MAX_HEADER_BYTES).
    #[error("a header is too long")]
    HeaderTooLong,
    /// Content-Length is no number, too big, or given twice with different values.
    #[error("malformed Content-Length")]
    ContentLength,
    /// Content-Length says more than there is.
    #[error("the body is shorter than Content-Length")]
    Truncated,
    /// No Content-Length on a stream (RFC 3261 section 18.3).
    #[error("no Content-Length on a stream")]
    NoContentLength,
    /// A mandatory header is not there.
    #[error("no {0} header")]
    Missing(&'static str),
    /// A header that must stand alone is there twice.
    #[error("more than one {0} header")]
    Repeated(&'static str),
    /// A header that is needed cannot be read.
    #[error("malformed {0} header")]
    Malformed(&'static str),
    /// CSeq names another method than the request line.
    #[error("CSeq names another method")]
    CSeqMethod,
}

impl MessageError {
    /// The status a request with this error is answered with.
    pub const fn status(self) -> u16 {
        match self {
            MessageError::Version => 505,
            MessageError::TooLong => 513,
            _ => 400,
        }
    }
}
