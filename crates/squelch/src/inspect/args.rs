//! What `squelch inspect` is asked.

use std::path::PathBuf;

/// Find broken audio in captures and WAV files: loss, jitter, MOS and faults of every stream.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  squelch inspect call.pcap
  squelch inspect --format json captures/ | jq 'select(.fault != \"none\")'
  squelch inspect call.pcapng --report call.html
  squelch inspect recording.wav
  squelch inspect call.pcap --repair repaired/
  squelch inspect --expect-talk answer.pcap

Silence is a fault only where talk is due, and audio can't tell where: --expect-talk says that it
is, in all streams given. Without it nothing is called dead_air.

WAV files (linear of 16 bits, mu-law or A-law; one or two channels): each channel is judged as a
stream of 20 ms packets of its G.711 codes. Linear samples are encoded to mu-law first, and other
rates brought to 8 kHz. That can hide what needs the very bytes or lies above 4 kHz: for a sure
verdict give the capture, or the recording as it was.

Exit code: 0 nothing wrong found, 1 a fault found (clipping is only told),
2 something could not be read (the rest is still done).")]
pub struct Args {
    /// Captures (pcap, pcapng) and WAV files, or folders that are searched for them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to tell the result on standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
    /// Also write a self-contained HTML report: signalling, waveforms, spectrograms, verdicts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Write the audio under each fault that can be repaired to this folder, as WAV files
    #[arg(long, value_name = "DIR")]
    pub repair: Option<PathBuf>,
    /// Somebody ought to be heard in every stream: report two seconds without a sound as dead_air
    #[arg(long)]
    pub expect_talk: bool,
}

/// How a result is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// A table for people
    #[default]
    Table,
    /// JSON Lines: one object a stream, then one a file that could not be read
    Json,
}
