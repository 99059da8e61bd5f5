//! The file of call records: one JSON line a call, written by a thread of its own.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use squelch_call::CallRecord;

use super::StartError;

/// Writes records without holding up the gateway's task.
///
/// No record is ever dropped for want of room: the queue holds what the disk has not taken yet, one
/// entry for each call that ended.
#[derive(Debug, Default)]
pub(super) struct Records {
    lines: Option<mpsc::Sender<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Records {
    /// Opens the file for appending; without a path records go nowhere.
    pub(super) fn open(path: Option<&Path>) -> Result<Records, StartError> {
        let Some(path) = path else {
            return Ok(Records::default());
        };
        let failed = |source| StartError::Records {
            path: path.display().to_string(),
            source,
        };
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(path);
        let file = file.map_err(failed)?;
        let (lines, queue) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("records".into())
            .spawn(move || write(file, &queue))
            .map_err(failed)?;
        Ok(Records {
            lines: Some(lines),
            thread: Some(thread),
        })
    }

    /// Queues one record.
    pub(super) fn write(&self, record: &CallRecord) {
        let (Some(lines), Ok(line)) = (&self.lines, serde_json::to_string(record)) else {
            return;
        };
        if lines.send(line).is_err() {
            tracing::error!(id = record.id, "a call record could not be written");
        }
    }

    /// Waits until all is written.
    pub(super) async fn close(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            // The thread ends by itself once the queue is empty.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn write(mut file: File, lines: &mpsc::Receiver<String>) {
    for mut line in lines {
        line.push('\n');
        // One write a line: a reader never sees half of one, another writer never cuts in.
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::error!(%error, record = line.trim_end(), "a call record could not be written");
        }
    }
}
