//! Rows timed side by side: every round runs each row once, so that what else the machine does falls on all of
//! them alike, and each row's median is told beside the first's.
//!
//! `-- --test` runs each row once and times nothing; `-- WORD` runs the groups whose name holds WORD.

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

/// How long one row runs in one round.
const ROUND: Duration = Duration::from_millis(4);

/// Odd, so that the median is a round that was run.
const ROUNDS: usize = 31;

/// What the command line asks for.
enum Mode {
    Time { only: Option<String> },
    Once,
    List,
}

impl Mode {
    fn of_arguments() -> Mode {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
        if has("--list") {
            Mode::List
        } else if has("--test") || !has("--bench") {
            // `cargo test` runs benches without any flag.
            Mode::Once
        } else {
            let only = arguments.into_iter().find(|word| !word.starts_with('-'));
            Mode::Time { only }
        }
    }
}

struct Row<'a> {
    name: String,
    run: Box<dyn FnMut() + 'a>,
    nanoseconds: Vec<f64>,
}

/// Rows that do the same work, or a part of it.
pub(crate) struct Group<'a> {
    name: String,
    /// What a time is told for, `packet` for instance.
    unit: &'static str,
    /// Units that one run of a row works on.
    batch: u32,
    rows: Vec<Row<'a>>,
}

impl<'a> Group<'a> {
    /// Rows of which one run works on `batch` units.
    pub(crate) fn new(name: impl Into<String>, unit: &'static str, batch: u32) -> Group<'a> {
        Group {
            name: name.into(),
            unit,
            batch,
            rows: Vec::new(),
        }
    }

    /// Adds a row. The first is what the others are compared with.
    pub(crate) fn row<T>(
        &mut self,
        name: impl Into<String>,
        mut run: impl FnMut() -> T + 'a,
    ) -> &mut Group<'a> {
        self.rows.push(Row {
            name: name.into(),
            run: Box::new(move || {
                black_box(run());
            }),
            nanoseconds: Vec::new(),
        });
        self
    }

    /// Runs the rows as the command line says, and prints them.
    pub(crate) fn run(&mut self) {
        let mut out = std::io::stdout().lock();
        // A closed pipe is no reason to fail.
        let _ = match Mode::of_arguments() {
            Mode::List => Ok(()),
            Mode::Once => {
                for row in &mut self.rows {
                    (row.run)();
                }
                writeln!(out, "{}: {} rows run", self.name, self.rows.len())
            }
            Mode::Time { only } if only.as_ref().is_some_and(|word| !self.name.contains(word)) => {
                Ok(())
            }
            Mode::Time { .. } => {
                self.time();
                self.print(&mut out)
            }
        };
    }

    fn time(&mut self) {
        let counts: Vec<u32> = self.rows.iter_mut().map(calibrate).collect();
        for _ in 0..ROUNDS {
            for (row, count) in self.rows.iter_mut().zip(&counts) {
                let took = time(&mut row.run, *count);
                let units = f64::from(*count) * f64::from(self.batch);
                row.nanoseconds.push(took.as_nanos() as f64 / units);
            }
        }
        for row in &mut self.rows {
            row.nanoseconds.sort_by(f64::total_cmp);
        }
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let first = self.rows.first().map_or(1.0, Row::median);
        writeln!(
            out,
            "\n{} (a {}, median of {ROUNDS} rounds)",
            self.name, self.unit
        )?;
        writeln!(
            out,
            "| {:<44} | {:>12} | {:>17} | {:>9} |",
            "row", "median", "middle half", "x first"
        )?;
        writeln!(out, "|{:-<46}|{:->14}|{:->19}|{:->11}|", "", ":", ":", ":")?;
        for row in &self.rows {
            let (low, high) = row.middle_half();
            writeln!(
                out,
                "| {:<44} | {:>9.1} ns | {:>8.1}-{:<8.1} | {:>9.2} |",
                row.name,
                row.median(),
                low,
                high,
                row.median() / first
            )?;
        }
        Ok(())
    }
}

impl Row<'_> {
    fn at(&self, share: f64) -> f64 {
        let index = (share * (self.nanoseconds.len().saturating_sub(1)) as f64).round();
        self.nanoseconds
            .get(index as usize)
            .copied()
            .unwrap_or(f64::NAN)
    }

    fn median(&self) -> f64 {
        self.at(0.5)
    }

    fn middle_half(&self) -> (f64, f64) {
        (self.at(0.25), self.at(0.75))
    }
}

/// How often a row must run to fill a round. Warms it up as well.
fn calibrate(row: &mut Row<'_>) -> u32 {
    let mut count = 1;
    loop {
        let took = time(&mut row.run, count);
        if took >= ROUND / 4 {
            let more = ROUND.as_secs_f64() / took.as_secs_f64();
            return (f64::from(count) * more).ceil().max(1.0) as u32;
        }
        count = count.saturating_mul(4);
    }
}

fn time(run: &mut dyn FnMut(), count: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..count {
        run();
    }
    start.elapsed()
}
