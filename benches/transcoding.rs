//! What a packet of 20 ms costs from one format to another, beside a copy of it.
//!
//! Opus takes part where it is built in: `--features squelch/opus`.

mod side_by_side;
#[path = "side_by_side/speech.rs"]
mod speech;

use side_by_side::Group;
use squelch_g711::ByteOrder;
use squelch_g711::Law;
use squelch_media::audio::format::{AudioFormat, SampleRate};
use squelch_media::audio::transcode::Transcoder;
use squelch_media::rtp::{Ptime, RtpTime};
use std::hint::black_box;

/// 20 ms of G.711.
const PACKET: usize = 160;

/// A row that hands a transcoder one packet after another; none if it can't be made.
fn transcode(
    bytes: &[u8],
    from: AudioFormat,
    to: AudioFormat,
    out_ms: u16,
) -> Option<impl FnMut() + '_> {
    let out_ptime = Ptime::from_ms(out_ms)?;
    let mut transcoder = Transcoder::new(from, to, Ptime::DEFAULT, out_ptime).ok()?;
    let mut packets = bytes.chunks_exact(from.frame_bytes(Ptime::DEFAULT)).cycle();
    let (mut at, mut out) = (RtpTime(0), vec![0; to.frame_bytes(out_ptime)]);
    Some(move || {
        let pushed = transcoder.push(at, black_box(packets.next().unwrap_or_default()));
        at = at.plus(from.clock_rate() / 50);
        assert!(pushed.is_ok());
        while let Ok(Some(frame)) = transcoder.pop(&mut out) {
            black_box(frame);
        }
        black_box(&out);
    })
}

fn main() {
    let speech = speech::mu_law();
    let (mu, a) = (AudioFormat::Pcmu, AudioFormat::Pcma);
    let pcm16 = |rate, order| AudioFormat::Pcm16 { rate, order };
    let little = pcm16(SampleRate::Hz8000, ByteOrder::Little);
    let big = pcm16(SampleRate::Hz8000, ByteOrder::Big);
    let wide = pcm16(SampleRate::Hz24000, ByteOrder::Little);
    // Three times each sample: what it sounds like costs nothing.
    let tripled: Vec<u8> = speech
        .iter()
        .flat_map(|code| Law::Mu.decode_sample(*code).to_le_bytes().repeat(3))
        .collect();
    let mut copy = [0_u8; PACKET];
    let mut copied = speech.chunks_exact(PACKET).cycle();
    let mut group = Group::new("Transcoder", "packet of 20 ms", 1);
    group.row("memcpy of the payload", move || {
        copy.copy_from_slice(black_box(copied.next().unwrap_or_default()));
        black_box(&copy);
    });
    for (name, bytes, from, to, out_ms) in [
        ("mu-law to mu-law", &speech, mu, mu, 20),
        ("mu-law to mu-law, 60 ms", &speech, mu, mu, 60),
        ("mu-law to A-law", &speech, mu, a, 20),
        (
            "mu-law to PCM16 at 8 kHz, little-endian",
            &speech,
            mu,
            little,
            20,
        ),
        ("mu-law to PCM16 at 8 kHz, big-endian", &speech, mu, big, 20),
        ("mu-law to PCM16 at 24 kHz", &speech, mu, wide, 20),
        ("PCM16 at 24 kHz to mu-law", &tripled, wide, mu, 20),
        ("mu-law to Opus", &speech, mu, AudioFormat::Opus, 20),
    ] {
        if let Some(row) = transcode(bytes, from, to, out_ms) {
            group.row(name, row);
        }
    }
    group.run();
}
