//! The Recommendation in numbers, then every kernel against the scalar tables.

extern crate std;

mod conversion;
mod in_place;
mod kernels;
mod recommendation;
mod score;

use proptest::prelude::ProptestConfig;
use std::ops::Range;
use std::vec::Vec;

/// Lengths up to what several registers hold; under Miri, which takes a thousand times as long, those around the
/// registers' sizes.
fn lengths() -> Vec<usize> {
    match cfg!(miri) {
        true => std::vec![0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 160],
        false => (0..=1_024).collect(),
    }
}

/// Every alignment to a line of the cache; a few under Miri.
fn starts() -> Range<usize> {
    if cfg!(miri) { 0..3 } else { 0..64 }
}

/// So many cases, and no file of those that failed.
fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
