//! Writing.

use std::io::{self, Write};

use ogg::{PacketWriteEndInfo, PacketWriter};
use squelch_media::audio::opus::{Encoder, OpusError};

use super::head::{self, Head};
use super::{CLOCK_HZ, FRAME_MS, rate};

/// Samples into the packets and pages of an Ogg/Opus file.
pub(in super::super) struct OpusSink<W: Write> {
    writer: PacketWriter<'static, W>,
    encoder: Encoder,
    rate_hz: u32,
    /// **Units**: samples at the encoder's rate.
    lookahead: u64,
    /// Samples that are no whole frame yet.
    pending: Vec<i16>,
    /// The packet that was made last: the end is written with the last one.
    held: Option<Vec<u8>>,
    taken: u64,
    packets: u64,
    bytes: u64,
}

impl<W: Write> OpusSink<W> {
    /// Writes what stands before the sound.
    pub(in super::super) fn new(file: W, rate_hz: u32) -> io::Result<OpusSink<W>> {
        let rate = rate(rate_hz).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("Opus has no rate of {rate_hz} Hz"),
            )
        })?;
        let encoder = Encoder::new(rate).map_err(failed)?;
        let lookahead = u64::from(encoder.lookahead_samples().map_err(failed)?);
        let pre_skip = (lookahead * u64::from(CLOCK_HZ / rate_hz)) as u16;
        let mut writer = PacketWriter::new(file);
        let page = PacketWriteEndInfo::EndPage;
        writer.write_packet(Head::write(pre_skip, rate_hz), SERIAL, page, 0)?;
        writer.write_packet(head::tags(), SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        Ok(OpusSink {
            writer,
            encoder,
            rate_hz,
            lookahead,
            pending: Vec::new(),
            held: None,
            taken: 0,
            packets: 0,
            bytes: 0,
        })
    }

    pub(in super::super) fn write(&mut self, samples: &[i16]) -> io::Result<()> {
        self.taken += samples.len() as u64;
        self.take(samples)
    }

    /// Writes the end; gives the writer and the count of bytes of sound.
    pub(in super::super) fn finish(mut self) -> io::Result<(W, u64)> {
        // The last sample comes out of the decoder later by the look-ahead; what is coded beyond that is silence.
        let frame = (self.rate_hz / 1_000 * FRAME_MS) as u64;
        let wanted = (self.taken + self.lookahead).div_ceil(frame).max(1) * frame;
        let silence = vec![0; frame as usize];
        let mut left = wanted - self.taken;
        while left > 0 {
            let now = left.min(frame);
            self.take(silence.get(..now as usize).unwrap_or_default())?;
            left -= now;
        }
        let end = (self.taken + self.lookahead) * u64::from(CLOCK_HZ / self.rate_hz);
        if let Some(packet) = self.held.take() {
            self.put(packet, PacketWriteEndInfo::EndStream, end)?;
        }
        Ok((self.writer.into_inner(), self.bytes))
    }

    fn take(&mut self, samples: &[i16]) -> io::Result<()> {
        self.pending.extend_from_slice(samples);
        let frame = (self.rate_hz / 1_000 * FRAME_MS) as usize;
        let whole = self.pending.len() / frame * frame;
        let pending = std::mem::take(&mut self.pending);
        for pcm in pending.chunks_exact(frame) {
            let mut packet = vec![0; LARGEST_PACKET];
            let length = self.encoder.encode(pcm, &mut packet).map_err(failed)?;
            packet.truncate(length);
            if let Some(held) = self.held.replace(packet) {
                self.packets += 1;
                let end = match self.packets.is_multiple_of(PACKETS_A_PAGE) {
                    true => PacketWriteEndInfo::EndPage,
                    false => PacketWriteEndInfo::NormalPacket,
                };
                let granule = self.packets * u64::from(CLOCK_HZ / 1_000 * FRAME_MS);
                self.put(held, end, granule)?;
            }
        }
        self.pending = pending;
        self.pending.drain(..whole);
        Ok(())
    }

    fn put(&mut self, packet: Vec<u8>, end: PacketWriteEndInfo, granule: u64) -> io::Result<()> {
        self.bytes += packet.len() as u64;
        self.writer.write_packet(packet, SERIAL, end, granule)
    }
}

fn failed(error: OpusError) -> io::Error {
    io::Error::other(error.to_string())
}

/// Tells streams of one file apart; there is one.
const SERIAL: u32 = 1;
/// One second, as RFC 7845 section 3 advises at the most.
const PACKETS_A_PAGE: u64 = 50;
/// Any packet of one frame. **Source**: RFC 6716 section 3.2.1. **Units**: bytes.
const LARGEST_PACKET: usize = 1_275;
