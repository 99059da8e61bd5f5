//! Every code and every sample against the Recommendation's definition, written here a second time: by the
//! decision values of tables 1 and 2 of G.711, searched, with no bit arithmetic in common with the kernels.

use crate::Law;
use std::vec::Vec;

/// The positive half of a law as (lower decision value, output value) for each step, on the 16-bit scale.
pub(super) fn positive_steps(law: Law) -> Vec<(i32, i32)> {
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
pub(super) fn code_of(law: Law, index: usize, negative: bool) -> u8 {
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
        // Miri takes a thousand times as long.
        let step = if cfg!(miri) { 257 } else { 1 };
        for sample in (i16::MIN..=i16::MAX).step_by(step) {
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
