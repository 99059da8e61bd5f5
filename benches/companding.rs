//! G.711's kernels beside memcpy and beside audio-codec-algorithms, the crate that is as exact as ours.
//!
//! Speech from pcap-samples; a row works through all of it packet by packet, so that no branch predictor learns a
//! single packet by heart.

mod side_by_side;

use side_by_side::{Group, speech};
use squelch_g711::{Kernel, Law};
use std::hint::black_box;

/// 20 ms at 8 kHz.
const PACKET: usize = 160;

/// Calls `f` with one packet after another, over and over.
fn packets<'a, T, U>(all: &'a [T], mut f: impl FnMut(&'a [T]) -> U + 'a) -> impl FnMut() -> U + 'a {
    let mut next = all.chunks_exact(PACKET).cycle();
    move || f(black_box(next.next().unwrap_or_default()))
}

fn ours(kernel: Kernel) -> String {
    format!("squelch-g711, {}", kernel.name())
}

fn decode(name: &str, law: Law, theirs: impl Fn(u8) -> i16, codes: &[u8], pcm: &[i16]) {
    let mut group = Group::new(format!("decode {name}"), "packet of 160 samples");
    let (mut a, mut c) = ([0_i16; PACKET], [0_i16; PACKET]);
    group
        .row(
            "memcpy of the samples",
            packets(pcm, move |packet| {
                a.copy_from_slice(packet);
                black_box(&a);
            }),
        )
        .row(
            "audio-codec-algorithms 0.8",
            packets(codes, move |packet| {
                for (sample, code) in c.iter_mut().zip(packet) {
                    *sample = theirs(*code);
                }
                black_box(&c);
            }),
        );
    for kernel in Kernel::available() {
        let mut b = [0_i16; PACKET];
        let row = packets(codes, move |packet| {
            kernel.decode(law, packet, &mut b);
            black_box(&b);
        });
        group.row(ours(kernel), row);
    }
    group.run();
}

fn encode(name: &str, law: Law, theirs: impl Fn(i16) -> u8, pcm: &[i16]) {
    let mut group = Group::new(format!("encode {name}"), "packet of 160 samples");
    let (mut a, mut c) = ([0_i16; PACKET], [0_u8; PACKET]);
    group
        .row(
            "memcpy of the samples",
            packets(pcm, move |packet| {
                a.copy_from_slice(packet);
                black_box(&a);
            }),
        )
        .row(
            "audio-codec-algorithms 0.8",
            packets(pcm, move |packet| {
                for (code, sample) in c.iter_mut().zip(packet) {
                    *code = theirs(*sample);
                }
                black_box(&c);
            }),
        );
    for kernel in Kernel::available() {
        let mut b = [0_u8; PACKET];
        let row = packets(pcm, move |packet| {
            kernel.encode(law, packet, &mut b);
            black_box(&b);
        });
        group.row(ours(kernel), row);
    }
    group.run();
}

fn convert(name: &str, from: Law, to: Law, theirs: impl Fn(u8) -> u8, codes: &[u8]) {
    let mut group = Group::new(format!("convert {name}"), "packet of 160 samples");
    let (mut a, mut c) = ([0_u8; PACKET], [0_u8; PACKET]);
    group
        .row(
            "memcpy of the codes",
            packets(codes, move |packet| {
                a.copy_from_slice(packet);
                black_box(&a);
            }),
        )
        .row(
            "audio-codec-algorithms 0.8",
            packets(codes, move |packet| {
                for (code, from) in c.iter_mut().zip(packet) {
                    *code = theirs(*from);
                }
                black_box(&c);
            }),
        );
    for kernel in Kernel::available() {
        let mut b = [0_u8; PACKET];
        let row = packets(codes, move |packet| {
            b.copy_from_slice(packet);
            kernel.convert_in_place(from, to, &mut b);
            black_box(&b);
        });
        group.row(format!("{}, after a copy", ours(kernel)), row);
    }
    group.run();
}

fn main() {
    use audio_codec_algorithms as peer;
    let mu = speech::mu_law();
    let mut pcm = vec![0; mu.len()];
    Law::Mu.decode(&mu, &mut pcm);
    let mut a = vec![0; mu.len()];
    Law::A.encode(&pcm, &mut a);
    decode("mu-law", Law::Mu, peer::decode_ulaw, &mu, &pcm);
    decode("A-law", Law::A, peer::decode_alaw, &a, &pcm);
    encode("mu-law", Law::Mu, peer::encode_ulaw, &pcm);
    encode("A-law", Law::A, peer::encode_alaw, &pcm);
    convert(
        "mu-law to A-law",
        Law::Mu,
        Law::A,
        peer::convert_ulaw_to_alaw,
        &mu,
    );
    convert(
        "A-law to mu-law",
        Law::A,
        Law::Mu,
        peer::convert_alaw_to_ulaw,
        &a,
    );
}
