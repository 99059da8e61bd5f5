//! Why a packet was not protected or not believed.

use std::fmt;

/// What was wrong with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SrtpError {
    /// Too short for its header and tag, or no RTP or RTCP at all.
    Malformed,
    /// The buffer has no room for the tag.
    Room,
    /// The tag is not the one that the key makes.
    Authentication,
    /// It was here before, or is too old to tell.
    Replayed,
    /// 2^48 RTP or 2^31 RTCP packets with one key: a new one is due (RFC 3711 section 9.2).
    Exhausted,
}

impl fmt::Display for SrtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SrtpError::Malformed => "the packet is too short, or no RTP",
            SrtpError::Room => "the buffer has no room for the tag",
            SrtpError::Authentication => "the authentication tag is wrong",
            SrtpError::Replayed => "the packet was here before",
            SrtpError::Exhausted => "the key has protected as many packets as it may",
        })
    }
}

impl std::error::Error for SrtpError {}
