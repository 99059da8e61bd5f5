//! The HTML report of a run (`--report`).

use std::io::{self, Write};
use std::time::Duration;

use squelch_sim::load::{Breach, Distribution, Moment};

use super::share::Known;
use super::summary::own_limits;
use super::view::percentiles;
use crate::report::{Cell, Chart, Curve, Report, Row, Table, Tone};

/// Writes the page of a run against `target`.
pub(super) fn write(
    target: &str,
    known: &Known,
    breaches: &[Breach],
    out: &mut impl Write,
) -> io::Result<()> {
    let tally = &known.tally;
    let passed = breaches.is_empty();
    let reasons: Vec<String> = breaches.iter().map(Breach::to_string).collect();
    let mut lead = match passed {
        true => String::from("All thresholds were kept to."),
        false => format!("Not kept to: {}.", reasons.join("; ")),
    };
    if let Some(warning) = own_limits(known) {
        lead.push_str(&format!(" The generator's own limits: {warning}."));
    }
    Report {
        title: format!("squelch load {target}"),
        verdict: Some(Row {
            label: if passed { "Passed" } else { "Failed" }.into(),
            value: format!("{} calls", tally.started),
            tone: if passed { Tone::Good } else { Tone::Bad },
        }),
        lead,
        summary: summary(known),
        table: table(known),
        charts: charts(known),
        ..Report::default()
    }
    .write_html(out)
}

fn summary(known: &Known) -> Vec<Row> {
    let tally = &known.tally;
    let count = |label: &str, count: u64| Row {
        label: label.into(),
        value: count.to_string(),
        tone: if count == 0 { Tone::Good } else { Tone::Bad },
    };
    let plain = |label: &str, value: String| Row {
        label: label.into(),
        value,
        tone: Tone::Plain,
    };
    let p95 = |spread: &Distribution| match spread.time_at(0.95) {
        Some(time) => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        None => "-".into(),
    };
    let mos = tally.spread.mos.quantile(0.01);
    vec![
        plain(
            "Calls answered",
            format!("{} of {}", tally.answered, tally.started),
        ),
        count("Calls failed", tally.failures()),
        count("Calls with other audio", tally.bad_content),
        count("Calls with faults", tally.acting_faults()),
        plain("Setup, p95", p95(&tally.spread.setup)),
        plain("Jitter, p95", p95(&tally.spread.jitter)),
        plain(
            "MOS, worst hundredth",
            mos.map_or("-".into(), |mos| format!("{:.2}", mos as f64 / 1e3)),
        ),
        plain(
            "Packets lost",
            format!("{} of {}", tally.lost, tally.received + tally.lost),
        ),
    ]
}

/// What failed, by why, and how times are spread.
fn table(known: &Known) -> Option<Table> {
    let tally = &known.tally;
    let mut rows = Vec::new();
    let mut row = |what: &str, value: String, tone| {
        let name = Cell {
            text: what.to_owned(),
            tone: Tone::Plain,
        };
        rows.push(vec![name, Cell { text: value, tone }]);
    };
    for (status, count) in &tally.statuses {
        row(
            &format!("answered with {status}"),
            count.to_string(),
            Tone::Plain,
        );
    }
    for (kind, counts) in [
        ("failed", &tally.failed),
        ("fault", &tally.faults),
        ("content", &tally.problems),
    ] {
        for (name, count) in counts {
            row(&format!("{kind}: {name}"), count.to_string(), Tone::Bad);
        }
    }
    for (name, spread) in tally.spread.all() {
        if spread.count() > 0 && !matches!(name, "mos" | "loss") {
            row(&name.replace('_', " "), percentiles(spread), Tone::Plain);
        }
    }
    for (mark, said) in &tally.examples {
        row(&format!("call {}", mark.0), said.clone(), Tone::Bad);
    }
    let columns = vec!["what".to_owned(), "how much".to_owned()];
    (!rows.is_empty()).then_some(Table { columns, rows })
}

fn charts(known: &Known) -> Vec<Chart> {
    let course = &known.tally.course;
    let seconds = course.width.as_secs_f64();
    let span = course.width * course.moments.len() as u32;
    let curve = |name: &str, tone, value: &dyn Fn(&Moment) -> Option<f64>| Curve {
        name: name.into(),
        tone,
        points: course.moments.iter().map(value).collect(),
    };
    let chart = |name: &str, note: &str, unit: &str, curves| Chart {
        name: name.into(),
        note: note.into(),
        unit: unit.into(),
        span,
        curves,
    };
    let per_second = |count: u64| Some(count as f64 / seconds);
    let at = |spread: &Distribution, share, scale: f64| {
        spread.quantile(share).map(|value| value as f64 / scale)
    };
    let mut active = Vec::with_capacity(course.moments.len());
    let (mut begun, mut over) = (0, 0);
    for moment in &course.moments {
        begun += moment.started;
        over += moment.ended;
        active.push(Some(begun.saturating_sub(over) as f64));
    }
    let active = Curve {
        name: "calls".into(),
        tone: Tone::Plain,
        points: active,
    };
    vec![
        chart(
            "Calls up",
            "Begun and not over, being set up or talking.",
            "calls",
            vec![active],
        ),
        chart(
            "Rate",
            "Calls a second.",
            "/s",
            vec![
                curve("begun", Tone::Plain, &|m| per_second(m.started)),
                curve("answered", Tone::Good, &|m| per_second(m.answered)),
            ],
        ),
        chart(
            "Failures",
            "Calls a second, when they ended.",
            "/s",
            vec![
                curve("failed", Tone::Bad, &|m| per_second(m.failed)),
                curve("other audio", Tone::Warning, &|m| per_second(m.bad_content)),
                curve("faults", Tone::Plain, &|m| per_second(m.faults)),
            ],
        ),
        chart(
            "Setup",
            "INVITE to 200, of the calls that were answered then; to one digit.",
            "ms",
            vec![
                curve("p50", Tone::Plain, &|m| at(&m.setup, 0.5, 1e3)),
                curve("p95", Tone::Warning, &|m| at(&m.setup, 0.95, 1e3)),
                curve("p99", Tone::Bad, &|m| at(&m.setup, 0.99, 1e3)),
            ],
        ),
        chart(
            "MOS",
            "Of the calls that ended then, by the E-model; at best 4.41.",
            "",
            vec![
                curve("median", Tone::Plain, &|m| at(&m.mos, 0.5, 1e3)),
                curve("worst", Tone::Bad, &|m| at(&m.mos, 0.0, 1e3)),
            ],
        ),
        chart(
            "The generator's own lateness",
            "The latest that a packet left, of each moment: over a few milliseconds, what was measured is this machine's.",
            "ms",
            vec![curve("latest", Tone::Warning, &|m| {
                (m.latest > Duration::ZERO).then_some(m.latest.as_secs_f64() * 1e3)
            })],
        ),
    ]
}
