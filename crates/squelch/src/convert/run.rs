//! The command.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::Args;
use super::format::{Format, Kind, is_wav};
use super::pipe::Pipe;
use super::sink::Sink;
use super::source::Source;
use crate::cli::fail;

const NAME: &str = "squelch convert";

/// Converts one file. Exit code 2 when it can't be done.
pub fn run(asked: &Args) -> ExitCode {
    match convert(asked) {
        Ok(told) => {
            // Nobody is left to tell when standard output is closed.
            let _ = writeln!(std::io::stdout(), "{told}");
            ExitCode::SUCCESS
        }
        Err(line) => fail(NAME, &line),
    }
}

fn convert(asked: &Args) -> Result<String, String> {
    let (input, output) = (asked.input.display(), asked.output.display());
    let read = |error: &dyn std::fmt::Display| format!("{input}: {error}");
    let wrote = |error: &dyn std::fmt::Display| format!("{output}: {error}");
    let mut source = Source::open(&asked.input, asked.from).map_err(|error| read(&error))?;
    let from = source.kind();
    let to = wanted(asked, from)?;
    let wanted_hz = match to {
        Kind::Samples(format) => Some(format.rate_hz()),
        Kind::Opus => None,
    };
    let from_hz = source
        .choose_rate(wanted_hz)
        .map_err(|error| read(&error))?;
    // Opus is encoded at the input's rate.
    let to_hz = wanted_hz.unwrap_or(from_hz);
    let mut pipe = Pipe::new(from_hz, to_hz).map_err(|error| read(&error))?;
    let mut sink = Sink::create(&asked.output, to, to_hz).map_err(|error| wrote(&error))?;
    let bar = bar(source.bytes());
    let mut taken = 0_u64;
    let same = match to {
        Kind::Samples(format) => source.as_bytes_of(format),
        Kind::Opus => None,
    };
    if let Some(source) = same {
        // Not through samples: mu-law has two zeros, and both shall stay.
        loop {
            let block = source.next_bytes().map_err(|error| read(&error))?;
            if block.is_empty() {
                break;
            }
            let bytes = block.len();
            sink.write_bytes(block).map_err(|error| wrote(&error))?;
            taken += (bytes / source.format.sample_bytes()) as u64;
            bar.set_position(source.position());
        }
    } else {
        let mut samples = Vec::new();
        loop {
            let block = source.next().map_err(|error| read(&error))?;
            if block.is_empty() {
                break;
            }
            taken += block.len() as u64;
            samples.clear();
            pipe.push(block, &mut samples)
                .map_err(|error| read(&error))?;
            sink.write(&samples).map_err(|error| wrote(&error))?;
            bar.set_position(source.position());
        }
        samples.clear();
        pipe.finish(&mut samples).map_err(|error| read(&error))?;
        sink.write(&samples).map_err(|error| wrote(&error))?;
    }
    let bytes = sink.finish().map_err(|error| wrote(&error))?;
    bar.finish_and_clear();
    let seconds = taken as f64 / f64::from(from_hz);
    Ok(format!(
        "{input} ({from}, {seconds:.2} s) -> {output} ({to}, {bytes} bytes of sound)"
    ))
}

/// What the output shall hold.
fn wanted(asked: &Args, from: Kind) -> Result<Kind, String> {
    let path: &Path = &asked.output;
    let name = path.display();
    let to = match asked.to {
        Some(to) => to,
        None if is_wav(path) => Kind::Samples(Format::Pcm16 {
            rate_hz: match from {
                Kind::Samples(format) => format.rate_hz(),
                Kind::Opus => FULL_BAND_HZ,
            },
            big_endian: false,
        }),
        None => Kind::of_name(path).ok_or_else(|| {
            format!("{name}: a raw file: say what it shall hold with --to, such as --to pcmu")
        })?,
    };
    match to {
        Kind::Samples(Format::Pcm16 {
            big_endian: true, ..
        }) if is_wav(path) => Err(format!(
            "{name}: WAV is little-endian: write pcm16, or a raw file"
        )),
        Kind::Opus if is_wav(path) => Err(format!(
            "{name}: a WAV file holds no Opus: name it .opus, or write pcm16"
        )),
        Kind::Samples(format) if Kind::of_name(path) == Some(Kind::Opus) => Err(format!(
            "{name}: a file of that name holds Opus, not {format}"
        )),
        to => Ok(to),
    }
}

/// What Opus decodes to where nobody asks for less.
const FULL_BAND_HZ: u32 = 48_000;

/// A bar on a terminal, nothing elsewhere.
fn bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} to go");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
