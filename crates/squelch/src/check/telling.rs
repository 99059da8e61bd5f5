//! How the result of a check is told.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::Format;
use crate::cli::{FOUND, fail};
use crate::config::{Problem, Severity};

/// Tells the problems of a file on standard output, and the exit code of that.
pub(super) fn tell(command: &str, file: &str, problems: &[Problem], format: Format) -> ExitCode {
    let count = |severity| problems.iter().filter(|p| p.severity == severity).count();
    let outcome = Outcome {
        r#type: "result",
        file,
        ok: count(Severity::Error) == 0,
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
    };
    let mut out = io::stdout().lock();
    let told = match format {
        Format::Text => text(&outcome, problems, &mut out),
        Format::Json => json(&outcome, problems, &mut out),
    };
    match told {
        Ok(()) if outcome.ok => ExitCode::SUCCESS,
        Ok(()) => ExitCode::from(FOUND),
        Err(error) => fail(command, &error),
    }
}

#[derive(Serialize)]
struct Outcome<'a> {
    r#type: &'static str,
    file: &'a str,
    ok: bool,
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
struct ProblemLine<'a> {
    r#type: &'static str,
    file: &'a str,
    #[serde(flatten)]
    problem: &'a Problem,
}

fn text(outcome: &Outcome<'_>, problems: &[Problem], out: &mut impl Write) -> io::Result<()> {
    for problem in problems {
        writeln!(out, "{}: {problem}", outcome.file)?;
    }
    match (outcome.errors, outcome.warnings) {
        (0, 0) => writeln!(out, "{}: nothing wrong found", outcome.file),
        (0, n) => writeln!(out, "{}: usable, warnings: {n}", outcome.file),
        (n, _) => writeln!(out, "{}: not usable, errors: {n}", outcome.file),
    }
}

fn json(outcome: &Outcome<'_>, problems: &[Problem], out: &mut impl Write) -> io::Result<()> {
    for problem in problems {
        let line = ProblemLine {
            r#type: "problem",
            file: outcome.file,
            problem,
        };
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
    serde_json::to_writer(&mut *out, outcome)?;
    writeln!(out)
}
