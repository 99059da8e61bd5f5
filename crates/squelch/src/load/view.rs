//! The run while it lasts, on standard error: on a terminal a few lines that are drawn again each second, else a line
//! every ten seconds.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use squelch_sim::load::{Distribution, Tally};

use super::share::Known;

/// Draws the run.
#[derive(Debug)]
pub(super) struct View {
    on_terminal: bool,
    coloured: bool,
    /// Lines that stand there and are drawn over.
    drawn: usize,
    last: Option<(Duration, u64)>,
    next_line: Duration,
}

impl View {
    pub(super) fn new() -> View {
        let on_terminal = stderr().is_terminal();
        // https://no-color.org: set and not empty.
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        View {
            on_terminal,
            coloured: on_terminal && !no_colour,
            drawn: 0,
            last: None,
            next_line: LINE_EVERY,
        }
    }

    /// Shows how it is after `elapsed`; called about once a second.
    pub(super) fn draw(&mut self, elapsed: Duration, known: &Known) {
        let rate = self.rate(elapsed, known.tally.started);
        let mut out = stderr().lock();
        // Nobody is left to show it to when standard error is closed.
        if self.on_terminal {
            let lines = self.lines(elapsed, rate, known);
            if self.drawn > 0 {
                let _ = write!(out, "\x1b[{}A", self.drawn);
            }
            for line in &lines {
                let _ = writeln!(out, "\x1b[2K{line}");
            }
            self.drawn = lines.len();
        } else if elapsed >= self.next_line {
            self.next_line = elapsed + LINE_EVERY;
            let _ = writeln!(out, "{}", plain(elapsed, rate, known));
        }
    }

    fn rate(&mut self, elapsed: Duration, started: u64) -> f64 {
        let (at, before) = self.last.replace((elapsed, started)).unwrap_or_default();
        let span = elapsed.saturating_sub(at).as_secs_f64();
        match span > 0.0 {
            true => started.saturating_sub(before) as f64 / span,
            false => 0.0,
        }
    }

    fn lines(&self, elapsed: Duration, rate: f64, known: &Known) -> Vec<String> {
        let tally = &known.tally;
        let failures = tally.failures();
        let wrong = failures + tally.bad_content + tally.acting_faults();
        let colour = match wrong {
            0 => GREEN,
            _ => RED,
        };
        let (on, off) = match self.coloured {
            true => (colour, OFF),
            false => ("", ""),
        };
        let mut lines = vec![
            format!(
                "{:>7}  {} calls up  {rate:.1} a second  {} begun  {} answered  {} over",
                clock(elapsed),
                known.active,
                tally.started,
                tally.answered,
                tally.ended
            ),
            format!(
                "         {on}{failures} failed  {} with other audio  {} with faults{off}{}",
                tally.bad_content,
                tally.acting_faults(),
                why(tally)
            ),
        ];
        lines.push(format!(
            "         setup  {}",
            percentiles(&tally.spread.setup)
        ));
        lines.push(format!(
            "         jitter {}",
            percentiles(&tally.spread.jitter)
        ));
        lines.push(format!(
            "         sent   {}  late; {:.0} % of a core for media",
            percentiles(&tally.spread.lateness),
            100.0 * known.busy
        ));
        lines
    }
}

fn plain(elapsed: Duration, rate: f64, known: &Known) -> String {
    let tally = &known.tally;
    format!(
        "{} {} calls up, {rate:.1} a second, {} begun, {} answered, {} over, {} failed, {} with other audio, {} with \
         faults; setup {}",
        clock(elapsed),
        known.active,
        tally.started,
        tally.answered,
        tally.ended,
        tally.failures(),
        tally.bad_content,
        tally.acting_faults(),
        percentiles(&tally.spread.setup)
    )
}

/// What failed most often.
fn why(tally: &Tally) -> String {
    let all = [&tally.failed, &tally.problems, &tally.faults];
    let mut counts: Vec<_> = all.into_iter().flatten().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let told: Vec<String> = counts
        .iter()
        .take(3)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    match told.is_empty() {
        true => String::new(),
        false => format!("  ({})", told.join(", ")),
    }
}

/// The usual three, in milliseconds.
pub(super) fn percentiles(spread: &Distribution) -> String {
    let at = |share| spread.time_at(share).map(|time| time.as_secs_f64() * 1e3);
    match (at(0.5), at(0.95), at(0.99)) {
        (Some(p50), Some(p95), Some(p99)) => {
            format!("p50 {p50:.1} ms  p95 {p95:.1} ms  p99 {p99:.1} ms")
        }
        _ => "-".into(),
    }
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

const LINE_EVERY: Duration = Duration::from_secs(10);
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const OFF: &str = "\x1b[0m";
