//! What the packets of a compound say.

use super::compound::{
    APPLICATION, BYE, EXTENDED_REPORT, RECEIVER_REPORT, Raw, SENDER_REPORT, SOURCE_DESCRIPTION,
};
use super::stats::Kind;
use super::{ReportBlock, SenderInfo, VoipMetrics};
use crate::rtp::Ssrc;

/// SDES's item that a compound packet must have (RFC 3550 section 6.5.1).
const CNAME: u8 = 1;

/// One packet of a compound.
#[derive(Clone, Copy, Debug)]
pub enum Packet<'a> {
    /// SR (RFC 3550 section 6.4.1).
    SenderReport {
        /// Who sends it.
        ssrc: Ssrc,
        /// What it says of itself.
        info: SenderInfo,
        /// What it says of others.
        blocks: Blocks<'a>,
    },
    /// RR (RFC 3550 section 6.4.2).
    ReceiverReport {
        /// Who sends it.
        ssrc: Ssrc,
        /// What it says of others.
        blocks: Blocks<'a>,
    },
    /// SDES (RFC 3550 section 6.5).
    SourceDescription(Chunks<'a>),
    /// BYE (RFC 3550 section 6.6).
    Bye(Sources<'a>),
    /// XR (RFC 3611).
    ExtendedReport {
        /// Who sends it.
        ssrc: Ssrc,
        /// Its blocks.
        blocks: ExtendedBlocks<'a>,
    },
    /// APP, feedback, and what is not known.
    Other(u8),
}

impl<'a> Packet<'a> {
    /// `None` where it holds less than its counts say.
    pub(super) fn read(raw: &Raw<'a>) -> Option<Packet<'a>> {
        let blocks = |at: usize| {
            let bytes = raw.body.get(at..)?;
            let bytes = bytes.get(..usize::from(raw.count) * ReportBlock::BYTES)?;
            Some(Blocks(bytes))
        };
        Some(match raw.kind {
            SENDER_REPORT => Packet::SenderReport {
                ssrc: ssrc_at(raw.body, 0)?,
                info: SenderInfo::parse(raw.body.get(4..)?.first_chunk()?),
                blocks: blocks(4 + SenderInfo::BYTES)?,
            },
            RECEIVER_REPORT => Packet::ReceiverReport {
                ssrc: ssrc_at(raw.body, 0)?,
                blocks: blocks(4)?,
            },
            SOURCE_DESCRIPTION => {
                let chunks = Chunks {
                    rest: raw.body,
                    left: raw.count,
                };
                let mut checked = chunks;
                while checked.left > 0 {
                    checked.read_one()?;
                }
                Packet::SourceDescription(chunks)
            }
            BYE => Packet::Bye(Sources(raw.body.get(..usize::from(raw.count) * 4)?)),
            EXTENDED_REPORT => {
                let blocks = ExtendedBlocks(raw.body.get(4..)?);
                let mut checked = blocks;
                while !checked.0.is_empty() {
                    checked.read_one()?;
                }
                Packet::ExtendedReport {
                    ssrc: ssrc_at(raw.body, 0)?,
                    blocks,
                }
            }
            other => Packet::Other(other),
        })
    }

    /// What it is counted as.
    pub fn kind(&self) -> Kind {
        match self {
            Packet::SenderReport { .. } => Kind::SenderReport,
            Packet::ReceiverReport { .. } => Kind::ReceiverReport,
            Packet::SourceDescription(_) => Kind::SourceDescription,
            Packet::Bye(_) => Kind::Bye,
            Packet::ExtendedReport { .. } => Kind::ExtendedReport,
            Packet::Other(APPLICATION) => Kind::Application,
            Packet::Other(_) => Kind::Other,
        }
    }
}

/// Report blocks, one a source.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a>(&'a [u8]);

impl Iterator for Blocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(ReportBlock::parse(block))
    }
}

/// SSRCs that leave.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a>(&'a [u8]);

impl Iterator for Sources<'_> {
    type Item = Ssrc;

    fn next(&mut self) -> Option<Ssrc> {
        let ssrc = ssrc_at(self.0, 0)?;
        self.0 = self.0.get(4..)?;
        Some(ssrc)
    }
}

/// Each source that is described, with its CNAME if it has one.
#[derive(Clone, Copy, Debug)]
pub struct Chunks<'a> {
    rest: &'a [u8],
    left: u8,
}

impl<'a> Chunks<'a> {
    /// Reads a chunk: an SSRC, then items up to a null, filled up to a whole word.
    fn read_one(&mut self) -> Option<(Ssrc, Option<&'a [u8]>)> {
        self.left = self.left.checked_sub(1)?;
        let ssrc = ssrc_at(self.rest, 0)?;
        let (mut at, mut cname) = (4, None);
        loop {
            let kind = *self.rest.get(at)?;
            if kind == 0 {
                break;
            }
            let length = usize::from(*self.rest.get(at + 1)?);
            let text = self.rest.get(at + 2..at + 2 + length)?;
            if kind == CNAME {
                cname = Some(text);
            }
            at += 2 + length;
        }
        self.rest = self.rest.get((at + 1).next_multiple_of(4)..)?;
        Some((ssrc, cname))
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = (Ssrc, Option<&'a [u8]>);

    fn next(&mut self) -> Option<(Ssrc, Option<&'a [u8]>)> {
        self.read_one()
    }
}

/// A block of an XR packet (RFC 3611 section 3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ExtendedBlock {
    /// Section 4.7.
    VoipMetrics(VoipMetrics),
    /// Any other type.
    Other(u8),
}

/// The blocks of an XR packet.
#[derive(Clone, Copy, Debug)]
pub struct ExtendedBlocks<'a>(&'a [u8]);

impl ExtendedBlocks<'_> {
    fn read_one(&mut self) -> Option<ExtendedBlock> {
        let [kind, _, high, low, ..] = *self.0 else {
            return None;
        };
        let words = usize::from(u16::from_be_bytes([high, low]));
        let body = self.0.get(4..4 + words * 4)?;
        self.0 = self.0.get(4 + words * 4..)?;
        let metrics = (kind == VoipMetrics::BLOCK_TYPE).then(|| VoipMetrics::parse(body));
        Some(match metrics.flatten() {
            Some(metrics) => ExtendedBlock::VoipMetrics(metrics),
            None => ExtendedBlock::Other(kind),
        })
    }
}

impl Iterator for ExtendedBlocks<'_> {
    type Item = ExtendedBlock;

    fn next(&mut self) -> Option<ExtendedBlock> {
        self.read_one()
    }
}

fn ssrc_at(bytes: &[u8], at: usize) -> Option<Ssrc> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(Ssrc(u32::from_be_bytes(*four)))
}
