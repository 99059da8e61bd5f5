//! Load tests: what is said of calls' audio, and what comes of it.

mod content;
mod tally;
