//! G.711's kernels beside memcpy, libavcodec, spandsp, and the crate that is as exact as ours.
//!
//! Speech from pcap-samples; a row works through all of it block by block, so that no branch predictor learns a
//! single block by heart. First is told in how many codes and samples each peer differs from squelch-g711.

mod peers;
mod side_by_side;
#[path = "side_by_side/speech.rs"]
mod speech;

use audio_codec_algorithms as exact;
use peers::{Coder, Peer, Task};
use side_by_side::Group;
use squelch_g711::{ByteOrder, Kernel, Law};
use std::hint::black_box;

/// A call that has next to nothing to do; 20 ms at 8 kHz; what stays in the second cache; what is in no cache (64
/// MiB of samples).
const SIZES: [usize; 4] = [1, 160, 16 * 1_024, 32 * 1_024 * 1_024];
const LAWS: [Law; 2] = [Law::Mu, Law::A];

fn main() {
    let peers = peers::load();
    tell_differences(&peers);
    let spoken = speech::mu_law();
    for size in SIZES {
        // As much speech as a block takes, or all there is.
        let long = size.max(spoken.len());
        let mu: Vec<u8> = spoken.iter().copied().cycle().take(long).collect();
        let mut pcm = vec![0; mu.len()];
        Law::Mu.decode(&mu, &mut pcm);
        for law in LAWS {
            let mut codes = vec![0; mu.len()];
            law.encode(&pcm, &mut codes);
            decode(size, law, &codes, &pcm, &peers);
            encode(size, law, &pcm, &peers);
            convert(size, law, &codes, &peers);
        }
    }
}

fn decode(size: usize, law: Law, codes: &[u8], pcm: &[i16], peers: &[Peer]) {
    let mut group = Group::new(
        format!("decode {}, {size} samples", name(law)),
        "block",
        batch(size),
    );
    group.row(
        "memcpy of the samples",
        blocks(size, pcm, <[i16]>::copy_from_slice),
    );
    for (label, coder) in coders(peers, law, Task::Decode) {
        group.row(label, peer_blocks(size, codes, coder));
    }
    match law {
        Law::Mu => group.row(CRATE, blocks(size, codes, each(exact::decode_ulaw))),
        Law::A => group.row(CRATE, blocks(size, codes, each(exact::decode_alaw))),
    };
    for kernel in Kernel::available() {
        let decode = move |to: &mut [i16], from: &[u8]| kernel.decode(law, from, to);
        group.row(ours(kernel), blocks(size, codes, decode));
    }
    let swapped = move |to: &mut [[u8; 2]], from: &[u8]| {
        law.decode_bytes(ByteOrder::Big, from, to.as_flattened_mut());
    };
    group.row(
        "squelch-g711, to big-endian bytes",
        blocks(size, codes, swapped),
    );
    group.run();
}

fn encode(size: usize, law: Law, pcm: &[i16], peers: &[Peer]) {
    let bytes: Vec<[u8; 2]> = pcm.iter().map(|sample| sample.to_be_bytes()).collect();
    let mut group = Group::new(
        format!("encode {}, {size} samples", name(law)),
        "block",
        batch(size),
    );
    group.row(
        "memcpy of the samples",
        blocks(size, pcm, <[i16]>::copy_from_slice),
    );
    for (label, coder) in coders(peers, law, Task::Encode) {
        group.row(label, peer_blocks(size, pcm, coder));
    }
    match law {
        Law::Mu => group.row(CRATE, blocks(size, pcm, each(exact::encode_ulaw))),
        Law::A => group.row(CRATE, blocks(size, pcm, each(exact::encode_alaw))),
    };
    for kernel in Kernel::available() {
        let encode = move |to: &mut [u8], from: &[i16]| kernel.encode(law, from, to);
        group.row(ours(kernel), blocks(size, pcm, encode));
    }
    let swapped = move |to: &mut [u8], from: &[[u8; 2]]| {
        law.encode_bytes(ByteOrder::Big, from.as_flattened(), to);
    };
    group.row(
        "squelch-g711, from big-endian bytes",
        blocks(size, &bytes, swapped),
    );
    group.run();
}

fn convert(size: usize, from: Law, codes: &[u8], peers: &[Peer]) {
    let to = other(from);
    let title = format!("{} to {}, {size} samples", name(from), name(to));
    let mut group = Group::new(title, "block", batch(size));
    group.row(
        "memcpy of the codes",
        blocks(size, codes, <[u8]>::copy_from_slice),
    );
    for (label, coder) in coders(peers, from, Task::Convert) {
        group.row(label, peer_blocks(size, codes, coder));
    }
    match from {
        Law::Mu => group.row(
            CRATE,
            blocks(size, codes, each(exact::convert_ulaw_to_alaw)),
        ),
        Law::A => group.row(
            CRATE,
            blocks(size, codes, each(exact::convert_alaw_to_ulaw)),
        ),
    };
    for kernel in Kernel::available() {
        let convert = move |out: &mut [u8], codes: &[u8]| kernel.convert(from, to, codes, out);
        group.row(ours(kernel), blocks(size, codes, convert));
    }
    group.run();
}

/// In how many of all codes or samples somebody's answer is not ours.
fn tell_differences(peers: &[Peer]) {
    let codes: Vec<u8> = (0..=255).collect();
    let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    for law in LAWS {
        let (to, name) = (other(law), name(law));
        let (mut pcm, mut encoded, mut converted) = (vec![0; 256], vec![0; 65_536], vec![0; 256]);
        law.decode(&codes, &mut pcm);
        law.encode(&samples, &mut encoded);
        squelch_g711::convert(law, to, &codes, &mut converted);
        for peer in peers {
            let told = [
                differing(peer, law, Task::Decode, &codes, &pcm),
                differing(peer, law, Task::Encode, &samples, &encoded),
                differing(peer, law, Task::Convert, &codes, &converted),
            ];
            let [decode, encode, convert] =
                told.map(|count| count.map_or("-".into(), |n| n.to_string()));
            peers::tell(format_args!(
                "{} differs, {name}: {decode} codes decoded, {encode} samples encoded, {convert} codes to {}",
                peer.name,
                self::name(to)
            ));
        }
    }
}

fn differing<T, U: Copy + Default + PartialEq>(
    peer: &Peer,
    law: Law,
    task: Task,
    input: &[T],
    ours: &[U],
) -> Option<usize> {
    let mut coder = peer.coder(law, task)?;
    let mut theirs = vec![U::default(); ours.len()];
    coder.run(input, &mut theirs);
    Some(theirs.iter().zip(ours).filter(|(a, b)| a != b).count())
}

const CRATE: &str = "audio-codec-algorithms 0.8";

fn ours(kernel: Kernel) -> String {
    format!("squelch-g711, {}", kernel.name())
}

fn name(law: Law) -> &'static str {
    match law {
        Law::Mu => "mu-law",
        Law::A => "A-law",
    }
}

fn other(law: Law) -> Law {
    match law {
        Law::Mu => Law::A,
        Law::A => Law::Mu,
    }
}

/// A function of one element over blocks of them.
fn each<T: Copy, U>(f: impl Fn(T) -> U) -> impl Fn(&mut [U], &[T]) {
    move |to, from| {
        for (to, from) in to.iter_mut().zip(from) {
            *to = f(*from);
        }
    }
}

fn coders(peers: &[Peer], law: Law, task: Task) -> impl Iterator<Item = (&'static str, Coder)> {
    peers
        .iter()
        .filter_map(move |peer| Some((peer.name, peer.coder(law, task)?)))
}

/// So many blocks a run that the step from row to row is nothing beside them.
fn batch(size: usize) -> u32 {
    if size <= 1_024 { 64 } else { 1 }
}

/// A row that reads one block of `all` after another, over and over, and writes what `f` makes of it.
fn blocks<'a, T, U: Copy + Default + 'a>(
    size: usize,
    all: &'a [T],
    f: impl Fn(&mut [U], &[T]) + 'a,
) -> impl FnMut() + 'a {
    let mut out = Block::new(U::default(), size);
    in_turn(size, all, move |block| {
        f(out.all(), block);
        black_box(out.all());
    })
}

/// As `blocks`, by a peer that has somewhere of its own to write to, or writes to where ours do.
fn peer_blocks<'a, T>(size: usize, all: &'a [T], mut coder: Coder) -> impl FnMut() + 'a {
    // Room for either side of the work.
    let mut out = Block::new([0_u8; 2], size);
    in_turn(size, all, move |block| {
        if coder.has_room() {
            coder.run_unread(block);
        } else {
            coder.run(block, out.all());
            black_box(out.all());
        }
    })
}

/// Hands one block of `all` after another to `f`, a batch of them a run.
fn in_turn<'a, T>(size: usize, all: &'a [T], mut f: impl FnMut(&'a [T]) + 'a) -> impl FnMut() + 'a {
    let mut at = 0;
    move || {
        for _ in 0..batch(size) {
            if at + size > all.len() {
                at = 0;
            }
            f(black_box(&all[at..at + size]));
            at += size;
        }
    }
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
