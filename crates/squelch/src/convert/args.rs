//! What `squelch convert` is asked.

use std::path::PathBuf;

use super::format::Format;

/// Audio files from one format to another.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Formats: pcmu, pcma (8 kHz); pcm16 or pcm16@RATE with RATE 8000, 16000, 24000 or 48000, little-endian;
pcm16be@RATE big-endian (raw files only). Files named .wav are WAV, all others are raw.
Without --from a WAV file's header tells, a raw file's name: .ul .ulaw .pcmu, .al .alaw .pcma.
Without --to a WAV file becomes pcm16 at the input's rate, a raw file is told by its name.

Examples:
  squelch convert call.wav call.ul
  squelch convert prompt.wav prompt.raw --to pcm16@24000
  squelch convert heard.raw heard.wav --from pcma
  squelch convert static.ul static.wav --from pcm16@24000     hear what misread bytes sound like

Opus is not built yet. One channel only.

Exit code: 0 done, 2 could not do it: what was wrong, where, and no output is left.")]
pub struct Args {
    /// The file to read
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// The file to write; one that is there is replaced once all is done
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// What IN holds
    #[arg(long, value_name = "FORMAT", value_parser = Format::parse)]
    pub from: Option<Format>,
    /// What OUT shall hold
    #[arg(long, value_name = "FORMAT", value_parser = Format::parse)]
    pub to: Option<Format>,
}
