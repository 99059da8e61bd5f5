//! The Recommendation in numbers, then every kernel against the scalar tables.

extern crate std;

mod conversion;
mod in_place;
mod kernels;
mod recommendation;
mod score;
