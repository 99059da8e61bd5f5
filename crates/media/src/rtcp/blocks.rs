//! The parts of a report (RFC 3550 section 6.4).

use super::NtpTime;
use crate::rtp::{RtpTime, Ssrc};

/// What a sender report says of its sender (RFC 3550 section 6.4.1).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |              NTP timestamp, most significant word             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |             NTP timestamp, least significant word             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                         RTP timestamp                         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                     sender's packet count                     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                      sender's octet count                     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// When the report was sent, by the sender's wall clock.
    pub ntp: NtpTime,
    /// The same moment on the clock of its RTP timestamps.
    pub rtp: RtpTime,
    /// RTP packets sent; wraps.
    pub packets: u32,
    /// Payload bytes sent; wraps.
    pub octets: u32,
}

impl SenderInfo {
    /// **Units**: bytes.
    pub(super) const BYTES: usize = 20;

    pub(super) fn parse(bytes: &[u8; SenderInfo::BYTES]) -> SenderInfo {
        let [a, b, c, d, e] = words(bytes);
        SenderInfo {
            ntp: NtpTime(u64::from(a) << 32 | u64::from(b)),
            rtp: RtpTime(c),
            packets: d,
            octets: e,
        }
    }

    pub(super) fn write(&self) -> [u8; SenderInfo::BYTES] {
        let (high, low) = ((self.ntp.0 >> 32) as u32, self.ntp.0 as u32);
        bytes([high, low, self.rtp.0, self.packets, self.octets])
    }
}

/// What a report says of one source (RFC 3550 section 6.4.1).
///
/// ```text
/// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
/// |                             SSRC                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | fraction lost |       cumulative number of packets lost       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           extended highest sequence number received           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                      interarrival jitter                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                         last SR (LSR)                         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                   delay since last SR (DLSR)                  |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: Ssrc,
    /// Lost since the report before. **Units**: 1/256.
    pub fraction_lost: u8,
    /// Lost in all, negative where duplicates outnumber losses. 24 bits.
    pub cumulative_lost: i32,
    /// The highest sequence number, with its wraps in the upper half.
    pub highest: u32,
    /// **Units**: ticks of the source's RTP clock.
    pub jitter: u32,
    /// The middle half of the date in the source's last sender report; 0 before the first.
    pub last_sr: u32,
    /// From that report's arrival to this one's departure. **Units**: 1/65,536 s.
    pub delay_since_last_sr: u32,
}

/// The bounds of a 24-bit signed number.
const MAX_CUMULATIVE_LOST: i32 = 0x7F_FFFF;
const MIN_CUMULATIVE_LOST: i32 = -0x80_0000;

impl ReportBlock {
    /// **Units**: bytes.
    pub(super) const BYTES: usize = 24;

    pub(super) fn parse(bytes: &[u8; ReportBlock::BYTES]) -> ReportBlock {
        let [ssrc, lost, highest, jitter, last_sr, delay] = words(bytes);
        ReportBlock {
            ssrc: Ssrc(ssrc),
            fraction_lost: (lost >> 24) as u8,
            // The sign is bit 23's.
            cumulative_lost: ((lost << 8) as i32) >> 8,
            highest,
            jitter,
            last_sr,
            delay_since_last_sr: delay,
        }
    }

    pub(super) fn write(&self) -> [u8; ReportBlock::BYTES] {
        let lost = self
            .cumulative_lost
            .clamp(MIN_CUMULATIVE_LOST, MAX_CUMULATIVE_LOST);
        bytes([
            self.ssrc.0,
            u32::from(self.fraction_lost) << 24 | lost as u32 & 0xFF_FFFF,
            self.highest,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        ])
    }
}

fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut words = [0; N];
    for (word, four) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = four
            .iter()
            .fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    words
}

fn bytes<const N: usize, const M: usize>(words: [u32; N]) -> [u8; M] {
    let mut bytes = [0; M];
    for (four, word) in bytes.chunks_exact_mut(4).zip(words) {
        four.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_beyond_24_bits_is_the_most_that_can_be_said() {
        let block = |cumulative_lost| ReportBlock {
            ssrc: Ssrc(1),
            fraction_lost: 255,
            cumulative_lost,
            highest: 2,
            jitter: 3,
            last_sr: 4,
            delay_since_last_sr: 5,
        };
        for (said, read) in [
            (0, 0),
            (-1, -1),
            (-5, -5),
            (7, 7),
            (i32::MAX, 0x7F_FFFF),
            (i32::MIN, -0x80_0000),
        ] {
            let back = ReportBlock::parse(&block(said).write());
            assert_eq!(back, block(read));
        }
    }
}
