//! The result as JSON Lines (the contract's `inspect --format json`).

use std::io::{self, Write};

use serde::Serialize;
use squelch_call::observe::{FaultReport, StreamReport};

use super::repair::Repaired;
use crate::explain::Explained;

#[derive(Serialize)]
struct StreamLine<'a> {
    r#type: &'static str,
    file: &'a str,
    #[serde(flatten)]
    stream: &'a StreamReport,
    faults: Vec<FaultLine<'a>>,
}

#[derive(Serialize)]
struct FaultLine<'a> {
    #[serde(flatten)]
    found: &'a FaultReport,
    /// The file that holds its audio, made right again.
    #[serde(skip_serializing_if = "Option::is_none")]
    repaired: Option<String>,
    explanation: Explained,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    r#type: &'static str,
    file: &'a str,
    error: &'a str,
}

pub(super) fn stream(
    file: &str,
    stream: &StreamReport,
    repaired: &[Repaired],
    out: &mut impl Write,
) -> io::Result<()> {
    let faults = stream.faults.iter().enumerate().map(|(index, found)| {
        let repaired = repaired.iter().find(|one| one.index == index);
        FaultLine {
            found,
            repaired: repaired.map(|one| one.path.to_string_lossy().into_owned()),
            explanation: Explained::new(found),
        }
    });
    line(
        &StreamLine {
            r#type: "stream",
            file,
            stream,
            faults: faults.collect(),
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
