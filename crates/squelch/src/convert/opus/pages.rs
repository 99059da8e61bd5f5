//! Packets out of the pages of an Ogg file, one page in memory at a time.

use std::collections::VecDeque;
use std::io::{self, Read};

use ogg::reading::{BasePacketReader, OggReadError, PageParser};

use super::super::wrong::Wrong;

/// A packet and where it comes from.
pub(super) struct Packet {
    pub(super) bytes: Vec<u8>,
    /// Where the page begins on which the packet ends.
    pub(super) at: u64,
    /// The granule position at the end of that page.
    pub(super) granule: u64,
    pub(super) ends_page: bool,
    pub(super) ends_stream: bool,
}

/// Reads packets of the one logical stream that a file may hold.
pub(super) struct Pages<R> {
    file: R,
    /// Bytes read.
    pub(super) offset: u64,
    packets: BasePacketReader,
    ready: VecDeque<Packet>,
    /// Bytes of pages since a packet ended.
    unfinished: usize,
    serial: Option<u32>,
    ended: bool,
}

impl<R: Read> Pages<R> {
    pub(super) fn new(file: R) -> Pages<R> {
        Pages {
            file,
            offset: 0,
            packets: BasePacketReader::new(),
            ready: VecDeque::new(),
            unfinished: 0,
            serial: None,
            ended: false,
        }
    }

    /// The next packet; none after the stream's last page.
    ///
    /// **Errors**: a page that is broken, cut off, or another stream's.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, Wrong> {
        while self.ready.is_empty() {
            if self.ended {
                return match self.file.read(&mut [0]) {
                    Ok(0) => Ok(None),
                    Ok(_) => Err(Wrong::at(
                        self.offset,
                        "a second stream: only one can be converted",
                    )),
                    Err(error) => Err(Wrong::Read(error)),
                };
            }
            self.page()?;
        }
        Ok(self.ready.pop_front())
    }

    fn page(&mut self) -> Result<(), Wrong> {
        let at = self.offset;
        let broken = |error: OggReadError| {
            let text = match error {
                OggReadError::HashMismatch(..) => "an Ogg page whose checksum is wrong".into(),
                error => format!("a broken Ogg page: {error}"),
            };
            Wrong::at(at, text)
        };
        let mut header = [0; 27];
        self.fill(&mut header)?;
        if !header.starts_with(b"OggS") {
            return Err(Wrong::at(at, "no Ogg page where one should begin"));
        }
        let (mut parser, segments) = PageParser::new(header).map_err(broken)?;
        let mut sizes = vec![0; segments];
        self.fill(&mut sizes)?;
        // At most 255 segments of 255 bytes.
        let mut data = vec![0; parser.parse_segments(sizes)];
        self.fill(&mut data)?;
        self.unfinished += data.len();
        let page = parser.parse_packet_data(data).map_err(broken)?;
        self.packets.push_page(page).map_err(broken)?;
        while let Some(packet) = self.packets.read_packet() {
            self.unfinished = 0;
            if *self.serial.get_or_insert(packet.stream_serial()) != packet.stream_serial() {
                return Err(Wrong::at(at, "a second stream: only one can be converted"));
            }
            self.ended |= packet.last_in_stream();
            self.ready.push_back(Packet {
                at,
                granule: packet.absgp_page(),
                ends_page: packet.last_in_page(),
                ends_stream: packet.last_in_stream(),
                bytes: packet.data,
            });
        }
        if self.unfinished > LARGEST_PACKET {
            return Err(Wrong::at(at, "a packet that no end is seen of"));
        }
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Wrong> {
        self.file
            .read_exact(bytes)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Wrong::at(
                    self.offset,
                    "the file is cut off: its last Ogg page is not here",
                ),
                _ => Wrong::Read(error),
            })?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

/// A packet of sound has 61,440 bytes at the most (RFC 7845 section 6); what is longer are tags, with pictures in
/// them. **Units**: bytes.
const LARGEST_PACKET: usize = 16 << 20;
