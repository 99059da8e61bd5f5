//! Load tests: living calls made of captures, in numbers, and what is asserted of each.
//!
//! A [`Schedule`] says when calls begin; a [`Caller`] places them and a [`Callee`] takes them, each over an
//! endpoint of its own; a [`MediaLeg`] is one call's media: it sends a [`Script`], which one stream of a capture
//! was made into, and listens to what comes.
//!
//! One call ends as a [`CallOutcome`]; a [`Tally`] counts outcomes, merges with other tallies and travels as JSON;
//! [`Thresholds`] say whether a tally passes. [`content`] says of one call whether what came back is what was sent.

mod callee;
mod caller;
pub mod content;
mod leg;
mod outcome;
mod schedule;
mod script;
mod session;
mod tally;
mod thresholds;

pub use callee::{AnswerMisbehaviour, Callee, CalleePlan, Says};
pub use caller::{CallKey, Caller, CallerPlan, Input, Misbehaviour, Output, Part, Return, Turn};
pub use leg::{Departure, Keys, LegFacts, LegPlan, Lent, MediaLeg, PACKET_ROOM, Sends};
pub use outcome::{CallOutcome, Failure, Transport};
pub use schedule::{Schedule, Share};
pub use script::{Coding, Cue, Kind, NoScript, Pacing, Script};
pub use tally::{Course, Distribution, Distributions, EXAMPLES, HIGHEST, Moment, NotATally, Tally};
pub use thresholds::{Breach, Thresholds};

#[cfg(test)]
mod tests;
