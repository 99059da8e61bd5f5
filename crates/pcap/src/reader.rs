//! The reader of captures, whichever format they are in.

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;

use crate::classic::Classic;
use crate::link::{self, Unwrapped};
use crate::ng::Ng;
use crate::window::Window;
use crate::{Packet, PcapError};

/// Gives the UDP datagrams and TCP segments of a pcap or pcapng capture, in its order.
///
/// An error that leaves the rest unreadable is the last item; after one that does
/// not (an interface with an unsupported link type) packets go on. What came
/// before an error stands either way, so read until `None`.
///
/// **Cost**: memory for one record and one chunk, however long the capture is.
pub struct Reader<R> {
    window: Window<R>,
    format: Format,
    first: Option<Duration>,
    counters: Counters,
    ended: bool,
}

/// What a [`Reader`] met and did not give out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records that hold a packet of any kind, given out or not.
    pub records: u64,
    /// Pieces of fragmented IP packets; none is put together again.
    pub fragments: u64,
    /// Packets given out of which the capture left bytes out.
    pub truncated: u64,
    /// Packets that are no UDP and no TCP, and TCP segments without payload.
    pub other: u64,
    /// Packets whose headers contradict themselves or end too early.
    pub malformed: u64,
    /// Packets of an interface whose link type is not supported.
    pub unsupported_link: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the capture's header.
    ///
    /// **Errors**: empty, compressed, not a capture, cut in the header, an unsupported link type.
    pub fn new(source: R) -> Result<Self, PcapError> {
        let mut window = Window::new(source);
        let format = match *window.peek(4)? {
            [] => return Err(PcapError::Empty),
            [0x0A, 0x0D, 0x0D, 0x0A] => Format::Ng(Ng::new()),
            [0xD4 | 0x4D, 0xC3 | 0x3C, 0xB2, 0xA1] | [0xA1, 0xB2, 0xC3 | 0x3C, 0xD4 | 0x4D] => {
                Format::Classic(Classic::new(&mut window)?)
            }
            [0x1F, 0x8B, ..] => return Err(PcapError::Compressed { with: "gzip" }),
            [0x28, 0xB5, 0x2F, 0xFD] => return Err(PcapError::Compressed { with: "zstd" }),
            [0x04, 0x22, 0x4D, 0x18] => return Err(PcapError::Compressed { with: "lz4" }),
            ref other => {
                return Err(PcapError::NotACapture {
                    magic: other.to_vec(),
                });
            }
        };
        Ok(Self {
            window,
            format,
            first: None,
            counters: Counters::default(),
            ended: false,
        })
    }

    /// What was met so far and not given out.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn next_packet(&mut self) -> Result<Option<Packet>, PcapError> {
        loop {
            let record = match &mut self.format {
                Format::Classic(classic) => classic.next(&mut self.window)?,
                Format::Ng(ng) => ng.next(&mut self.window)?,
            };
            let Some(record) = record else {
                return Ok(None);
            };
            self.counters.records += 1;
            let first = *self.first.get_or_insert(record.epoch);
            let Some(link_type) = record.link_type else {
                self.counters.unsupported_link += 1;
                continue;
            };
            let on_wire = link::unwrap(link_type, &record.data, record.cut_bytes);
            let (datagram, missing_bytes) = match on_wire {
                Unwrapped::Datagram { datagram, missing } => (datagram, missing),
                Unwrapped::Fragment => {
                    self.counters.fragments += 1;
                    continue;
                }
                Unwrapped::Other => {
                    self.counters.other += 1;
                    continue;
                }
                Unwrapped::Malformed => {
                    self.counters.malformed += 1;
                    continue;
                }
            };
            self.counters.truncated += u64::from(missing_bytes > 0);
            return Ok(Some(Packet {
                at: record.epoch.saturating_sub(first),
                epoch: record.epoch,
                source: datagram.source,
                destination: datagram.destination,
                transport: datagram.transport,
                payload: record.data.slice(datagram.payload),
                missing_bytes,
            }));
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Packet, PcapError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.next_packet() {
            Ok(Some(packet)) => Some(Ok(packet)),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = !matches!(error, PcapError::LinkType { .. });
                Some(Err(error))
            }
        }
    }
}

enum Format {
    Classic(Classic),
    Ng(Ng),
}

/// One packet record, link-layer header and all.
pub(crate) struct Record {
    pub(crate) epoch: Duration,
    /// None where the interface's link type is not supported (said once, when it was described).
    pub(crate) link_type: Option<link::LinkType>,
    pub(crate) data: Bytes,
    /// Bytes that the capture left out at the end.
    pub(crate) cut_bytes: usize,
}

/// The largest packet record that is believed: Wireshark's own limit is 256 KiB for
/// all link types taken apart here.
pub(crate) const MAX_RECORD_BYTES: usize = 262_144;
