//! Commands that are named but not built yet: they say so and exit with 2.

use std::process::ExitCode;

/// Whatever is given: it is not looked at.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Not looked at yet
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

/// Says that the command is not built yet. Exit code 2.
pub(super) fn run(command: &str, _: &Args) -> ExitCode {
    super::fail(&format!("squelch {command}"), &"not built yet")
}
