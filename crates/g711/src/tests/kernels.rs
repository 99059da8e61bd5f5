//! Every kernel that this machine has, against single samples.

use super::{cases, lengths, starts};
use crate::{ByteOrder, Kernel, Law, convert_in_place};
use std::vec::Vec;

const LAWS: [Law; 2] = [Law::Mu, Law::A];
const ORDERS: [ByteOrder; 2] = [ByteOrder::Little, ByteOrder::Big];

fn decoded(law: Law, codes: &[u8]) -> Vec<i16> {
    codes.iter().map(|code| law.decode_sample(*code)).collect()
}

fn encoded(law: Law, pcm: &[i16]) -> Vec<u8> {
    pcm.iter()
        .map(|sample| law.encode_sample(*sample))
        .collect()
}

fn bytes(order: ByteOrder, pcm: &[i16]) -> Vec<u8> {
    let bytes = |sample: &i16| match order {
        ByteOrder::Little => sample.to_le_bytes(),
        ByteOrder::Big => sample.to_be_bytes(),
    };
    pcm.iter().flat_map(bytes).collect()
}

fn other(law: Law) -> Law {
    match law {
        Law::Mu => Law::A,
        Law::A => Law::Mu,
    }
}

/// All functions of a kernel give what single samples give.
fn agrees(kernel: Kernel, law: Law, codes: &[u8], pcm: &[i16]) {
    let name = kernel.name();
    let mut out = std::vec![0x5A5A; codes.len()];
    kernel.decode(law, codes, &mut out);
    assert!(out == decoded(law, codes), "{name} decode {law:?}");
    let mut out = std::vec![0xA5; pcm.len()];
    kernel.encode(law, pcm, &mut out);
    assert!(out == encoded(law, pcm), "{name} encode {law:?}");
    for order in ORDERS {
        let mut out = std::vec![0x5A; 2 * codes.len()];
        kernel.decode_bytes(law, order, codes, &mut out);
        let want = bytes(order, &decoded(law, codes));
        assert!(out == want, "{name} decode {law:?} {order:?}");
        let mut out = std::vec![0xA5; pcm.len()];
        kernel.encode_bytes(law, order, &bytes(order, pcm), &mut out);
        assert!(out == encoded(law, pcm), "{name} encode {law:?} {order:?}");
    }
    let to = other(law);
    let mut want = codes.to_vec();
    Kernel::SCALAR.convert_in_place(law, to, &mut want);
    let mut out = codes.to_vec();
    kernel.convert_in_place(law, to, &mut out);
    assert!(out == want, "{name} convert {law:?} in place");
    out.fill(0xA5);
    kernel.convert(law, to, codes, &mut out);
    assert!(out == want, "{name} convert {law:?}");
}

#[test]
fn for_every_code_and_sample() {
    let codes: Vec<u8> = (0..=255).collect();
    let step = if cfg!(miri) { 257 } else { 1 };
    let samples: Vec<i16> = (i16::MIN..=i16::MAX).step_by(step).collect();
    for kernel in Kernel::available() {
        for law in LAWS {
            agrees(kernel, law, &codes, &samples);
        }
    }
}

/// Any length at any alignment, and not a byte beside it.
#[test]
fn for_every_length_and_alignment() {
    /// What stands where nothing may be written.
    const BESIDE: u8 = 0x5A;
    let (lengths, starts) = (lengths(), starts());
    let codes: Vec<u8> = (0..2_048).map(|i| (i * 89 % 251) as u8).collect();
    let pcm: Vec<i16> = (0..1_024_i32).map(|i| (i * 7_919) as i16).collect();
    let untouched = std::vec![BESIDE; 64 + 2 * 1_024 + 64];
    let mut room = untouched.clone();
    for kernel in Kernel::available() {
        for law in LAWS {
            let decoded = decoded(law, &codes);
            let encoded = encoded(law, &pcm);
            let mut converted = codes.clone();
            convert_in_place(law, other(law), &mut converted);
            for order in ORDERS {
                let (decoded, pcm) = (bytes(order, &decoded), bytes(order, &pcm));
                for length in &lengths {
                    let length = *length;
                    for start in starts.clone() {
                        let told = (kernel.name(), law, order, length, start);
                        let read = start..start + length;
                        let mut hold = |got: &dyn Fn(&mut [u8]), want: &[u8]| {
                            let written = start..start + want.len();
                            got(&mut room[written.clone()]);
                            assert!(room[written.clone()] == *want, "{told:?}");
                            room[written.clone()].fill(BESIDE);
                            // A register's length to both sides.
                            let near = written.start.saturating_sub(64)..written.end + 64;
                            assert!(
                                room[near] == untouched[..want.len() + 64 + start.min(64)],
                                "{told:?}"
                            );
                        };
                        hold(
                            &|out| kernel.decode_bytes(law, order, &codes[read.clone()], out),
                            &decoded[2 * start..2 * (start + length)],
                        );
                        if start + length <= 1_024 {
                            let bytes = 2 * start..2 * (start + length);
                            hold(
                                &|out| kernel.encode_bytes(law, order, &pcm[bytes.clone()], out),
                                &encoded[read.clone()],
                            );
                        }
                        if order == ByteOrder::Little {
                            let (to, codes) = (other(law), &codes[read.clone()]);
                            let want = &converted[read.clone()];
                            hold(&|out| kernel.convert(law, to, codes, out), want);
                            let in_place = |out: &mut [u8]| {
                                out.copy_from_slice(codes);
                                kernel.convert_in_place(law, to, out);
                            };
                            hold(&in_place, want);
                        }
                    }
                }
            }
        }
    }
}

/// More than any cache holds, where stores may pass the caches by: from the start of a line, from within one, and
/// from an odd byte.
#[test]
#[cfg_attr(miri, ignore = "megabytes")]
fn for_what_no_cache_holds() {
    const COUNT: usize = (5 << 20) + 77;
    let codes: Vec<u8> = (0..COUNT).map(|i| (i * 89 % 251) as u8).collect();
    let mut room = std::vec![0_u8; 2 * COUNT + 64];
    for kernel in Kernel::available() {
        for (law, order, start) in [
            (Law::Mu, ByteOrder::Little, 0),
            (Law::A, ByteOrder::Big, 6),
            (Law::A, ByteOrder::Little, 5),
        ] {
            let want = bytes(order, &decoded(law, &codes));
            kernel.decode_bytes(law, order, &codes, &mut room[start..start + 2 * COUNT]);
            assert!(
                room[start..start + 2 * COUNT] == want,
                "{} {law:?} {start}",
                kernel.name()
            );
        }
    }
}

#[test]
fn the_shorter_slice_says_how_much() {
    for kernel in Kernel::available() {
        let mut pcm = [7; 3];
        kernel.decode(Law::Mu, &[0xFF], &mut pcm);
        assert_eq!(pcm, [0, 7, 7], "{}", kernel.name());
        let mut bytes = [7; 5];
        kernel.decode_bytes(Law::Mu, ByteOrder::Big, &[0xFF; 9], &mut bytes);
        assert_eq!(bytes, [0, 0, 0, 0, 7], "{}", kernel.name());
        let mut codes = [7; 3];
        kernel.encode_bytes(Law::Mu, ByteOrder::Big, &[0, 0, 0], &mut codes);
        assert_eq!(codes, [0xFF, 7, 7], "{}", kernel.name());
        kernel.convert(Law::Mu, Law::A, &[0xFF, 0xFF], &mut codes[..1]);
        assert_eq!(codes, [0xD5, 7, 7], "{}", kernel.name());
    }
}

proptest::proptest! {
    #![proptest_config(cases())]

    /// Whatever is in a slice, whole: the other tests look at every value once, or at one pattern.
    #[test]
    fn for_anything(
        codes in proptest::collection::vec(proptest::num::u8::ANY, 0..3_000),
        samples in proptest::collection::vec(proptest::num::i16::ANY, 0..3_000),
    ) {
        for law in LAWS {
            for kernel in Kernel::available() {
                agrees(kernel, law, &codes, &samples);
            }
        }
    }
}
