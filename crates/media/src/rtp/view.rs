//! The RTP header, read and restamped where it lies.

use super::{PayloadType, RtpTime, Ssrc};
use std::ops::Range;

/// The fixed header without CSRCs. **Units**: bytes.
const FIXED_HEADER_BYTES: usize = 12;

/// Not an RTP packet (RFC 3550 A.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than its header says, or than any header.
    Short,
    /// The version is not 2.
    Version,
    /// A padding count of zero, or of more than there is.
    Padding,
}

/// An RTP packet read in place (RFC 3550 section 5.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|X|  CC   |M|     PT      |       sequence number         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                           timestamp                           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           synchronization source (SSRC) identifier            |
/// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
/// |            contributing source (CSRC) identifiers             |
/// ```
///
/// **Cost**: a few nanoseconds; nothing is copied.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    bytes: &'a [u8],
    header: &'a [u8; FIXED_HEADER_BYTES],
    start: usize,
    end: usize,
}

impl<'a> View<'a> {
    /// Reads a datagram as RTP.
    ///
    /// **Errors**: when version, CSRC count, extension or padding don't fit the length.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<View<'a>, Malformed> {
        let header = bytes
            .first_chunk::<FIXED_HEADER_BYTES>()
            .ok_or(Malformed::Short)?;
        let first = header[0];
        if first >> 6 != 2 {
            return Err(Malformed::Version);
        }
        let mut start = FIXED_HEADER_BYTES + 4 * usize::from(first & 0x0F);
        if first & 0x10 != 0 {
            // Section 5.3.1: 16 bits of profile, then the length in 32-bit words without these four bytes.
            let length = bytes
                .get(start + 2..start + 4)
                .and_then(|length| length.first_chunk::<2>())
                .ok_or(Malformed::Short)?;
            start += 4 + 4 * usize::from(u16::from_be_bytes(*length));
        }
        let mut end = bytes.len();
        if first & 0x20 != 0 {
            let padding = bytes.last().map_or(0, |count| usize::from(*count));
            if padding == 0 {
                return Err(Malformed::Padding);
            }
            end = end.checked_sub(padding).ok_or(Malformed::Padding)?;
        }
        if start > bytes.len() {
            return Err(Malformed::Short);
        }
        if start > end {
            return Err(Malformed::Padding);
        }
        Ok(View {
            bytes,
            header,
            start,
            end,
        })
    }

    /// The marker bit.
    pub const fn marker(&self) -> bool {
        self.header[1] & 0x80 != 0
    }

    /// The payload type.
    pub const fn payload_type(&self) -> PayloadType {
        PayloadType::from_header(self.header[1])
    }

    /// The sequence number.
    pub const fn sequence(&self) -> u16 {
        u16::from_be_bytes([self.header[2], self.header[3]])
    }

    /// The timestamp.
    pub const fn timestamp(&self) -> RtpTime {
        let header = self.header;
        RtpTime(u32::from_be_bytes([
            header[4], header[5], header[6], header[7],
        ]))
    }

    /// The synchronisation source.
    pub const fn ssrc(&self) -> Ssrc {
        let header = self.header;
        Ssrc(u32::from_be_bytes([
            header[8], header[9], header[10], header[11],
        ]))
    }

    /// The payload, without padding.
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Where the payload lies in the packet.
    pub const fn payload_range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// Whether a datagram on an RTP port is RTCP: second byte 192 to 223 (RFC 5761 section 4).
pub fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [first, 192..=223, ..] if first >> 6 == 2)
}

/// Writes our numbers over a packet's fixed header. A packet shorter than a header is left alone.
///
/// CSRCs, extension and the marker bit stay as they are unless `marker` is given.
#[inline]
pub fn restamp(
    packet: &mut [u8],
    payload_type: PayloadType,
    marker: bool,
    sequence: u16,
    timestamp: RtpTime,
    ssrc: Ssrc,
) {
    if let Some(header) = packet.first_chunk_mut::<FIXED_HEADER_BYTES>() {
        header[1] = u8::from(marker) << 7 | payload_type.number();
        [header[2], header[3]] = sequence.to_be_bytes();
        [header[4], header[5], header[6], header[7]] = timestamp.0.to_be_bytes();
        [header[8], header[9], header[10], header[11]] = ssrc.0.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![
            first, 0x80, 0x12, 0x34, 0, 0, 0, 160, 0xDE, 0xAD, 0xBE, 0xEF,
        ];
        bytes.extend_from_slice(rest);
        bytes
    }

    #[test]
    fn rfc3550_5_1_fields() {
        let bytes = packet(0x80, &[1, 2, 3]);
        let view = View::parse(&bytes).unwrap();
        assert!(view.marker());
        assert_eq!(view.payload_type(), PayloadType::PCMU);
        assert_eq!(view.sequence(), 0x1234);
        assert_eq!(view.timestamp(), RtpTime(160));
        assert_eq!(view.ssrc(), Ssrc(0xDEAD_BEEF));
        assert_eq!(view.payload(), [1, 2, 3]);
    }

    #[test]
    fn csrcs_extension_and_padding_are_not_payload() {
        let mut rest = vec![0; 8];
        rest.extend([0xBE, 0xDE, 0, 1, 9, 9, 9, 9]);
        rest.extend([7, 7, 0, 2]);
        let bytes = packet(0x80 | 0x20 | 0x10 | 2, &rest);
        assert_eq!(View::parse(&bytes).unwrap().payload(), [7, 7]);
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        assert_eq!(View::parse(&[0x80; 11]).unwrap_err(), Malformed::Short);
        assert_eq!(
            View::parse(&packet(0x40, &[])).unwrap_err(),
            Malformed::Version
        );
        assert_eq!(
            View::parse(&packet(0x8F, &[0; 59])).unwrap_err(),
            Malformed::Short
        );
        assert_eq!(
            View::parse(&packet(0x90, &[0, 0, 0])).unwrap_err(),
            Malformed::Short
        );
        assert_eq!(
            View::parse(&packet(0x90, &[0, 0, 0xFF, 0xFF])).unwrap_err(),
            Malformed::Short
        );
        assert_eq!(
            View::parse(&packet(0xA0, &[0])).unwrap_err(),
            Malformed::Padding
        );
        assert_eq!(
            View::parse(&packet(0xA0, &[200])).unwrap_err(),
            Malformed::Padding
        );
        assert_eq!(
            View::parse(&packet(0xA0, &[2])).unwrap_err(),
            Malformed::Padding
        );
    }

    #[test]
    fn rfc5761_tells_rtcp_apart() {
        assert!(is_rtcp(&[0x80, 200]));
        assert!(!is_rtcp(&[0x80, 0x80]));
        assert!(!is_rtcp(&[0x80]));
    }
}
