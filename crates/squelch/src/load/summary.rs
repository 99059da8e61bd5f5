//! The result of a run, on standard output: a table, or one JSON object.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use squelch_sim::load::{Breach, Distribution};

use super::share::Known;
use super::view::percentiles;
use crate::inspect::OutputFormat;

/// Tells it.
pub(super) fn tell(format: OutputFormat, known: &Known, breaches: &[Breach]) {
    let mut out = io::stdout().lock();
    // Nobody is left to tell when standard output is closed.
    let _ = match format {
        OutputFormat::Json => writeln!(out, "{}", to_json(known, breaches)),
        OutputFormat::Table => table(&mut out, known, breaches),
    };
}

fn table(out: &mut impl Write, known: &Known, breaches: &[Breach]) -> io::Result<()> {
    let tally = &known.tally;
    let spread = &tally.spread;
    writeln!(
        out,
        "calls      {} begun, {} answered, {} failed",
        tally.started,
        tally.answered,
        tally.failures()
    )?;
    list(out, "failures", &tally.failed)?;
    list(out, "responses", &tally.statuses)?;
    for (name, spread) in [
        ("setup", &spread.setup),
        ("post-dial", &spread.post_dial_delay),
        ("media", &spread.media_start),
        ("jitter", &spread.jitter),
        ("echo", &spread.delay),
    ] {
        if spread.count() > 0 {
            writeln!(out, "{name:<10} {}", percentiles(spread))?;
        }
    }
    let expected = (tally.received + tally.lost).max(1);
    writeln!(
        out,
        "packets    {} sent, {} received, {} lost ({:.3} %), {} twice, {} out of order",
        tally.sent,
        tally.received,
        tally.lost,
        100.0 * tally.lost as f64 / expected as f64,
        tally.duplicates,
        tally.reordered
    )?;
    if let (Some(worst), Some(middle)) = (spread.mos.quantile(0.01), spread.mos.quantile(0.5)) {
        let (worst, middle) = (worst as f64 / 1e3, middle as f64 / 1e3);
        writeln!(
            out,
            "MOS        {middle:.2}, of the worst hundredth {worst:.2}"
        )?;
    }
    list(out, "faults", &tally.faults)?;
    if tally.listened > 0 {
        writeln!(
            out,
            "content    {} calls listened to, {} had other audio than was due; the same in {} of {} windows",
            tally.listened, tally.bad_content, tally.same_windows, tally.windows
        )?;
        list(out, "", &tally.problems)?;
    }
    if spread.lateness.count() > 0 {
        writeln!(
            out,
            "own        packets left late by {}; busiest second {:.0} % of a core",
            percentiles(&spread.lateness),
            100.0 * known.busiest
        )?;
        if let Some(warning) = own_limits(known) {
            writeln!(out, "           {warning}")?;
        }
    }
    for (mark, said) in &tally.examples {
        writeln!(out, "call {:<5} {said}", mark.0)?;
    }
    match breaches.is_empty() {
        true => writeln!(out, "passed"),
        false => {
            for breach in breaches {
                writeln!(out, "FAILED     {breach}")?;
            }
            Ok(())
        }
    }
}

fn list<K: std::fmt::Display>(
    out: &mut impl Write,
    name: &str,
    counts: &std::collections::BTreeMap<K, u64>,
) -> io::Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = counts.iter().map(|(k, n)| format!("{k} {n}")).collect();
    writeln!(out, "{name:<10} {}", told.join(", "))
}

/// Where the figures are the generator's own and not the target's: its packets left late.
pub(super) fn own_limits(known: &Known) -> Option<String> {
    let late = known.tally.spread.lateness.time_at(0.99)?;
    (late > OWN_LATENESS).then(|| {
        format!(
            "one packet in a hundred left more than {:.1} ms late: jitter and setup times are this machine's own, not \
             the target's",
            late.as_secs_f64() * 1e3
        )
    })
}

/// One object: counts, percentiles for people, histograms for tools, and whether it passed.
pub(super) fn to_json(known: &Known, breaches: &[Breach]) -> Value {
    let mut value = known.tally.to_json();
    let spreads = known.tally.spread.all().into_iter();
    let percentiles: Map<String, Value> = spreads
        .filter(|(_, spread)| spread.count() > 0)
        .map(|(name, spread)| (name.to_owned(), figures(name, spread)))
        .collect();
    if let Some(object) = value.as_object_mut() {
        object.insert("type".into(), json!("load"));
        object.insert("passed".into(), json!(breaches.is_empty()));
        let reasons: Vec<String> = breaches.iter().map(Breach::to_string).collect();
        object.insert("reasons".into(), json!(reasons));
        object.insert("own_limits".into(), json!(own_limits(known)));
        object.insert("percentiles".into(), Value::Object(percentiles));
    }
    value
}

/// Times in milliseconds, loss as a share, MOS as it is.
fn figures(name: &str, spread: &Distribution) -> Value {
    let (unit, scale) = match name {
        "mos" => ("", 1e3),
        "loss" => ("", 1e6),
        _ => ("_ms", 1e3),
    };
    let mut value = Map::new();
    value.insert("count".into(), json!(spread.count()));
    for (key, share) in [
        ("min", 0.0),
        ("p01", 0.01),
        ("p50", 0.5),
        ("p90", 0.9),
        ("p95", 0.95),
        ("p99", 0.99),
        ("p999", 0.999),
        ("max", 1.0),
    ] {
        if let Some(at) = spread.quantile(share) {
            value.insert(format!("{key}{unit}"), json!(at as f64 / scale));
        }
    }
    Value::Object(value)
}

/// Issue of every receiver's jitter buffer: pacing better than this is not heard. The p99 that a load test is good for.
const OWN_LATENESS: std::time::Duration = std::time::Duration::from_millis(1);
