//! The classic format: a file header, then packet records (draft-ietf-opsawg-pcap).

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use pcap_parser::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};

use crate::PcapError;
use crate::link::LinkType;
use crate::reader::{MAX_RECORD_BYTES, Record};
use crate::window::Window;

/// What the file header says.
pub(crate) struct Classic {
    big_endian: bool,
    nanoseconds: bool,
    link_type: LinkType,
}

impl Classic {
    pub(crate) fn new<R: Read>(window: &mut Window<R>) -> Result<Self, PcapError> {
        let header = window.peek(HEADER_BYTES)?;
        if header.len() < HEADER_BYTES {
            return Err(cut_short(0, "the file header", HEADER_BYTES, header.len()));
        }
        let Ok((_, parsed)) = parse_pcap_header(header) else {
            return Err(PcapError::NotACapture {
                magic: header.iter().take(4).copied().collect(),
            });
        };
        // The upper bits of the field tell of a frame check sequence, the lower 16 are the type.
        let number = parsed.network.0 as u32 & 0xFFFF;
        let link_type = LinkType::from_number(number).ok_or(PcapError::LinkType {
            offset: LINK_TYPE_AT,
            link_type: number,
        })?;
        window.skip(HEADER_BYTES as u64)?;
        Ok(Self {
            big_endian: parsed.is_bigendian(),
            nanoseconds: parsed.is_nanosecond_precision(),
            link_type,
        })
    }

    pub(crate) fn next<R: Read>(
        &mut self,
        window: &mut Window<R>,
    ) -> Result<Option<Record>, PcapError> {
        let offset = window.offset();
        let header = window.peek(RECORD_HEADER_BYTES)?;
        let captured = match *header {
            [] => return Ok(None),
            [_, _, _, _, _, _, _, _, a, b, c, d, _, _, _, _] => self.u32([a, b, c, d]),
            _ => {
                let present = header.len();
                return Err(cut_short(
                    offset,
                    "a record header",
                    RECORD_HEADER_BYTES,
                    present,
                ));
            }
        };
        let captured = captured as usize;
        if captured > MAX_RECORD_BYTES {
            return Err(PcapError::TooLarge {
                offset,
                bytes: captured as u64,
                limit: MAX_RECORD_BYTES as u64,
            });
        }
        let needed = RECORD_HEADER_BYTES + captured;
        let bytes = window.peek(needed)?;
        if bytes.len() < needed {
            return Err(cut_short(offset, "a packet record", needed, bytes.len()));
        }
        let parse = if self.big_endian {
            parse_pcap_frame_be
        } else {
            parse_pcap_frame
        };
        let Ok((_, frame)) = parse(bytes) else {
            return Err(PcapError::Malformed {
                offset,
                what: "a packet record that can't be read",
            });
        };
        let fraction = u64::from(frame.ts_usec) * if self.nanoseconds { 1 } else { 1_000 };
        let record = Record {
            epoch: Duration::from_secs(u64::from(frame.ts_sec)) + Duration::from_nanos(fraction),
            link_type: Some(self.link_type),
            cut_bytes: (frame.origlen as usize).saturating_sub(captured),
            data: Bytes::copy_from_slice(frame.data),
        };
        window.skip(needed as u64)?;
        Ok(Some(record))
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }
}

pub(crate) fn cut_short(
    offset: u64,
    what: &'static str,
    needed: usize,
    present: usize,
) -> PcapError {
    PcapError::CutShort {
        offset,
        what,
        needed: needed as u64,
        present: present as u64,
    }
}

const HEADER_BYTES: usize = 24;
const LINK_TYPE_AT: u64 = 20;
const RECORD_HEADER_BYTES: usize = 16;
