//! The command itself: files in, result and exit code out.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use squelch_call::observe::{Signal, StreamReport};
use squelch_pcap::Counters;

use super::args::{Args, OutputFormat};
use super::repair::{Folder, Repaired};
use super::table::{Table, printable};
use super::{capture, html, json, paths};

/// Runs `squelch inspect` on standard output and standard error.
pub fn run(args: &Args) -> ExitCode {
    let stdout = io::stdout();
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let mut out = BufWriter::new(stdout.lock());
    let mut notes = io::stderr().lock();
    let outcome = inspect(args, colour, &mut out, &mut notes).and_then(|code| {
        out.flush()?;
        Ok(code)
    });
    match outcome {
        Ok(code) => ExitCode::from(code),
        // Whoever reads has had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(notes, "squelch inspect: {error}");
            ExitCode::from(NOT_DONE)
        }
    }
}

/// What is known of a file when all are read.
#[derive(Debug)]
pub(super) struct FileResult {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) streams: Vec<StreamReport>,
    pub(super) signals: Vec<Signal>,
}

fn inspect(
    args: &Args,
    colour: bool,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> io::Result<u8> {
    let found = paths::find(&args.paths);
    let mut errors: Vec<(String, String)> = found
        .errors
        .iter()
        .map(|(path, reason)| (name(path), reason.clone()))
        .collect();
    let mut folder = match &args.repair {
        None => None,
        Some(path) => match Folder::create(path, &found.files) {
            Ok(folder) => Some(folder),
            Err(error) => {
                errors.push((name(path), error.to_string()));
                None
            }
        },
    };
    let mut table = Table::default();
    let mut results = Vec::new();
    let (mut streams, mut faulty) = (0_usize, 0_usize);
    for path in &found.files {
        let name = name(path);
        let inspected = capture::inspect(path, args.expect_talk);
        for stream in &inspected.streams {
            streams += 1;
            faulty += usize::from(stream.is_faulty());
            let mut repaired = Vec::new();
            if let (Some(folder), Some(to)) = (&mut folder, &args.repair) {
                match folder.repair(path, stream) {
                    Ok(written) => repaired = written,
                    Err(error) => errors.push((self::name(to), error.to_string())),
                }
            }
            tell_repaired(&repaired, stream, notes)?;
            match args.format {
                OutputFormat::Json => json::stream(&name, stream, &repaired, out)?,
                OutputFormat::Table => {
                    table.stream(&name, stream);
                    table.explain(&name, stream, &repaired);
                }
            }
        }
        if inspected.streams.is_empty() && inspected.errors.is_empty() {
            table.nothing(&name);
        }
        for error in inspected.errors {
            errors.push((name.clone(), error.to_string()));
        }
        tell_left_out(&name, inspected.counters, notes)?;
        if args.report.is_some() {
            results.push(FileResult {
                path: path.clone(),
                name,
                streams: inspected.streams,
                signals: inspected.signals,
            });
        }
    }
    match args.format {
        OutputFormat::Json => {
            for (name, error) in &errors {
                json::error(name, error, out)?;
            }
        }
        OutputFormat::Table => {
            table.write(colour, out)?;
            out.flush()?;
            for (name, error) in &errors {
                writeln!(notes, "error: {}: {error}", printable(name))?;
            }
            let counts = [
                counted(found.files.len(), "file"),
                counted(streams, "stream"),
                format!("{faulty} with faults"),
                counted(errors.len(), "error"),
            ];
            writeln!(notes, "{}", counts.join(", "))?;
        }
    }
    let mut not_done = !errors.is_empty();
    if let Some(path) = &args.report
        && let Err(error) = write_report(path, &results, &errors)
    {
        writeln!(notes, "error: {}: {error}", printable(&name(path)))?;
        not_done = true;
    }
    Ok(if not_done {
        NOT_DONE
    } else if faulty > 0 {
        FAULT_FOUND
    } else {
        0
    })
}

fn write_report(
    path: &Path,
    results: &[FileResult],
    errors: &[(String, String)],
) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    html::write(results, errors, &mut file)?;
    file.flush()
}

fn tell_repaired(
    repaired: &[Repaired],
    stream: &StreamReport,
    notes: &mut impl Write,
) -> io::Result<()> {
    for one in repaired {
        let Some(found) = stream.faults.get(one.index) else {
            continue;
        };
        writeln!(
            notes,
            "repaired: {}: {}, {:.2} s at {} Hz, {}",
            printable(&name(&one.path)),
            found.fault,
            one.duration.as_secs_f64(),
            one.rate_hz,
            found.repair.name(),
        )?;
    }
    Ok(())
}

/// Packets that the figures leave out are not left out in silence.
fn tell_left_out(name: &str, counters: Counters, notes: &mut impl Write) -> io::Result<()> {
    let told = [
        (
            counters.fragments,
            "pieces of fragmented IP packets, not put together",
        ),
        (counters.malformed, "packets with malformed headers"),
        (
            counters.truncated,
            "packets cut by the capture's snap length: counted, not listened to",
        ),
        (
            counters.unsupported_link,
            "packets of an unsupported link type",
        ),
    ];
    for (count, what) in told.into_iter().filter(|(count, _)| *count > 0) {
        writeln!(notes, "note: {}: {count} {what}", printable(name))?;
    }
    Ok(())
}

/// `1 stream`, `2 streams`.
pub(super) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Done, and a fault was found.
const FAULT_FOUND: u8 = 1;
/// Something could not be done.
const NOT_DONE: u8 = 2;
