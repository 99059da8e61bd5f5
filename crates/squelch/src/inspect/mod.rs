//! `squelch inspect`: every RTP stream of captures, judged offline.
//!
//! Reads the capture, shows each datagram to [`squelch_call::observe`], and tells what
//! came of it: as a table, as JSON Lines, as an HTML report.

mod args;
mod capture;
mod html;
mod json;
mod paths;
mod run;
mod table;

pub use args::{Args, OutputFormat};
pub use run::run;
