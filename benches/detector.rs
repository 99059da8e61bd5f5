//! What the detector costs a packet, by what the packet holds, beside the least that inspecting one can cost: a
//! copy of it, decoding it once, and one score over its bytes by each kernel.

mod side_by_side;
#[path = "side_by_side/speech.rs"]
mod speech;

use side_by_side::Group;
use squelch_g711::{Kernel, Law, Weights};
use squelch_media::detect::Detector;
use squelch_sim::sound::{self, Misreader, pcm16_bytes};
use std::hint::black_box;
use std::time::Duration;

/// 20 ms of G.711.
const PACKET: usize = 160;

/// A row that hands a detector one packet after another, 20 ms apart.
fn observe(bytes: &[u8], size: usize) -> impl FnMut() + '_ {
    let mut detector = Detector::new(Law::Mu);
    let mut packets = bytes.chunks_exact(size).cycle();
    let mut at = Duration::ZERO;
    move || {
        at += Duration::from_millis(20);
        let payload = packets.next().unwrap_or_default();
        black_box(detector.observe(at, black_box(payload)));
    }
}

fn main() {
    let speech = speech::mu_law();
    let noise = Misreader::default().run(sound::Law::Mu, &speech.repeat(6));
    let samples = sound::Law::Mu.decode_all(&speech);
    let pcm16 = pcm16_bytes(&samples);
    let grown = pcm16_bytes(&sound::triple_rate(&samples));
    // The values do not matter: a look-up takes as long for any.
    let weights = Weights::new(std::array::from_fn(|byte| (byte as u8).cast_signed()));
    let silence = vec![Law::Mu.silence(); 64 * PACKET];

    let (mut copy, mut pcm) = ([0_u8; PACKET], [0_i16; PACKET]);
    let mut copied = speech.chunks_exact(PACKET).cycle();
    let mut decoded = speech.chunks_exact(PACKET).cycle();
    let mut group = Group::new("Detector::observe", "packet of 20 ms", 1);
    group
        .row("memcpy of the payload", move || {
            copy.copy_from_slice(black_box(copied.next().unwrap_or_default()));
            black_box(&copy);
        })
        .row("decoding the payload", move || {
            Law::Mu.decode(black_box(decoded.next().unwrap_or_default()), &mut pcm);
            black_box(&pcm);
        });
    for kernel in Kernel::available() {
        let (weights, mut scored) = (&weights, speech.chunks_exact(PACKET).cycle());
        group.row(
            format!("Weights::score, 160 bytes, {}", kernel.name()),
            move || kernel.score(weights, black_box(scored.next().unwrap_or_default())),
        );
    }
    group
        .row("observe: silence, 160 bytes", observe(&silence, PACKET))
        .row("observe: speech, 160 bytes", observe(&speech, PACKET))
        .row("observe: static, 160 bytes", observe(&noise, PACKET))
        .row("observe: PCM16, 160 bytes", observe(&pcm16, PACKET))
        .row(
            "observe: PCM16 at 24 kHz, 960 bytes",
            observe(&grown, 6 * PACKET),
        )
        .run();
}
