//! What can be wrong with a capture.

use std::io;

/// What was wrong with a capture, and where.
///
/// **Errors** of the capture's content name the offset, in bytes from the start
/// of the capture, of the record that could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PcapError {
    /// There is nothing in it.
    #[error("offset 0: the capture is empty")]
    Empty,
    /// The first bytes are those of no capture format that can be read.
    #[error(
        "offset 0: not a pcap or pcapng capture (it begins with {})",
        hex(.magic)
    )]
    NotACapture {
        /// The first bytes, up to four.
        magic: Vec<u8>,
    },
    /// A compressed capture.
    #[error("offset 0: the capture is compressed with {with}; decompress it first")]
    Compressed {
        /// The program that undoes it, in the field's word.
        with: &'static str,
    },
    /// The capture ends in the middle of a record.
    #[error(
        "offset {offset}: the capture is cut short: {what} needs {needed} bytes, {present} are there"
    )]
    CutShort {
        /// Where the record begins.
        offset: u64,
        /// Which kind of record.
        what: &'static str,
        /// The bytes it should have.
        needed: u64,
        /// The bytes there are.
        present: u64,
    },
    /// A record that contradicts itself or the format.
    #[error("offset {offset}: {what}")]
    Malformed {
        /// Where the record begins.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A packet record larger than any packet.
    #[error(
        "offset {offset}: a packet record of {bytes} bytes; more than {limit} are taken for damage"
    )]
    TooLarge {
        /// Where the record begins.
        offset: u64,
        /// The size it claims.
        bytes: u64,
        /// The most that is believed.
        limit: u64,
    },
    /// A packet of an interface that was never described (pcapng).
    #[error(
        "offset {offset}: a packet of interface {interface}, which the capture never describes"
    )]
    UnknownInterface {
        /// Where the record begins.
        offset: u64,
        /// The number it gives.
        interface: u32,
    },
    /// Packets framed by a link type that is not taken apart here.
    #[error(
        "offset {offset}: link type {link_type} is not supported \
         (Ethernet, raw IP, Linux cooked v1 and v2, BSD loopback are)"
    )]
    LinkType {
        /// Where the record begins that says so.
        offset: u64,
        /// The LINKTYPE_ number, as registered at tcpdump.org.
        link_type: u32,
    },
    /// Reading failed below the capture.
    #[error("offset {offset}: {source}")]
    Read {
        /// How far reading came.
        offset: u64,
        /// What went wrong.
        source: io::Error,
    },
}

impl PcapError {
    /// Where it went wrong, in bytes from the start of the capture.
    pub fn offset(&self) -> u64 {
        match *self {
            Self::Empty | Self::NotACapture { .. } | Self::Compressed { .. } => 0,
            Self::CutShort { offset, .. }
            | Self::Malformed { offset, .. }
            | Self::TooLarge { offset, .. }
            | Self::UnknownInterface { offset, .. }
            | Self::LinkType { offset, .. }
            | Self::Read { offset, .. } => offset,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    words.join(" ")
}
