//! Plays trials of whole calls by seed: `cargo run --release -p squelch-sim --example calls`.
//!
//! Exit code 0 where nothing is wrong, 1 where a trial failed, 2 for wrong arguments.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]
#![expect(clippy::disallowed_methods, reason = "a command has a clock")]

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::ops::Range;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use squelch_sim::trial::{self, Report};

const HELP: &str = "\
Plays whole calls through the gateway, each decided by its seed.

usage: calls [--seeds FROM..TO] [--max-failed N]
       calls --seed N [--ladder]

  --seeds FROM..TO  which trials (0..100000)
  --max-failed N    stop after so many failures (10)
  --seed N          one trial, with its story
  --ladder          and every message that went over its networks

example: cargo run --release -p squelch-sim --example calls -- --seeds 0..100000";

fn main() -> ExitCode {
    match Wanted::parse(std::env::args().skip(1)) {
        Ok(Wanted::Help) => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Wanted::One { seed, ladder }) => one(seed, ladder),
        Ok(Wanted::Many { seeds, max_failed }) => many(seeds, max_failed),
        Err(problem) => {
            eprintln!("calls: {problem}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

enum Wanted {
    Help,
    One {
        seed: u64,
        ladder: bool,
    },
    Many {
        seeds: Range<u64>,
        max_failed: usize,
    },
}

impl Wanted {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
        let (mut seed, mut ladder) = (None, false);
        let (mut seeds, mut max_failed) = (0..100_000, 10);
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{argument} wants a value"))
            };
            let number = |text: &str| {
                let number = text.parse::<u64>();
                number.map_err(|_| format!("{text} is no number"))
            };
            match argument.as_str() {
                "--help" | "-h" => return Ok(Wanted::Help),
                "--ladder" => ladder = true,
                "--seed" => seed = Some(number(&value()?)?),
                "--max-failed" => max_failed = number(&value()?)? as usize,
                "--seeds" => {
                    let text = value()?;
                    let (from, to) = text.split_once("..").ok_or("--seeds wants FROM..TO")?;
                    seeds = number(from)?..number(to)?;
                }
                _ => return Err(format!("{argument} is not known")),
            }
        }
        Ok(match seed {
            Some(seed) => Wanted::One { seed, ladder },
            None => Wanted::Many { seeds, max_failed },
        })
    }
}

fn one(seed: u64, ladder: bool) -> ExitCode {
    let report = trial::run(Instant::now(), seed, ladder);
    for line in &report.ladder {
        println!("{line}");
    }
    println!("seed {seed}: {}", report.story);
    println!(
        "{} messages in {:.1} s of its own time; ended as {}",
        report.messages,
        report.lasted.as_secs_f64(),
        report.endings.join(", ")
    );
    for fault in &report.faults {
        println!("  wrong: {fault}");
    }
    ExitCode::from(u8::from(!report.faults.is_empty()))
}

fn many(seeds: Range<u64>, max_failed: usize) -> ExitCode {
    let begun = Instant::now();
    let mut sum = Sum::default();
    let mut progress = Progress::new(seeds.clone());
    for seed in seeds {
        let report = trial::run(begun, seed, false);
        if !report.faults.is_empty() {
            progress.clear();
            println!("seed {seed} failed: {}", report.story);
            for fault in &report.faults {
                println!("  {fault}");
            }
            println!(
                "  replay: cargo run --release -p squelch-sim --example calls -- --seed {seed} --ladder"
            );
        }
        sum.add(&report);
        progress.show(seed, sum.failed);
        if sum.failed >= max_failed {
            break;
        }
    }
    progress.clear();
    sum.print(begun.elapsed());
    ExitCode::from(u8::from(sum.failed > 0))
}

#[derive(Default)]
struct Sum {
    trials: u64,
    failed: usize,
    calls: u64,
    messages: u64,
    lasted: Duration,
    endings: BTreeMap<&'static str, u64>,
}

impl Sum {
    fn add(&mut self, report: &Report) {
        self.trials += 1;
        self.failed += usize::from(!report.faults.is_empty());
        self.calls += report.endings.len() as u64;
        self.messages += report.messages;
        self.lasted += report.lasted;
        for ending in &report.endings {
            *self.endings.entry(ending).or_default() += 1;
        }
    }

    fn print(&self, took: Duration) {
        let seconds = took.as_secs_f64().max(0.001);
        println!(
            "{} trials, {} failed; {} calls, {} messages, {:.0} h of their own time",
            self.trials,
            self.failed,
            self.calls,
            self.messages,
            self.lasted.as_secs_f64() / 3_600.0
        );
        println!(
            "{seconds:.1} s, {:.0} trials a second on one core",
            self.trials as f64 / seconds
        );
        for (ending, count) in &self.endings {
            println!("{count:>10} {ending}");
        }
    }
}

/// A line on the terminal, where there is one.
struct Progress {
    seeds: Range<u64>,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    fn new(seeds: Range<u64>) -> Progress {
        Progress {
            seeds,
            shown: None,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    fn show(&mut self, seed: u64, failed: usize) {
        let now = Instant::now();
        let due = self
            .shown
            .is_none_or(|shown| now - shown > Duration::from_millis(200));
        if self.terminal && due {
            self.shown = Some(now);
            let (done, all) = (
                seed + 1 - self.seeds.start,
                self.seeds.end - self.seeds.start,
            );
            eprint!("\r{done} of {all} trials, {failed} failed");
        }
    }

    fn clear(&self) {
        if self.terminal && self.shown.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}
