//! Sounds for tests: what the sample captures carry, and WAV files made of it.

use std::fs::File;
use std::path::{Path, PathBuf};

use squelch_media::rtp::View;

pub(crate) fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcap-samples")
}

/// The payloads of the first stream with payload type `payload_type` in a sample, one after the other.
pub(crate) fn codes(name: &str, payload_type: u8) -> Vec<u8> {
    let file = File::open(samples().join(name)).expect("a sample");
    let mut ssrc = None;
    let mut codes = Vec::new();
    for packet in squelch_pcap::Reader::new(file).expect("a capture") {
        let packet = packet.expect("a packet");
        let Ok(rtp) = View::parse(&packet.payload) else {
            continue;
        };
        let ours = rtp.payload_type().number() == payload_type;
        if ours && *ssrc.get_or_insert(rtp.ssrc()) == rtp.ssrc() {
            codes.extend(rtp.payload());
        }
    }
    codes
}

/// A WAV file of the tag (1 linear, 6 A-law, 7 mu-law).
pub(crate) fn wav(tag: u16, channels: u16, rate_hz: u32, data: &[u8]) -> Vec<u8> {
    let bytes: u16 = if tag == 1 { 2 } else { 1 };
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0");
    file.extend(tag.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate_hz.to_le_bytes());
    file.extend((rate_hz * u32::from(bytes * channels)).to_le_bytes());
    file.extend((bytes * channels).to_le_bytes());
    file.extend((bytes * 8).to_le_bytes());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}
