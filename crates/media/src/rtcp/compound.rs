//! A compound packet, read where it lies and checked before anything of it is believed.

use super::read::Packet;
use crate::rtp::Ssrc;

/// A compound packet that squelch makes is never longer. **Units**: bytes: a sender report with one block (52), a
/// source description (28), VoIP metrics (44), a BYE (8), and SRTCP's index and longest tag (20).
pub const MAX_COMPOUND_BYTES: usize = 152;

/// RTCP's common header. **Units**: bytes.
pub(super) const HEADER_BYTES: usize = 4;

pub(super) const SENDER_REPORT: u8 = 200;
pub(super) const RECEIVER_REPORT: u8 = 201;
pub(super) const SOURCE_DESCRIPTION: u8 = 202;
pub(super) const BYE: u8 = 203;
pub(super) const APPLICATION: u8 = 204;
pub(super) const EXTENDED_REPORT: u8 = 207;

/// No compound packet (RFC 3550 A.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than a header says, or than any report.
    Short,
    /// A version that is not 2.
    Version,
    /// The first packet is no report. RFC 5506's reduced-size packets are not negotiated.
    First,
    /// Padding before the last packet, or of a length that can't be.
    Padding,
    /// Lengths that do not come out at the datagram's end.
    Length,
    /// A packet holds less than its counts say.
    Count,
}

/// A checked compound packet.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|  count  |      PT       |             length            |  length: words after this one
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// **Cost**: nothing is copied or allocated.
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a> {
    bytes: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Reads a datagram.
    ///
    /// **Errors**: what fails a check of RFC 3550 A.2, or holds less than it says.
    pub fn parse(bytes: &'a [u8]) -> Result<Compound<'a>, Malformed> {
        if bytes.is_empty() {
            return Err(Malformed::Short);
        }
        let mut rest = bytes;
        let mut first = true;
        while !rest.is_empty() {
            let (raw, after) = split(rest)?;
            if first && !matches!(raw.kind, SENDER_REPORT | RECEIVER_REPORT) {
                return Err(Malformed::First);
            }
            // Padding stands at the end of the last packet only, and a compound packet that is one report has none.
            if raw.padded && (first || !after.is_empty()) {
                return Err(Malformed::Padding);
            }
            Packet::read(&raw).ok_or(Malformed::Count)?;
            first = false;
            rest = after;
        }
        Ok(Compound { bytes })
    }

    /// Who sends it: the SSRC of its first report.
    pub fn sender(&self) -> Option<Ssrc> {
        match self.packets().next()? {
            Packet::SenderReport { ssrc, .. } | Packet::ReceiverReport { ssrc, .. } => Some(ssrc),
            _ => None,
        }
    }

    /// The packets in it, in order.
    pub fn packets(&self) -> impl Iterator<Item = Packet<'a>> + use<'a> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let (raw, after) = split(rest).ok()?;
            rest = after;
            Packet::read(&raw)
        })
    }
}

/// One packet of a compound, split at its header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    pub(super) kind: u8,
    pub(super) count: u8,
    padded: bool,
    /// What follows the header, without padding.
    pub(super) body: &'a [u8],
}

fn split(bytes: &[u8]) -> Result<(Raw<'_>, &[u8]), Malformed> {
    let [first, kind, high, low, ..] = *bytes else {
        return Err(Malformed::Short);
    };
    if first >> 6 != 2 {
        return Err(Malformed::Version);
    }
    let words = usize::from(u16::from_be_bytes([high, low]));
    let end = HEADER_BYTES + words * 4;
    let (packet, rest) = bytes.split_at_checked(end).ok_or(Malformed::Length)?;
    let mut body = packet.get(HEADER_BYTES..).unwrap_or_default();
    let padded = first & 0x20 != 0;
    if padded {
        let count = usize::from(*body.last().ok_or(Malformed::Padding)?);
        // Whole words, and the count counts itself (section 6.4.1).
        if count == 0 || !count.is_multiple_of(4) {
            return Err(Malformed::Padding);
        }
        let kept = body.len().checked_sub(count).ok_or(Malformed::Padding)?;
        body = body.get(..kept).unwrap_or_default();
    }
    let raw = Raw {
        kind,
        count: first & 0x1F,
        padded,
        body,
    };
    Ok((raw, rest))
}
