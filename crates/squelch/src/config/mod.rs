//! The configuration: `squelch.toml`, the files and the environment it points at.
//!
//! [`load`] reads it, [`Config`] is the outcome, [`Problem`] what is wrong with it. Whatever the
//! contract names and this version can't do is refused by name, never passed over.

mod files;
mod model;
mod problem;
mod read;
mod section;
mod values;

use std::io;
use std::path::Path;

pub use files::Surroundings;
pub use model::{Admin, Authorities, Config, Listen, PortRange, ShownCertificate, Tap};
pub use problem::{Problem, Severity};
pub use read::read;

/// Reads the file at `path` with the process's environment.
///
/// **Errors**: the file can't be read. What is wrong inside it is among the problems.
pub fn load(path: &Path) -> io::Result<(Option<Config>, Vec<Problem>)> {
    let bytes = std::fs::read(path)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is no text in UTF-8"))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(read(
        &text,
        Surroundings {
            folder,
            variable: &|name| std::env::var(name).ok(),
        },
    ))
}
