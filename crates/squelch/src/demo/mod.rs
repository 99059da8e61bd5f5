//! `squelch demo`: hear the static and what squelch makes of it, without account or configuration.
//!
//! One process, real sockets on loopback: a carrier calls through the true gateway to the stand-in
//! for OpenAI, which holds its answer until squelch has accepted the call by webhook and API. Then
//! an application sends its session.update to OpenAI directly, past squelch, with tools and without
//! audio formats: the static begins. `call` holds the call, `evidence` reads what went over the
//! peers' wires, `outcome` says what it comes to.

mod application;
mod args;
mod call;
mod evidence;
mod files;
mod outcome;
mod page;
pub mod voices;

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{FOUND, fail};
use crate::inspect::OutputFormat;
pub use args::Args;
use evidence::Evidence;
use outcome::Outcome;

const NAME: &str = "squelch demo";

/// Runs the demo. Exit code 0 when the static was found and hardly heard, 1 when not.
pub fn run(asked: &Args) -> ExitCode {
    match demonstrate(asked) {
        Ok(outcome) if outcome.is_good() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(FOUND),
        Err(line) => fail(NAME, &line),
    }
}

fn demonstrate(asked: &Args) -> Result<Outcome, String> {
    let out = &asked.out;
    std::fs::create_dir_all(out)
        .map_err(|error| format!("can't make {}: {error}", out.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let bar = progress();
    let held = runtime.block_on(async {
        let call = call::hold(asked.fault, out);
        tokio::pin!(call);
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                held = &mut call => return held,
                _ = tick.tick() => bar.inc(TICK.as_millis() as u64),
            }
        }
    });
    let held = held.inspect_err(|_| bar.finish_and_clear())?;
    bar.set_message("writing the files");
    let evidence = Evidence::new(held);
    let outcome = Outcome::new(asked.fault, &evidence);
    let files = files::write(out, &evidence, &outcome);
    bar.finish_and_clear();
    let files = files?;
    let told = match asked.format {
        OutputFormat::Table => outcome.write_table(&files, &mut std::io::stdout().lock()),
        OutputFormat::Json => outcome.write_json(&files, &mut std::io::stdout().lock()),
    };
    told.map_err(|error| error.to_string())?;
    Ok(outcome)
}

/// A bar on a terminal, nothing elsewhere.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new(call::EXPECTED.as_millis() as u64);
    let style = ProgressStyle::with_template("{msg:28} {bar:30} {percent:>3} %");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message("one call through squelch");
    bar
}

const TICK: Duration = Duration::from_millis(100);
