//! The page round the drawings.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::escape::Escaped;
use super::{Report, Table, Tone, chart, ladder, track};
use crate::explain::explain;

pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let title = Escaped(&report.title);
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>\n<header><h1>{title}</h1>"
    )?;
    if let Some(verdict) = &report.verdict {
        write!(
            out,
            "<p class=\"badge {}\"><b>{}</b> {}</p>",
            verdict.tone.class(),
            Escaped(&verdict.label),
            Escaped(&verdict.value)
        )?;
    }
    writeln!(out, "</header>")?;
    if !report.lead.is_empty() {
        writeln!(out, "<p class=\"lead\">{}</p>", Escaped(&report.lead))?;
    }
    summary(report, out)?;
    if let Some(table) = &report.table {
        write_table(table, out)?;
    }
    if !report.charts.is_empty() {
        writeln!(out, "<h2>How it went</h2>")?;
    }
    for drawn in &report.charts {
        chart::write(drawn, out)?;
    }
    if !report.tracks.is_empty() {
        writeln!(out, "<h2>What was heard</h2>")?;
    }
    for (index, track) in report.tracks.iter().enumerate() {
        track::write(track, index, out)?;
    }
    faults(report, out)?;
    if !report.ladder.is_empty() {
        write!(
            out,
            "<h2>What was said on the wire</h2><section class=\"card\">"
        )?;
        if !report.ladder_note.is_empty() {
            write!(
                out,
                "<p class=\"note\">{}</p>",
                Escaped(&report.ladder_note)
            )?;
        }
        ladder::write(&report.ladder, out)?;
        writeln!(out, "</section>")?;
    }
    writeln!(
        out,
        "<footer>Made by squelch {}.</footer></main></body></html>",
        env!("CARGO_PKG_VERSION")
    )
}

fn summary(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    if report.summary.is_empty() {
        return Ok(());
    }
    write!(out, "<dl class=\"summary\">")?;
    for row in &report.summary {
        write!(
            out,
            "<div><dt>{}</dt><dd class=\"{}\">{}</dd></div>",
            Escaped(&row.label),
            row.tone.class(),
            Escaped(&row.value)
        )?;
    }
    writeln!(out, "</dl>")
}

fn write_table(table: &Table, out: &mut impl Write) -> io::Result<()> {
    write!(out, "<section class=\"card scroll\"><table><thead><tr>")?;
    for column in &table.columns {
        write!(out, "<th>{}</th>", Escaped(column))?;
    }
    write!(out, "</tr></thead><tbody>")?;
    for row in &table.rows {
        write!(out, "<tr>")?;
        for cell in row {
            write!(
                out,
                "<td class=\"{}\">{}</td>",
                cell.tone.class(),
                Escaped(&cell.text)
            )?;
        }
        write!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></section>")
}

fn faults(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let faults: BTreeSet<_> = report.findings.iter().map(|found| found.fault).collect();
    if faults.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>What it means</h2>")?;
    for fault in faults {
        let known = explain(fault);
        write!(
            out,
            "<section class=\"card\"><h3>{} <code>{}</code></h3><dl class=\"why\">\
             <dt>What was heard</dt><dd>{}</dd><dt>Why squelch believes it</dt>",
            Escaped(known.heading),
            fault.name(),
            Escaped(known.heard),
        )?;
        let mut findings = report.findings.iter().filter(|found| found.fault == fault);
        for found in findings.by_ref().take(MAX_FINDINGS) {
            let (place, why) = (Escaped(&found.place), Escaped(&found.why));
            write!(out, "<dd>{why} <i>{place}</i></dd>")?;
        }
        let more = findings.count();
        if more > 0 {
            write!(out, "<dd>{more} more like these.</dd>")?;
        }
        writeln!(
            out,
            "<dt>What usually causes it</dt><dd>{}</dd><dt>What to change</dt><dd>{}</dd></dl></section>",
            Escaped(known.cause),
            Escaped(known.change),
        )?;
    }
    Ok(())
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

/// More of one fault are counted, not told one by one.
const MAX_FINDINGS: usize = 20;

const STYLE: &str = include_str!("style.css");

/// Nothing is fetched, nothing runs: what comes from a capture can't reach out either.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:";
