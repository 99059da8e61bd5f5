//! The result as a table for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use squelch_call::observe::StreamReport;
use squelch_media::detect::Fault;

use super::repair::Repaired;
use crate::explain::{explain, why};

/// Rows as they will be printed: the widths are known once all are there.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    /// For each fault where and why it was found.
    reasons: BTreeMap<Fault, Reasons>,
}

#[derive(Debug, Default)]
struct Reasons {
    told: Vec<String>,
    more: usize,
}

#[derive(Debug)]
struct Row {
    cells: [String; COLUMNS],
    verdict: String,
    tone: Tone,
}

#[derive(Debug, Clone, Copy)]
enum Tone {
    Good,
    Warning,
    Bad,
    Dim,
}

impl Table {
    pub(super) fn stream(&mut self, file: &str, stream: &StreamReport) {
        let lost_percent = stream.lost as f64 * 100.0 / stream.expected.max(1) as f64;
        self.push(
            file,
            [
                stream.origin.to_string(),
                stream.format.to_owned(),
                format!("{:.1} s", stream.duration.as_secs_f64()),
                stream.packets.to_string(),
                format!("{} ({lost_percent:.1} %)", stream.lost),
                format!("{:.1} ms", stream.jitter_ms),
                stream.mos.map_or("-".into(), |mos| format!("{mos:.2}")),
            ],
            verdict(stream),
            if stream.is_faulty() {
                Tone::Bad
            } else if stream.faults.is_empty() {
                Tone::Good
            } else {
                Tone::Warning
            },
        );
    }

    /// Keeps why each fault of the stream is believed, and what was got back.
    pub(super) fn explain(&mut self, file: &str, stream: &StreamReport, repaired: &[Repaired]) {
        for (index, found) in stream.faults.iter().enumerate() {
            let reasons = self.reasons.entry(found.fault).or_default();
            if reasons.told.len() == MAX_REASONS {
                reasons.more += 1;
                continue;
            }
            let mut told = format!("{} ({}, {})", why(found), printable(file), stream.origin);
            if let Some(one) = repaired.iter().find(|one| one.index == index) {
                let path = printable(&one.path.to_string_lossy());
                let repair = found.repair.name();
                told.push_str(&format!(" Repaired ({repair}, {} Hz): {path}", one.rate_hz));
            }
            reasons.told.push(told);
        }
    }

    pub(super) fn nothing(&mut self, file: &str) {
        let stream = "no RTP in it".to_owned();
        let dash = || String::from("-");
        let cells = [stream, dash(), dash(), dash(), dash(), dash(), dash()];
        self.push(file, cells, dash(), Tone::Dim);
    }

    fn push(&mut self, file: &str, cells: [String; COLUMNS - 1], verdict: String, tone: Tone) {
        let [a, b, c, d, e, f, g] = cells;
        self.rows.push(Row {
            cells: [printable(file), a, b, c, d, e, f, g],
            verdict,
            tone,
        });
    }

    pub(super) fn write(&self, colour: bool, out: &mut impl Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut widths = HEADINGS.map(|heading| heading.chars().count());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(&row.cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let headings = HEADINGS.map(String::from);
        write_cells(&headings, &widths, out)?;
        writeln!(out, "VERDICT")?;
        for row in &self.rows {
            write_cells(&row.cells, &widths, out)?;
            if colour {
                writeln!(out, "{}{}\x1b[0m", row.tone.escape(), row.verdict)?;
            } else {
                writeln!(out, "{}", row.verdict)?;
            }
        }
        for (fault, reasons) in &self.reasons {
            let known = explain(*fault);
            writeln!(out, "\n{fault}: {}", known.heading)?;
            writeln!(out, "  heard   {}", known.heard)?;
            for told in &reasons.told {
                writeln!(out, "  why     {told}")?;
            }
            if reasons.more > 0 {
                writeln!(
                    out,
                    "  why     {} more like these; --format json tells each",
                    reasons.more
                )?;
            }
            writeln!(out, "  cause   {}", known.cause)?;
            writeln!(out, "  change  {}", known.change)?;
        }
        Ok(())
    }
}

/// Each fault with its time, the first three of them.
fn verdict(stream: &StreamReport) -> String {
    if stream.faults.is_empty() {
        return "none".into();
    }
    let told: Vec<String> = stream
        .faults
        .iter()
        .take(MAX_FAULTS)
        .map(|found| {
            let (from, to) = (found.from.as_secs_f64(), found.to.as_secs_f64());
            format!("{} {from:.2} to {to:.2} s", found.fault.name())
        })
        .collect();
    let more = stream.faults.len() - told.len();
    let told = told.join(", ");
    if more > 0 {
        format!("{told}, {more} more")
    } else {
        told
    }
}

fn write_cells(
    cells: &[String; COLUMNS],
    widths: &[usize; COLUMNS],
    out: &mut impl Write,
) -> io::Result<()> {
    for (index, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        if index < LEFT_ALIGNED {
            write!(out, "{cell:<width$}  ")?;
        } else {
            write!(out, "{cell:>width$}  ")?;
        }
    }
    Ok(())
}

/// A file's name may hold anything, a terminal must not get it.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            c if c.is_control() => '\u{FFFD}',
            c => c,
        })
        .collect()
}

impl Tone {
    fn escape(self) -> &'static str {
        match self {
            Self::Good => "\x1b[32m",
            Self::Warning => "\x1b[33m",
            Self::Bad => "\x1b[1;31m",
            Self::Dim => "\x1b[2m",
        }
    }
}

const COLUMNS: usize = 8;
/// File, stream and format; numbers stand to the right.
const LEFT_ALIGNED: usize = 3;
const HEADINGS: [&str; COLUMNS] = [
    "FILE", "STREAM", "FORMAT", "LENGTH", "PACKETS", "LOST", "JITTER", "MOS",
];
const MAX_FAULTS: usize = 3;
/// Findings of one fault that are told one by one.
const MAX_REASONS: usize = 20;
