//! The twelve bytes before the payload (RFC 3550 section 5.1).

/// An RTP header without CSRCs and extension: all that a peer sends.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |V=2|P|X|  CC   |M|     PT      |       sequence number         |
/// |                           timestamp                           |
/// |                             SSRC                              |
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Marker: the first packet of a talkspurt.
    pub marker: bool,
    /// Payload type.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// SSRC.
    pub ssrc: u32,
}

impl Header {
    /// Reads a packet into header and payload. CSRCs, extension and padding are skipped.
    pub fn parse(packet: &[u8]) -> Option<(Header, &[u8])> {
        let fixed: &[u8; 12] = packet.first_chunk()?;
        let [flags, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = *fixed;
        if flags >> 6 != 2 {
            return None;
        }
        let header = Header {
            marker: kind & 0x80 != 0,
            payload_type: kind & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
        };
        let mut rest = packet.get(12 + 4 * usize::from(flags & 0x0F)..)?;
        if flags & 0x10 != 0 {
            let [_, _, l0, l1] = *rest.first_chunk()?;
            rest = rest.get(4 + 4 * usize::from(u16::from_be_bytes([l0, l1]))..)?;
        }
        if flags & 0x20 != 0 {
            let padding = usize::from(*rest.last()?);
            rest = rest.get(..rest.len().checked_sub(padding)?)?;
        }
        Some((header, rest))
    }

    /// Writes a packet.
    pub fn write(&self, payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(12 + payload.len());
        packet.extend([0x80, u8::from(self.marker) << 7 | self.payload_type & 0x7F]);
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        packet.extend(payload);
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let header = Header {
            marker: true,
            payload_type: 8,
            sequence: 65_535,
            timestamp: 0xFFFF_FF60,
            ssrc: 0x1234_5678,
        };
        let packet = header.write(&[1, 2, 3]);
        assert_eq!(Header::parse(&packet), Some((header, &[1, 2, 3][..])));
    }

    #[test]
    fn csrcs_extension_and_padding_are_no_payload() {
        let mut packet = vec![0x80 | 0x30 | 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
        packet.extend([0; 4]);
        packet.extend([0xBE, 0xDE, 0, 1, 0, 0, 0, 0]);
        packet.extend([7, 7, 0, 2]);
        assert_eq!(Header::parse(&packet).unwrap().1, [7, 7]);
        assert_eq!(Header::parse(&packet[..14]), None);
    }
}
