//! What the ends of a call send: recorded speech as RTP, encrypted where asked.

use squelch_media::rtp::{PayloadType, RtpTime, Ssrc, View, build};
use squelch_media::srtp::{MasterKey, Protector, Suite};
use squelch_media::{Format, Side};
use squelch_pcap::Reader;
use std::io::{Error, Result};

/// Bytes in a packet of 20 ms.
pub(crate) const FRAME: usize = 160;

/// 20 ms frames of the speech in pcap-samples, in `format`.
pub(crate) fn speech(format: Format) -> Result<Vec<[u8; FRAME]>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/pcap-samples/clean-pcmu.pcap");
    let mut frames = Vec::new();
    for packet in Reader::new(std::fs::File::open(path)?).map_err(Error::other)? {
        let packet = packet.map_err(Error::other)?;
        let view = View::parse(&packet.payload).map_err(|_| Error::other("no RTP"))?;
        if let Ok(mut frame) = <[u8; FRAME]>::try_from(view.payload()) {
            if format == Format::Pcma {
                let (from, to) = (Format::Pcmu.law(), Format::Pcma.law());
                squelch_g711::convert_in_place(from, to, &mut frame);
            }
            frames.push(frame);
        }
    }
    Ok(frames)
}

/// The key that a leg's peer sends with, and the one that squelch does.
pub(crate) fn keys(side: Side) -> (MasterKey, MasterKey) {
    let suite = Suite::AesCm128HmacSha1_80;
    let key = |fill: u8| MasterKey::new(suite, &[fill; 30]).expect("16 bytes of key, 14 of salt");
    match side {
        Side::Carrier => (key(1), key(2)),
        Side::Openai => (key(3), key(4)),
    }
}

/// One end's stream: the same packet again and again, with another number, time and payload.
pub(crate) struct Stream {
    buffer: [u8; 256],
    sequence: u16,
    timestamp: u32,
    protector: Option<Protector>,
}

impl Stream {
    pub(crate) fn new(ssrc: u32, number: u8, side: Side, encrypted: bool) -> Stream {
        let number = PayloadType::new(number).expect("seven bits");
        let packet = build(number, false, 0, RtpTime(0), Ssrc(ssrc), &[0; FRAME]);
        let packet = packet.expect("a packet");
        let mut buffer = [0; 256];
        buffer[..packet.len()].copy_from_slice(&packet);
        Stream {
            buffer,
            sequence: 0,
            timestamp: 0,
            protector: encrypted.then(|| Protector::new(&keys(side).0)),
        }
    }

    /// The next packet, and its sequence number.
    pub(crate) fn next(&mut self, payload: &[u8; FRAME]) -> (u16, &[u8]) {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        self.buffer[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        self.buffer[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        self.buffer[HEADER..HEADER + FRAME].copy_from_slice(payload);
        let mut length = HEADER + FRAME;
        if let Some(protector) = &mut self.protector {
            length = protector
                .protect_rtp(&mut self.buffer, length)
                .expect("room for the tag");
        }
        (self.sequence, &self.buffer[..length])
    }
}

/// RTP's fixed header.
pub(crate) const HEADER: usize = 12;
