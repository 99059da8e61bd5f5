//! What `squelch serve` is asked.

use std::path::PathBuf;

/// Run the gateway.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  squelch check config squelch.toml        what is wrong with it, before
  squelch serve --config squelch.toml

Stops on SIGTERM or SIGINT: takes no new calls, waits for those that are up as long as
limits.drain says, then ends them. A second signal ends it at once.

Exit code: 0 stopped as asked, 2 could not start.")]
pub struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "squelch.toml")]
    pub config: PathBuf,
}
