//! `squelch convert`: audio files from one format to another, in constant memory.
//!
//! A `source` reads PCM samples out of a WAV or raw file, a `pipe` brings them to the wanted
//! rate, a `sink` writes them. What fails leaves no half-written file behind.

mod args;
mod format;
mod pipe;
mod run;
mod sink;
mod source;
mod wav_header;

pub use args::Args;
pub use run::run;
