//! The next generation format: blocks in sections (draft-ietf-opsawg-pcapng).

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{
    EnhancedPacketBlock, InterfaceDescriptionBlock, parse_enhancedpacketblock_be,
    parse_enhancedpacketblock_le, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le, parse_simplepacketblock_be, parse_simplepacketblock_le,
};

use crate::PcapError;
use crate::classic::cut_short;
use crate::link::LinkType;
use crate::reader::{MAX_RECORD_BYTES, Record};
use crate::window::Window;

/// The section being read.
pub(crate) struct Ng {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// A simple packet block has no time: it gets that of the packet before it.
    last_epoch: Duration,
}

struct Interface {
    link_type: Option<LinkType>,
    ticks_per_second: u64,
    offset_seconds: i64,
    snap_bytes: u32,
}

impl Ng {
    pub(crate) fn new() -> Self {
        Self {
            big_endian: false,
            interfaces: Vec::new(),
            last_epoch: Duration::ZERO,
        }
    }

    pub(crate) fn next<R: Read>(
        &mut self,
        window: &mut Window<R>,
    ) -> Result<Option<Record>, PcapError> {
        loop {
            let offset = window.offset();
            let Some((kind, length)) = self.block_header(window)? else {
                return Ok(None);
            };
            let wanted = matches!(
                kind,
                INTERFACE_DESCRIPTION | SIMPLE_PACKET | ENHANCED_PACKET
            );
            if !wanted {
                let passed = window.skip(u64::from(length))?;
                if passed < u64::from(length) {
                    let (needed, present) = (length as usize, passed as usize);
                    return Err(cut_short(offset, "a block", needed, present));
                }
                continue;
            }
            let needed = length as usize;
            if needed > MAX_BLOCK_BYTES {
                return Err(PcapError::TooLarge {
                    offset,
                    bytes: u64::from(length),
                    limit: MAX_BLOCK_BYTES as u64,
                });
            }
            let block = window.peek(needed)?;
            if block.len() < needed {
                return Err(cut_short(offset, "a block", needed, block.len()));
            }
            let outcome = match kind {
                INTERFACE_DESCRIPTION => self.interface(block, offset).map(|()| None),
                SIMPLE_PACKET => self.simple_packet(block, offset).map(Some),
                _ => self.enhanced_packet(block, offset).map(Some),
            };
            window.skip(u64::from(length))?;
            if let Some(record) = outcome? {
                self.last_epoch = record.epoch;
                return Ok(Some(record));
            }
        }
    }

    /// Type and length of the next block; a section header resets the section.
    fn block_header<R: Read>(
        &mut self,
        window: &mut Window<R>,
    ) -> Result<Option<(u32, u32)>, PcapError> {
        let offset = window.offset();
        let header = window.peek(SECTION_PROLOGUE_BYTES)?;
        if header.is_empty() {
            return Ok(None);
        }
        let malformed = |what| Err(PcapError::Malformed { offset, what });
        let Some((&kind, rest)) = header.split_first_chunk::<4>() else {
            return Err(cut_short(offset, "a block", MIN_BLOCK_BYTES, header.len()));
        };
        if kind == SECTION_HEADER {
            match rest.get(4..8) {
                Some([0x4D, 0x3C, 0x2B, 0x1A]) => self.big_endian = false,
                Some([0x1A, 0x2B, 0x3C, 0x4D]) => self.big_endian = true,
                Some(_) => return malformed("a section header without its byte-order magic"),
                None => {
                    let (needed, present) = (MIN_SECTION_HEADER_BYTES, header.len());
                    return Err(cut_short(offset, "a section header", needed, present));
                }
            }
            self.interfaces.clear();
        }
        let Some(&length) = rest.first_chunk::<4>() else {
            return Err(cut_short(offset, "a block", MIN_BLOCK_BYTES, header.len()));
        };
        let length = self.u32(length);
        if (length as usize) < MIN_BLOCK_BYTES || !length.is_multiple_of(4) {
            return malformed("a block whose length is no multiple of 4 or less than 12");
        }
        Ok(Some((self.u32(kind), length)))
    }

    fn interface(&mut self, block: &[u8], offset: u64) -> Result<(), PcapError> {
        let parsed = if self.big_endian {
            parse_interfacedescriptionblock_be(block)
        } else {
            parse_interfacedescriptionblock_le(block)
        };
        let Ok((_, description)) = parsed else {
            return Err(PcapError::Malformed {
                offset,
                what: "an interface description that can't be read",
            });
        };
        if self.interfaces.len() == MAX_INTERFACES {
            return Err(PcapError::Malformed {
                offset,
                what: "more than 65,536 interfaces",
            });
        }
        let number = description.linktype.0 as u32;
        let link_type = LinkType::from_number(number);
        let ticks_per_second = ticks_per_second(&description).ok_or(PcapError::Malformed {
            offset,
            what: "an interface whose time resolution is finer than 64 bits can count",
        })?;
        self.interfaces.push(Interface {
            link_type,
            ticks_per_second,
            offset_seconds: self.offset_seconds(&description),
            snap_bytes: description.snaplen,
        });
        if link_type.is_none() {
            return Err(PcapError::LinkType {
                offset,
                link_type: number,
            });
        }
        Ok(())
    }

    /// pcap-parser 0.17 reads if_tsoffset little endian in either section.
    fn offset_seconds(&self, description: &InterfaceDescriptionBlock<'_>) -> i64 {
        if self.big_endian {
            description.if_tsoffset.swap_bytes()
        } else {
            description.if_tsoffset
        }
    }

    fn enhanced_packet(&self, block: &[u8], offset: u64) -> Result<Record, PcapError> {
        let parsed = if self.big_endian {
            parse_enhancedpacketblock_be(block)
        } else {
            parse_enhancedpacketblock_le(block)
        };
        let Ok((_, packet)) = parsed else {
            return Err(PcapError::Malformed {
                offset,
                what: "an enhanced packet block that can't be read",
            });
        };
        let interface = self.interface_of(packet.if_id, offset)?;
        let data = packet.packet_data();
        Ok(Record {
            epoch: epoch(&packet, interface),
            link_type: interface.link_type,
            cut_bytes: (packet.origlen as usize).saturating_sub(data.len()),
            data: Bytes::copy_from_slice(data),
        })
    }

    fn simple_packet(&self, block: &[u8], offset: u64) -> Result<Record, PcapError> {
        let parsed = if self.big_endian {
            parse_simplepacketblock_be(block)
        } else {
            parse_simplepacketblock_le(block)
        };
        let Ok((_, packet)) = parsed else {
            return Err(PcapError::Malformed {
                offset,
                what: "a simple packet block that can't be read",
            });
        };
        let interface = self.interface_of(0, offset)?;
        let mut data = packet.packet_data();
        if interface.snap_bytes > 0 {
            data = data.get(..interface.snap_bytes as usize).unwrap_or(data);
        }
        Ok(Record {
            epoch: self.last_epoch,
            link_type: interface.link_type,
            cut_bytes: (packet.origlen as usize).saturating_sub(data.len()),
            data: Bytes::copy_from_slice(data),
        })
    }

    fn interface_of(&self, number: u32, offset: u64) -> Result<&Interface, PcapError> {
        self.interfaces
            .get(number as usize)
            .ok_or(PcapError::UnknownInterface {
                offset,
                interface: number,
            })
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }
}

/// if_tsresol: 10^-n, or 2^-n with the highest bit set. pcap-parser 0.17 refuses the latter.
fn ticks_per_second(description: &InterfaceDescriptionBlock<'_>) -> Option<u64> {
    let exponent = u32::from(description.if_tsresol & 0x7F);
    if description.if_tsresol & 0x80 == 0 {
        10_u64.checked_pow(exponent)
    } else {
        1_u64.checked_shl(exponent)
    }
}

fn epoch(packet: &EnhancedPacketBlock<'_>, interface: &Interface) -> Duration {
    let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
    let per_second = interface.ticks_per_second;
    let seconds = (ticks / per_second).saturating_add_signed(interface.offset_seconds);
    let fraction = u128::from(ticks % per_second) * 1_000_000_000 / u128::from(per_second);
    Duration::from_secs(seconds).saturating_add(Duration::from_nanos(fraction as u64))
}

const SECTION_HEADER: [u8; 4] = [0x0A, 0x0D, 0x0D, 0x0A];
const INTERFACE_DESCRIPTION: u32 = 0x0000_0001;
const SIMPLE_PACKET: u32 = 0x0000_0003;
const ENHANCED_PACKET: u32 = 0x0000_0006;

/// Block type, total length, total length again.
const MIN_BLOCK_BYTES: usize = 12;
/// Block type, total length, byte-order magic: what it takes to know the byte order.
const SECTION_PROLOGUE_BYTES: usize = 12;
const MIN_SECTION_HEADER_BYTES: usize = 28;
/// A packet, its block's fixed fields, and options (comments, hashes, verdicts).
const MAX_BLOCK_BYTES: usize = MAX_RECORD_BYTES + 65_536;
/// More interfaces than any host has: what is beyond is damage, and memory must stay bounded.
const MAX_INTERFACES: usize = 65_536;
