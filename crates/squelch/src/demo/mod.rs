//! `squelch demo`: hear the static and what squelch makes of it, without account or configuration.

pub mod voices;

mod args;
pub use args::Args;

/// Runs the demo.
pub fn run(_: &Args) -> std::process::ExitCode {
    crate::cli::fail("squelch demo", &"not built yet")
}
