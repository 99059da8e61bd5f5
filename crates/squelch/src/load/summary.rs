//! The result of a run, on standard output.

use std::io::Write;

use squelch_sim::load::Breach;

use super::share::Known;
use crate::inspect::OutputFormat;

/// Tells it as a few lines or as one JSON object.
pub(super) fn tell(format: OutputFormat, known: &Known, breaches: &[Breach]) {
    let mut out = std::io::stdout().lock();
    let tally = &known.tally;
    // Nobody is left to tell when standard output is closed.
    let _ = match format {
        OutputFormat::Json => writeln!(out, "{}", tally.to_json()),
        OutputFormat::Table => {
            let late = tally.spread.lateness.time_at(0.99).unwrap_or_default();
            writeln!(
                out,
                "{} calls, {} answered, {} failed; {} packets sent, {} received, {} lost; sent late p99 {late:?}",
                tally.started,
                tally.answered,
                tally.failures(),
                tally.sent,
                tally.received,
                tally.lost
            )
        }
    };
    for breach in breaches {
        let _ = writeln!(out, "{}: {}", breach.option, breach.said);
    }
}
