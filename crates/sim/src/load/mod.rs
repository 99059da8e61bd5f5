//! Load tests: living calls in numbers, and what is asserted of each.
//!
//! One call ends as a [`CallOutcome`]; a [`Tally`] counts outcomes, merges with other tallies and travels as JSON;
//! [`Thresholds`] say whether a tally passes. [`content`] says of one call whether what came back is what was sent.

pub mod content;
mod outcome;
mod tally;
mod thresholds;

pub use outcome::{CallOutcome, Failure, Transport};
pub use tally::{Course, Distribution, Distributions, EXAMPLES, HIGHEST, Moment, NotATally, Tally};
pub use thresholds::{Breach, Thresholds};
