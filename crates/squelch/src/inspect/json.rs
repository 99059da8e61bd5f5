//! The result as JSON Lines (the contract's `inspect --format json`).

use std::io::{self, Write};

use serde::Serialize;
use squelch_call::observe::StreamReport;

#[derive(Serialize)]
struct StreamLine<'a> {
    r#type: &'static str,
    file: &'a str,
    #[serde(flatten)]
    stream: &'a StreamReport,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    r#type: &'static str,
    file: &'a str,
    error: &'a str,
}

pub(super) fn stream(file: &str, stream: &StreamReport, out: &mut impl Write) -> io::Result<()> {
    line(
        &StreamLine {
            r#type: "stream",
            file,
            stream,
        },
        out,
    )
}

pub(super) fn error(file: &str, error: &str, out: &mut impl Write) -> io::Result<()> {
    line(
        &ErrorLine {
            r#type: "error",
            file,
            error,
        },
        out,
    )
}

fn line(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
