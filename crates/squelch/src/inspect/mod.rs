//! `squelch inspect`: every RTP stream of captures and every channel of WAV files, judged offline.
//!
//! Reads the file, shows each datagram (of a WAV file each 20 ms of codes) to
//! [`squelch_call::observe`], and tells what came of it: as a table, as JSON Lines, as an HTML
//! report.

mod args;
mod capture;
mod html;
mod json;
mod paths;
mod playback;
mod recording;
mod repair;
mod run;
mod table;

pub use args::{Args, OutputFormat};
pub use run::run;
