//! From the paths that were given to the files to read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files, in the order given, folders in the order of names.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<PathBuf>,
    /// Paths that could not be searched, and why.
    pub(super) errors: Vec<(PathBuf, String)>,
}

/// Files as they are given, whatever their names; of folders the captures and WAV files in them and below.
pub(super) fn find(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        if path.is_dir() {
            let before = found.files.len() + found.errors.len();
            search(path, &mut found);
            if found.files.len() + found.errors.len() == before {
                let reason = "no capture in this folder (*.pcap, *.pcapng, *.cap, *.wav)";
                found.errors.push((path.clone(), reason.into()));
            }
        } else {
            found.files.push(path.clone());
        }
    }
    found
}

fn search(folder: &Path, found: &mut Found) {
    let mut entries = match read_sorted(folder) {
        Ok(entries) => entries,
        Err(error) => {
            found.errors.push((folder.into(), error.to_string()));
            return;
        }
    };
    for (path, is_dir) in entries.drain(..) {
        if is_dir {
            search(&path, found);
        } else if has_extension(&path) {
            found.files.push(path);
        }
    }
}

/// Links to folders are not followed: they may lead in a circle.
fn read_sorted(folder: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let mut entries = fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            Ok((entry.path(), entry.file_type()?.is_dir()))
        })
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

fn has_extension(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|is| EXTENSIONS.iter().any(|one| is.eq_ignore_ascii_case(one)))
}

const EXTENSIONS: [&str; 4] = ["pcap", "pcapng", "cap", "wav"];
