//! `squelch convert`: audio files from one format to another, in constant memory.
//!
//! A `source` reads PCM samples out of a WAV, raw or Ogg/Opus file, a `pipe` brings them to the wanted rate, a
//! `sink` writes them. What fails leaves no half-written file behind.

mod args;
mod format;
#[cfg(feature = "opus")]
mod opus;
mod pipe;
mod run;
mod samples_sink;
mod samples_source;
mod sink;
mod source;
mod wav_header;
mod wrong;

pub use args::Args;
pub(crate) use pipe::Pipe;
pub use run::run;

/// What is said where Opus is asked for and not there.
#[cfg(not(feature = "opus"))]
const NO_OPUS: &str = "Opus was left out of this program: build it with --features squelch/opus";
