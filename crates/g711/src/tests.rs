//! Every code and every sample against the Recommendation's definition, written here a second time: by the
//! decision values of tables 1 and 2 of G.711, searched, with no bit arithmetic in common with the kernels.

extern crate std;
use crate::{Kernel, Law, convert_in_place};
use std::vec::Vec;

/// The positive half of a law as (lower decision value, output value) for each step, on the 16-bit scale.
fn positive_steps(law: Law) -> Vec<(i32, i32)> {
    let mut steps = Vec::new();
    match law {
        // Table 2a: segment 1 has one step of 1 and fifteen of 2; each next segment doubles; outputs are the middles.
        Law::Mu => {
            let mut decision = 0;
            for segment in 0..8 {
                for step in 0..16 {
                    let width = if segment == 0 && step == 0 {
                        1
                    } else {
                        2 << segment
                    };
                    let output = if segment == 0 && step == 0 {
                        0
                    } else {
                        decision + width / 2
                    };
                    steps.push((decision * 4, output * 4));
                    decision += width;
                }
            }
        }
        // Table 1a: two segments with steps of 2 (on the 13-bit scale), then each doubles.
        Law::A => {
            let mut decision = 0;
            for segment in 0..8_u32 {
                for _ in 0..16 {
                    let width = 2 << segment.saturating_sub(1);
                    steps.push((decision * 8, (decision + width / 2) * 8));
                    decision += width;
                }
            }
        }
    }
    steps
}

/// The character signal of step `index` with its sign, as it stands on the line.
fn code_of(law: Law, index: usize, negative: bool) -> u8 {
    let index = index as u8;
    match law {
        Law::Mu => (if negative { 0x7F } else { 0xFF }) - index,
        Law::A => (index | if negative { 0 } else { 0x80 }) ^ 0x55,
    }
}

#[test]
fn g711_every_code_decodes_to_its_table_value() {
    for law in [Law::Mu, Law::A] {
        for (index, (_, output)) in positive_steps(law).into_iter().enumerate() {
            for negative in [false, true] {
                let code = code_of(law, index, negative);
                let want = if negative { -output } else { output };
                assert_eq!(
                    i32::from(law.decode_sample(code)),
                    want,
                    "{law:?} {code:#04x}"
                );
            }
        }
    }
}

#[test]
fn g711_every_sample_encodes_to_the_step_that_holds_it() {
    for law in [Law::Mu, Law::A] {
        let steps = positive_steps(law);
        for sample in i16::MIN..=i16::MAX {
            let negative = sample < 0;
            // G.191 takes the one's complement of a negative sample.
            let magnitude = i32::from(if negative { !sample } else { sample });
            let index = steps
                .iter()
                .rposition(|(decision, _)| *decision <= magnitude);
            let want = code_of(law, index.unwrap_or(0), negative);
            assert_eq!(law.encode_sample(sample), want, "{law:?} {sample}");
        }
    }
}

#[test]
fn every_code_but_negative_zero_survives_a_round_trip() {
    for code in 0..=255_u8 {
        assert_eq!(Law::A.encode_sample(Law::A.decode_sample(code)), code);
        // Mu-law has two zeros; the negative one comes back as the positive.
        let want = if code == 0x7F { 0xFF } else { code };
        assert_eq!(Law::Mu.encode_sample(Law::Mu.decode_sample(code)), want);
    }
}

#[test]
fn conversion_is_decode_then_encode() {
    for (from, to) in [(Law::Mu, Law::A), (Law::A, Law::Mu), (Law::Mu, Law::Mu)] {
        let mut codes: Vec<u8> = (0..=255).collect();
        convert_in_place(from, to, &mut codes);
        for (code, converted) in (0..=255_u8).zip(codes) {
            if from == to {
                assert_eq!(converted, code);
            } else {
                assert_eq!(converted, to.encode_sample(from.decode_sample(code)));
            }
        }
    }
}

#[test]
fn slices_of_any_length_agree_with_single_samples() {
    for law in [Law::Mu, Law::A] {
        for length in [0, 1, 7, 160, 161, 1024] {
            let codes: Vec<u8> = (0..length).map(|i| (i * 37 % 256) as u8).collect();
            let mut pcm = std::vec![0; length];
            law.decode(&codes, &mut pcm);
            let mut back = std::vec![0; length];
            law.encode(&pcm, &mut back);
            for ((code, sample), again) in codes.iter().zip(&pcm).zip(&back) {
                assert_eq!(*sample, law.decode_sample(*code));
                assert_eq!(*again, law.encode_sample(*sample));
            }
        }
    }
}

#[test]
fn every_kernel_is_the_scalar_one_for_every_code_and_sample() {
    let codes: Vec<u8> = (0..=255).collect();
    let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    for kernel in Kernel::available() {
        for law in [Law::Mu, Law::A] {
            let mut pcm = std::vec![0; codes.len()];
            kernel.decode(law, &codes, &mut pcm);
            for (code, sample) in codes.iter().zip(&pcm) {
                let want = law.decode_sample(*code);
                assert_eq!(*sample, want, "{} {law:?} {code:#04x}", kernel.name());
            }
            let mut encoded = std::vec![0; samples.len()];
            kernel.encode(law, &samples, &mut encoded);
            for (sample, code) in samples.iter().zip(&encoded) {
                let want = law.encode_sample(*sample);
                assert_eq!(*code, want, "{} {law:?} {sample}", kernel.name());
            }
        }
        for (from, to) in [(Law::Mu, Law::A), (Law::A, Law::Mu)] {
            let mut converted = codes.clone();
            kernel.convert_in_place(from, to, &mut converted);
            for (code, converted) in codes.iter().zip(converted) {
                let want = to.encode_sample(from.decode_sample(*code));
                assert_eq!(converted, want, "{} {from:?} {code:#04x}", kernel.name());
            }
        }
    }
}

/// Any length at any alignment, and not a byte beside it.
#[test]
fn every_kernel_keeps_to_its_slices() {
    const ROOM: usize = 64 + 1_024 + 64;
    let codes: Vec<u8> = (0..ROOM).map(|i| (i * 89 % 251) as u8).collect();
    let samples: Vec<i16> = (0..ROOM).map(|i| (i * 7_919) as i16).collect();
    for kernel in Kernel::available() {
        // Lengths around the registers' sizes at every alignment, all others at a few.
        for length in 0..=1_024 {
            let near = length % 16 <= 1 || length % 16 == 15;
            for start in (0..64).step_by(if near { 1 } else { 21 }) {
                let part = start..start + length;
                let law = if length % 2 == 0 { Law::Mu } else { Law::A };
                let mut pcm = [0x5A5A_i16; ROOM];
                kernel.decode(law, &codes[part.clone()], &mut pcm[part.clone()]);
                let mut encoded = [0xA5_u8; ROOM];
                kernel.encode(law, &samples[part.clone()], &mut encoded[part.clone()]);
                let mut converted = codes.clone();
                kernel.convert_in_place(Law::Mu, Law::A, &mut converted[part.clone()]);
                // The ends and what is beside them: the middle is the other test's.
                let edges = [
                    start.wrapping_sub(1),
                    start,
                    part.end.wrapping_sub(1),
                    part.end,
                ];
                for at in edges.into_iter().filter(|at| *at < ROOM) {
                    let inside = part.contains(&at);
                    let name = kernel.name();
                    let told = (name, length, start, at);
                    let want = if inside {
                        law.decode_sample(codes[at])
                    } else {
                        0x5A5A
                    };
                    assert_eq!(pcm[at], want, "{told:?}");
                    let want = if inside {
                        law.encode_sample(samples[at])
                    } else {
                        0xA5
                    };
                    assert_eq!(encoded[at], want, "{told:?}");
                    let want = match inside {
                        true => Law::A.encode_sample(Law::Mu.decode_sample(codes[at])),
                        false => codes[at],
                    };
                    assert_eq!(converted[at], want, "{told:?}");
                }
            }
        }
    }
}

proptest::proptest! {
    /// Whatever is in a slice, whole: the other tests look at its ends or at every value once.
    #[test]
    fn every_kernel_agrees_on_anything(
        codes in proptest::collection::vec(proptest::num::u8::ANY, 0..3_000),
        samples in proptest::collection::vec(proptest::num::i16::ANY, 0..3_000),
    ) {
        for law in [Law::Mu, Law::A] {
            let decoded: Vec<i16> = codes.iter().map(|code| law.decode_sample(*code)).collect();
            let encoded: Vec<u8> = samples.iter().map(|s| law.encode_sample(*s)).collect();
            for kernel in Kernel::available() {
                let mut pcm = std::vec![0; codes.len()];
                kernel.decode(law, &codes, &mut pcm);
                proptest::prop_assert!(pcm == decoded, "{} {law:?}", kernel.name());
                let mut out = std::vec![0; samples.len()];
                kernel.encode(law, &samples, &mut out);
                proptest::prop_assert!(out == encoded, "{} {law:?}", kernel.name());
            }
        }
    }
}
