//! `squelch check`: what is wrong with a file and how to mend it.

mod config;
mod place;
mod session;
mod telling;

use std::path::PathBuf;
use std::process::ExitCode;

/// Say what is wrong with a file and how to mend it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A configuration (squelch.toml), with the files and variables it names
    #[command(after_help = "\
Example:
  squelch check config squelch.toml

Exit code: 0 the gateway would start with it (warnings may be told), 1 it would not,
2 the file can't be read.")]
    Config(FileArgs),
    /// A session for OpenAI: the body of an accept, a session.update or a response.create
    #[command(after_help = "\
Examples:
  squelch check session session.json
  jq .accept settings.json | squelch check session -

A file of \"-\" is standard input. Each problem is told with its line, its JSON path and how to mend
it: what OpenAI is known to refuse, and what makes it lose the call's audio format, which the caller
hears as static.

Exit code: 0 OpenAI takes it (warnings may be told), 1 it would be refused or lose the format,
2 the file can't be read.")]
    Session(FileArgs),
}

#[derive(Debug, clap::Args)]
struct FileArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How to tell the result on standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line a problem
    #[default]
    Text,
    /// JSON Lines: one object a problem, then one with the result
    Json,
}

/// Runs `squelch check`.
pub fn run(args: &Args) -> ExitCode {
    match &args.what {
        What::Config(asked) => config::run(asked),
        What::Session(asked) => session::run(asked),
    }
}
