//! What `squelch convert` is asked.

use std::path::PathBuf;

use super::format::Kind;

/// Audio files from one format to another.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Formats: pcmu, pcma (8 kHz); pcm16 or pcm16@RATE with RATE 8000, 16000, 24000 or 48000, little-endian;
pcm16be@RATE big-endian (raw files only); opus (in Ogg). Files named .wav are WAV, those named .opus or .ogg
are Ogg/Opus, all others are raw.
Without --from a WAV or Ogg/Opus file tells, a raw file's name: .ul .ulaw .pcmu, .al .alaw .pcma.
Without --to a WAV file becomes pcm16 at the input's rate (48000 from Opus), any other is told by its name.
One channel; from Opus also two, which are mixed. From law to law by way of PCM16, as G.191 does.

Examples:
  squelch convert call.wav call.ul
  squelch convert prompt.wav prompt.raw --to pcm16@24000
  squelch convert heard.raw heard.wav --from pcma
  squelch convert static.ul static.wav --from pcm16@24000     hear what misread bytes sound like
  squelch convert call.wav call.opus                          Opus needs the feature: --features squelch/opus

Exit code: 0 done, 2 could not do it: what was wrong, where, and no output is left. (Killed from outside, it
leaves OUT.PID.part behind, never a half-written OUT.)")]
pub struct Args {
    /// The file to read
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// The file to write; one that is there is replaced once all is done
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// What IN holds
    #[arg(long, value_name = "FORMAT", value_parser = Kind::parse)]
    pub from: Option<Kind>,
    /// What OUT shall hold
    #[arg(long, value_name = "FORMAT", value_parser = Kind::parse)]
    pub to: Option<Kind>,
}
