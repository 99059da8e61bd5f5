//! Logs to standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. What is logged comes from `--log`, else from `RUST_LOG`, else from `default`.
///
/// Text of callers is escaped by the formatter: control characters can't reach the terminal.
///
/// **Errors**: the filter does not parse.
pub(super) fn start(asked: Option<&str>, default: &str) -> Result<(), String> {
    let from_environment = std::env::var("RUST_LOG").ok().filter(|f| !f.is_empty());
    let (named, filter) = match (asked, &from_environment) {
        (Some(filter), _) => ("--log", filter),
        (None, Some(filter)) => ("RUST_LOG", filter.as_str()),
        (None, None) => ("", default),
    };
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("{named}: {error}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(coloured(&std::io::stderr()))
        .try_init()
        .map_err(|error| format!("logging: {error}"))
}

/// Whether colour may be written: only to a terminal, and not where `NO_COLOR` is set.
pub(super) fn coloured(to: &impl IsTerminal) -> bool {
    to.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
