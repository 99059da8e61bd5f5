//! `squelch check config`.

use std::process::ExitCode;

use super::{FileArgs, telling};
use crate::cli::fail;
use crate::config;

const COMMAND: &str = "squelch check config";

pub(super) fn run(asked: &FileArgs) -> ExitCode {
    let name = asked.file.display().to_string();
    match config::load(&asked.file) {
        Ok((_, problems)) => telling::tell(COMMAND, &name, &problems, asked.format),
        Err(error) => fail(COMMAND, &format!("{name}: {error}")),
    }
}
