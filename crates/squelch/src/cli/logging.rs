//! Logs to standard error.

use std::io::IsTerminal;

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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
    let ansi = coloured(&std::io::stderr());
    log(filter, ansi, std::io::stderr)
        .try_init()
        .map_err(|error| format!("logging: {error}"))
}

/// The log that `filter` lets through, without what would tell a key, whatever the filter says.
pub fn log<W>(filter: EnvFilter, ansi: bool, writer: W) -> impl SubscriberInitExt
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(ansi)
        .finish()
        .with(filter_fn(tells_no_key))
}

/// tungstenite writes its handshakes at the level of traces, with their Authorization.
fn tells_no_key(event: &Metadata<'_>) -> bool {
    *event.level() < Level::TRACE || !event.target().starts_with("tungstenite")
}

/// Whether colour may be written: only to a terminal, and not where `NO_COLOR` is set.
pub(super) fn coloured(to: &impl IsTerminal) -> bool {
    to.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
