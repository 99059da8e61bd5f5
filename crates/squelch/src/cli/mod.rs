//! The command line: what is asked, who does it, the exit code.
//!
//! Results go to standard output, progress, notes and errors to standard error. Exit codes: 0 done
//! and nothing wrong found, 1 done and something wrong found, 2 could not do it.

mod logging;
mod unbuilt;

pub use logging::log;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{convert, demo, inspect, load, serve, sim_io};

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let asked = Cli::parse();
    if let Err(error) = logging::start(asked.log.as_deref(), asked.command.log_default()) {
        return fail("squelch", &error);
    }
    match asked.command {
        Command::Demo(args) => demo::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Monitor(args) => unbuilt::run("monitor", &args),
        Command::Load(args) => load::run(&args),
        Command::Answer(args) => load::answer(&args),
        Command::Sim(args) => sim_io::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Check(args) => crate::check::run(&args),
    }
}

/// Tells on standard error why the command could not be done. Exit code 2.
pub(crate) fn fail(command: &str, error: &dyn std::fmt::Display) -> ExitCode {
    use std::io::Write;
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{command}: {error}");
    ExitCode::from(NOT_DONE)
}

/// Finds and mutes static on phone calls to OpenAI Realtime: a SIP and RTP gateway between the
/// carrier and OpenAI, and tools to look at captures.
#[derive(Debug, Parser)]
#[command(name = "squelch", version, after_help = EXAMPLES, propagate_version = true)]
struct Cli {
    /// What to log to standard error, as RUST_LOG: "debug", "squelch=trace,info"
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Hear the static and what squelch makes of it: one call on loopback, no account needed
    Demo(demo::Args),
    /// Run the gateway
    Serve(serve::Args),
    /// Find broken audio in captures and WAV files
    Inspect(inspect::Args),
    /// The same live, off a mirror port or HEP (not built yet)
    #[command(after_help = "Example:\n  squelch monitor --interface eth0")]
    Monitor(unbuilt::Args),
    /// Load test with calls whose media come from captures
    Load(Box<load::Args>),
    /// The far end for load tests
    Answer(load::AnswerArgs),
    /// Play another party: the stand-in for OpenAI Realtime
    Sim(sim_io::Args),
    /// Audio files from one format to another
    Convert(convert::Args),
    /// Say what is wrong with a file and how to mend it
    #[command(after_help = "Example:\n  squelch check config squelch.toml")]
    Check(crate::check::Args),
}

impl Command {
    /// What is logged when nobody says: the gateway tells what it does, other commands only what
    /// is wrong.
    fn log_default(&self) -> &'static str {
        match self {
            Command::Serve(_) | Command::Sim(_) | Command::Answer(_) => "info",
            _ => "warn",
        }
    }
}

/// Exit code: done, and something wrong found.
pub(crate) const FOUND: u8 = 1;
/// Exit code: could not do it.
pub(crate) const NOT_DONE: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  squelch demo                              hear it, no account needed
  squelch inspect call.pcap                 look at a capture
  squelch check config squelch.toml         before the gateway is started
  squelch serve --config squelch.toml       the gateway

Exit codes: 0 done and nothing wrong found, 1 done and something wrong found, 2 could not do it.";
