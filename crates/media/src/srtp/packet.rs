//! What SRTP needs to know of a packet's head.

/// RTP's fixed header. **Units**: bytes.
const RTP_HEADER_BYTES: usize = 12;
/// RTCP's first packet: header and SSRC, never encrypted. **Units**: bytes.
pub(super) const RTCP_HEADER_BYTES: usize = 8;

/// The parts of an RTP header that the cryptography takes in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    /// With CSRCs and extension: authenticated, not encrypted.
    pub(super) bytes: usize,
}

/// Reads the head of an RTP packet; `None` where it does not hold what it says.
pub(super) fn rtp_head(packet: &[u8]) -> Option<Head> {
    let first = *packet.first()?;
    if first >> 6 != 2 {
        return None;
    }
    let mut bytes = RTP_HEADER_BYTES + usize::from(first & 0x0F) * 4;
    if first & 0x10 != 0 {
        let words = two(packet, bytes + 2)?;
        bytes += 4 + usize::from(words) * 4;
    }
    if packet.len() < bytes {
        return None;
    }
    Some(Head {
        ssrc: four(packet, 8)?,
        sequence: two(packet, 2)?,
        bytes,
    })
}

/// The SSRC of an RTCP packet's sender.
pub(super) fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    (packet.first()? >> 6 == 2).then_some(())?;
    four(packet, 4)
}

fn two(packet: &[u8], at: usize) -> Option<u16> {
    let bytes = packet.get(at..at + 2)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

pub(super) fn four(packet: &[u8], at: usize) -> Option<u32> {
    let bytes = packet.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}
