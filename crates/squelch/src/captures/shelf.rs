//! The folder of captures: what is there, and how much more may be.
//!
//! All captures together take `max_bytes` at most. What is new matters more than what is old, so the oldest captures
//! make room, whole, until what is to be written fits. A capture that is being written makes no room for others: where
//! only such are left, writing is refused.

use std::collections::VecDeque;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder, and what is known of it.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    max_bytes: u64,
    /// Captures that are finished, the oldest first.
    finished: VecDeque<Finished>,
    used_bytes: u64,
    removed: u64,
}

#[derive(Debug)]
struct Finished {
    name: String,
    bytes: u64,
}

impl Shelf {
    /// The folder as it is, made where it is not there. Files of earlier runs count; others are left alone.
    ///
    /// **Errors**: it can't be made, read or written.
    pub(super) fn open(folder: &Path, max_bytes: u64) -> io::Result<Shelf> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut shelf = Shelf {
            folder: folder.to_owned(),
            max_bytes,
            finished: VecDeque::new(),
            used_bytes: 0,
            removed: 0,
        };
        let probe = shelf.create(PROBE)?;
        drop(probe);
        std::fs::remove_file(folder.join(PROBE))?;
        shelf.read_folder()?;
        Ok(shelf)
    }

    fn read_folder(&mut self) -> io::Result<()> {
        let mut found: Vec<(SystemTime, Finished)> = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let file_name = entry.file_name();
            let Some(name) = file_name.to_str().and_then(capture_of) else {
                continue;
            };
            let about = entry.metadata()?;
            if !about.is_file() {
                continue;
            }
            let changed = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            match found.iter_mut().find(|(_, capture)| capture.name == name) {
                Some((latest, capture)) => {
                    *latest = changed.max(*latest);
                    capture.bytes += about.len();
                }
                None => found.push((
                    changed,
                    Finished {
                        name: name.to_owned(),
                        bytes: about.len(),
                    },
                )),
            }
        }
        found.sort_by_key(|(changed, _)| *changed);
        self.used_bytes = found.iter().map(|(_, capture)| capture.bytes).sum();
        self.finished = found.into_iter().map(|(_, capture)| capture).collect();
        Ok(())
    }

    /// Makes a file that is not there yet; only its owner may read it.
    pub(super) fn create(&self, file_name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.open(self.folder.join(file_name))
    }

    /// Puts a file of a few bytes there, whole, in the place of one of its name.
    pub(super) fn put(&self, file_name: &str, bytes: &[u8]) -> io::Result<()> {
        let unfinished = format!("{file_name}.part");
        // What a killed process left is in nobody's way.
        let _ = std::fs::remove_file(self.folder.join(&unfinished));
        io::Write::write_all(&mut self.create(&unfinished)?, bytes)?;
        std::fs::rename(self.folder.join(&unfinished), self.folder.join(file_name))
    }

    /// Whether so many bytes may be written: they count from now on, and old captures are gone for them.
    pub(super) fn take(&mut self, bytes: u64) -> bool {
        while self.used_bytes + bytes > self.max_bytes {
            let Some(oldest) = self.finished.pop_front() else {
                return false;
            };
            self.remove(&oldest);
        }
        self.used_bytes += bytes;
        true
    }

    /// So many bytes may all captures take from now on. What is there already makes room when the next one needs it.
    pub(super) fn bound(&mut self, max_bytes: u64) {
        self.max_bytes = max_bytes;
    }

    /// A capture is finished, and may be removed from now on.
    pub(super) fn finish(&mut self, name: String, bytes: u64) {
        self.finished.push_back(Finished { name, bytes });
    }

    /// Captures that made room for others.
    pub(super) fn removed(&self) -> u64 {
        self.removed
    }

    /// What all files take.
    pub(super) fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    fn remove(&mut self, capture: &Finished) {
        for ending in ENDINGS {
            let path = self.folder.join(format!("{}{ending}", capture.name));
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, file = %path.display(), "an old capture could not be removed");
                }
                _ => {}
            }
        }
        self.used_bytes = self.used_bytes.saturating_sub(capture.bytes);
        self.removed += 1;
    }
}

/// The capture that a file belongs to; `None` for a file that is none of squelch's.
fn capture_of(file_name: &str) -> Option<&str> {
    let name = ENDINGS
        .iter()
        .find_map(|ending| file_name.strip_suffix(ending))?;
    let (id, number) = name.split_once('-')?;
    let is_id = id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_numbered = number.starts_with(|first: char| first.is_ascii_digit());
    (is_id && is_numbered).then_some(name)
}

/// Every ending a capture's files have, the unfinished ones of a killed process included.
const ENDINGS: [&str; 7] = [
    ".pcap",
    ".json",
    ".json.part",
    ".from-carrier.wav",
    ".to-carrier.wav",
    ".from-openai.wav",
    ".to-openai.wav",
];
/// 128 bits in hex: `Gateway::token`.
const ID_DIGITS: usize = 32;
/// A file that shows whether files can be made.
const PROBE: &str = ".squelch-writes-here";

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn name(number: u32) -> String {
        format!("{number:032x}-1-fault")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("read")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_oldest_captures_make_room_and_nothing_else_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        std::fs::write(path.join("notes.pcap"), [0; 500]).expect("written");
        std::fs::write(path.join("holiday-1-photo.wav"), [0; 500]).expect("written");
        let mut shelf = Shelf::open(path, 1_000).expect("opened");
        for number in 0..3 {
            assert!(shelf.take(300));
            for ending in [".pcap", ".json"] {
                std::fs::write(path.join(name(number) + ending), [0; 150]).expect("written");
            }
            shelf.finish(name(number), 300);
        }
        // One that is not finished yet.
        assert!(shelf.take(100));
        assert!(shelf.take(301), "for which the two oldest go");
        assert_eq!((shelf.removed(), shelf.used_bytes()), (2, 701));
        let left = [
            name(2) + ".json",
            name(2) + ".pcap",
            "holiday-1-photo.wav".into(),
            "notes.pcap".into(),
        ];
        assert_eq!(names(path), left);
        assert!(!shelf.take(901), "what is being written makes no room");
    }

    #[test]
    fn what_an_earlier_run_left_counts_and_goes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        for (number, days) in [(1, 3_u64), (2, 9), (3, 6)] {
            let file = File::create(path.join(name(number) + ".pcap")).expect("made");
            file.set_len(100).expect("written");
            let day = std::time::Duration::from_secs(86_400);
            let old = SystemTime::now() - day * days as u32;
            file.set_modified(old).expect("dated");
        }
        let mut shelf = Shelf::open(path, 300).expect("opened");
        assert_eq!(shelf.used_bytes(), 300);
        assert!(shelf.take(150));
        assert_eq!(names(path), [name(1) + ".pcap"]);
    }

    #[test]
    fn only_the_owner_reads_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a").join("b");
        let shelf = Shelf::open(&path, 1_000).expect("made");
        shelf.create("x").expect("made");
        shelf.put("y", b"1").expect("put");
        shelf.put("y", b"2").expect("put once more");
        for file in ["x", "y"] {
            let about = std::fs::metadata(path.join(file)).expect("there");
            assert_eq!(about.permissions().mode() & 0o777, 0o600);
        }
        let about = std::fs::metadata(&path).expect("there");
        assert_eq!(about.permissions().mode() & 0o777, 0o700);
        assert_eq!(std::fs::read(path.join("y")).expect("read"), b"2");
        let again = shelf.create("x").expect_err("it is there");
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_folder_that_can_not_be_written_is_told_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("file"), b"").expect("written");
        assert!(Shelf::open(&folder.path().join("file"), 1_000).is_err());
    }
}
