//! Tables 3 and 4 of G.711, held to what the Recommendation says of them.

use super::recommendation::{code_of, positive_steps};
use crate::{Law, convert, convert_in_place};
use std::vec::Vec;

/// Full load of a law's signal. **Source**: G.711 tables 1 and 2, note 3. **Units**: dBm0.
fn load_dbm0(law: Law) -> f64 {
    match law {
        Law::Mu => 317.0 / 100.0,
        Law::A => 314.0 / 100.0,
    }
}

/// Output values of the positive steps, as a share of the load of 0 dBm0's amplitude.
fn levels(law: Law) -> Vec<f64> {
    let full = match law {
        // Virtual decision values: 8,159 on 14 bits, 4,096 on 13 bits.
        Law::Mu => 8_159.0 * 4.0,
        Law::A => 4_096.0 * 8.0,
    };
    let amplitude = 10_f64.powf(load_dbm0(law) / 20.0);
    let steps = positive_steps(law).into_iter();
    steps
        .map(|(_, output)| f64::from(output) / full * amplitude)
        .collect()
}

fn converted(from: Law, to: Law, code: u8) -> u8 {
    let mut out = [0];
    convert(from, to, &[code], &mut out);
    out[0]
}

/// The nearest level in dBm0, but for the two places that section 3's note names: mu-80 goes to A-81 instead of
/// to mu-79 instead of mu-80. (Mu-law counts its values from 0, A-law from 1.)
#[test]
fn g711_tables_3_and_4_give_the_nearest_level_but_where_the_note_says() {
    for (from, to, exception) in [(Law::Mu, Law::A, (80, 80)), (Law::A, Law::Mu, (79, 79))] {
        let targets = levels(to);
        for (index, level) in levels(from).into_iter().enumerate() {
            let distance = |at: usize| (targets[at] - level).abs();
            let nearest = (0..128).min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
            let want = match (from, index) {
                (Law::Mu, 80) => exception.1,
                (Law::A, 79) => exception.1,
                _ => nearest.expect("there are 128 levels"),
            };
            for negative in [false, true] {
                let got = converted(from, to, code_of(from, index, negative));
                assert_eq!(got, code_of(to, want, negative), "{from:?} value {index}");
            }
        }
    }
}

/// The notes to the tables list which values come back changed.
#[test]
fn g711_there_and_back_changes_what_the_notes_list_and_no_more() {
    let changed = |from: Law, to: Law| -> Vec<usize> {
        let numbers = 0..128;
        let back = |code| converted(to, from, converted(from, to, code));
        let code = |index| code_of(from, index, false);
        numbers
            .filter(|index| back(code(*index)) != code(*index))
            .collect()
    };
    assert_eq!(changed(Law::Mu, Law::A), [0, 2, 4, 6, 8, 10, 12, 14]);
    let a: Vec<usize> = changed(Law::A, Law::Mu)
        .iter()
        .map(|index| index + 1)
        .collect();
    assert_eq!(a, [26, 28, 30, 32, 45, 47, 63, 80]);
}

/// What the documents say of the other way, through linear PCM.
#[test]
fn decode_then_encode_differs_in_46_and_34_codes() {
    let differing = |from: Law, to: Law| {
        let through = |code| to.encode_sample(from.decode_sample(code));
        let codes = 0..=255;
        codes
            .filter(|code| converted(from, to, *code) != through(*code))
            .count()
    };
    assert_eq!(differing(Law::Mu, Law::A), 46);
    assert_eq!(differing(Law::A, Law::Mu), 34);
}

#[test]
fn the_same_law_is_a_copy() {
    let codes: Vec<u8> = (0..=255).collect();
    for law in [Law::Mu, Law::A] {
        let mut out = [0; 256];
        convert(law, law, &codes, &mut out);
        assert_eq!(out[..], codes[..]);
        convert_in_place(law, law, &mut out);
        assert_eq!(out[..], codes[..]);
    }
}
