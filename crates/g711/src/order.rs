//! The order of a sample's two bytes.

/// Which byte of a PCM16 sample comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The low byte: WAV, OpenAI's `audio/pcm`.
    Little,
    /// The high byte: L16 on the wire (RFC 3551 section 4.5.11).
    Big,
}

impl ByteOrder {
    /// The order of this machine.
    pub const NATIVE: ByteOrder = if cfg!(target_endian = "big") {
        ByteOrder::Big
    } else {
        ByteOrder::Little
    };

    /// Whether it is not the machine's own.
    pub(crate) const fn is_foreign(self) -> bool {
        !matches!(
            (self, Self::NATIVE),
            (ByteOrder::Little, ByteOrder::Little) | (ByteOrder::Big, ByteOrder::Big)
        )
    }
}

/// Turns PCM16 of one byte order into the other, in place.
///
/// **Shape**: a last odd byte is left alone.
pub fn swap_in_place(pcm: &mut [u8]) {
    for [first, second] in pcm.as_chunks_mut().0 {
        core::mem::swap(first, second);
    }
}
