//! G.711's kernels beside memcpy and beside audio-codec-algorithms, the crate that is as exact as ours.
//!
//! Speech from pcap-samples; a row works through all of it packet by packet, so that no branch predictor learns a
//! single packet by heart.

mod side_by_side;

use side_by_side::{Group, speech};
use squelch_g711::{Kernel, Law};
use std::hint::black_box;

/// 20 ms at 8 kHz; what stays in the second cache; what is in no cache (64 MiB of samples).
const SIZES: [usize; 3] = [160, 16 * 1_024, 32 * 1_024 * 1_024];

/// Calls `f` with one block of `size` after another, over and over.
fn packets<'a, T, U>(
    size: usize,
    all: &'a [T],
    mut f: impl FnMut(&'a [T]) -> U + 'a,
) -> impl FnMut() -> U + 'a {
    let mut next = all.chunks_exact(size).cycle();
    move || f(black_box(next.next().unwrap_or_default()))
}

/// A block that begins with a cache line, so that rows differ by their work and not by where they write.
struct Block<T> {
    room: Vec<T>,
    start: usize,
    size: usize,
}

impl<T: Copy> Block<T> {
    fn new(value: T, size: usize) -> Block<T> {
        let room = vec![value; size + LINE];
        let start = room.as_ptr().align_offset(LINE).min(LINE);
        Block { room, start, size }
    }

    fn all(&mut self) -> &mut [T] {
        &mut self.room[self.start..self.start + self.size]
    }
}

/// **Units**: bytes; at least as many elements.
const LINE: usize = 64;

fn ours(kernel: Kernel) -> String {
    format!("squelch-g711, {}", kernel.name())
}

fn decode(
    size: usize,
    name: &str,
    law: Law,
    theirs: impl Fn(u8) -> i16,
    codes: &[u8],
    pcm: &[i16],
) {
    let mut group = Group::new(format!("decode {name}, {size} samples"), "block");
    let (mut a, mut c) = (Block::new(0_i16, size), Block::new(0_i16, size));
    group
        .row(
            "memcpy of the samples",
            packets(size, pcm, move |packet| {
                a.all().copy_from_slice(packet);
                black_box(a.all());
            }),
        )
        .row(
            "audio-codec-algorithms 0.8",
            packets(size, codes, move |packet| {
                for (sample, code) in c.all().iter_mut().zip(packet) {
                    *sample = theirs(*code);
                }
                black_box(c.all());
            }),
        );
    for kernel in Kernel::available() {
        let mut b = Block::new(0_i16, size);
        let row = packets(size, codes, move |packet| {
            kernel.decode(law, packet, b.all());
            black_box(b.all());
        });
        group.row(ours(kernel), row);
    }
    group.run();
}

fn encode(size: usize, name: &str, law: Law, theirs: impl Fn(i16) -> u8, pcm: &[i16]) {
    let mut group = Group::new(format!("encode {name}, {size} samples"), "block");
    let (mut a, mut c) = (Block::new(0_i16, size), Block::new(0_u8, size));
    group
        .row(
            "memcpy of the samples",
            packets(size, pcm, move |packet| {
                a.all().copy_from_slice(packet);
                black_box(a.all());
            }),
        )
        .row(
            "audio-codec-algorithms 0.8",
            packets(size, pcm, move |packet| {
                for (code, sample) in c.all().iter_mut().zip(packet) {
                    *code = theirs(*sample);
                }
                black_box(c.all());
            }),
        );
    for kernel in Kernel::available() {
        let mut b = Block::new(0_u8, size);
        let row = packets(size, pcm, move |packet| {
            kernel.encode(law, packet, b.all());
            black_box(b.all());
        });
        group.row(ours(kernel), row);
    }
    group.run();
}

fn convert(
    size: usize,
    name: &str,
    (from, to): (Law, Law),
    theirs: impl Fn(u8) -> u8,
    codes: &[u8],
) {
    let mut group = Group::new(format!("convert {name}, {size} samples"), "block");
    let (mut a, mut c) = (Block::new(0_u8, size), Block::new(0_u8, size));
    group
        .row(
            "memcpy of the codes",
            packets(size, codes, move |packet| {
                a.all().copy_from_slice(packet);
                black_box(a.all());
            }),
        )
        .row(
            "audio-codec-algorithms 0.8",
            packets(size, codes, move |packet| {
                for (code, from) in c.all().iter_mut().zip(packet) {
                    *code = theirs(*from);
                }
                black_box(c.all());
            }),
        );
    for kernel in Kernel::available() {
        let mut b = Block::new(0_u8, size);
        let row = packets(size, codes, move |packet| {
            b.all().copy_from_slice(packet);
            kernel.convert_in_place(from, to, b.all());
            black_box(b.all());
        });
        group.row(format!("{}, after a copy", ours(kernel)), row);
    }
    group.run();
}

fn main() {
    use audio_codec_algorithms as peer;
    let spoken = speech::mu_law();
    for size in SIZES {
        // As much speech as a block takes, or all there is.
        let mu: Vec<u8> = spoken
            .iter()
            .copied()
            .cycle()
            .take(size.max(spoken.len()))
            .collect();
        let mut pcm = vec![0; mu.len()];
        Law::Mu.decode(&mu, &mut pcm);
        let mut a = vec![0; mu.len()];
        Law::A.encode(&pcm, &mut a);
        decode(size, "mu-law", Law::Mu, peer::decode_ulaw, &mu, &pcm);
        decode(size, "A-law", Law::A, peer::decode_alaw, &a, &pcm);
        encode(size, "mu-law", Law::Mu, peer::encode_ulaw, &pcm);
        encode(size, "A-law", Law::A, peer::encode_alaw, &pcm);
        let to_a = (Law::Mu, Law::A);
        convert(
            size,
            "mu-law to A-law",
            to_a,
            peer::convert_ulaw_to_alaw,
            &mu,
        );
        let to_mu = (Law::A, Law::Mu);
        convert(
            size,
            "A-law to mu-law",
            to_mu,
            peer::convert_alaw_to_ulaw,
            &a,
        );
    }
}
