//! The command.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::Args;
use super::format::{Format, is_wav};
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
    for path in [&asked.input, &asked.output] {
        let extension = path.extension().and_then(|extension| extension.to_str());
        if matches!(extension, Some("opus" | "ogg")) {
            return Err(format!("{}: Opus is not built yet", path.display()));
        }
    }
    let (input, output) = (asked.input.display(), asked.output.display());
    let read = |error: &dyn std::fmt::Display| format!("{input}: {error}");
    let wrote = |error: &dyn std::fmt::Display| format!("{output}: {error}");
    let mut source = Source::open(&asked.input, asked.from).map_err(|error| read(&error))?;
    let (from, to) = (source.format, wanted(asked, source.format)?);
    let mut pipe = Pipe::new(from.rate_hz(), to.rate_hz()).map_err(|error| read(&error))?;
    let mut sink = Sink::create(&asked.output, to).map_err(|error| wrote(&error))?;
    let bar = bar(source.bytes);
    let mut taken = 0_u64;
    if from == to {
        // Not through samples: mu-law has two zeros, and both shall stay.
        loop {
            let block = source.next_bytes().map_err(|error| read(&error))?;
            if block.is_empty() {
                break;
            }
            taken += (block.len() / from.sample_bytes()) as u64;
            sink.write_bytes(block).map_err(|error| wrote(&error))?;
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
    let seconds = taken as f64 / f64::from(from.rate_hz());
    Ok(format!(
        "{input} ({from}, {seconds:.2} s) -> {output} ({to}, {bytes} bytes of samples)"
    ))
}

/// What the output shall hold.
fn wanted(asked: &Args, from: Format) -> Result<Format, String> {
    let path: &Path = &asked.output;
    let to = match asked.to {
        Some(to) => to,
        None if is_wav(path) => Format::Pcm16 {
            rate_hz: from.rate_hz(),
            big_endian: false,
        },
        None => Format::of_name(path).ok_or_else(|| {
            let name = path.display();
            format!("{name}: a raw file: say what it shall hold with --to, such as --to pcmu")
        })?,
    };
    match to {
        Format::Pcm16 {
            big_endian: true, ..
        } if is_wav(path) => Err(format!(
            "{}: WAV is little-endian: write pcm16, or a raw file",
            path.display()
        )),
        to => Ok(to),
    }
}

/// A bar on a terminal, nothing elsewhere.
fn bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} to go");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
