//! The squelch command; everything is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    squelch::cli::main()
}
