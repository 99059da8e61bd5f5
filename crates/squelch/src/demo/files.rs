//! The files the demo leaves.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use squelch_pcap::Writer;

use super::evidence::Evidence;
use super::outcome::Outcome;
use super::page;

/// Where they are.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) without: PathBuf,
    pub(super) with: PathBuf,
    pub(super) capture: PathBuf,
    pub(super) report: PathBuf,
    pub(super) record: PathBuf,
}

impl Files {
    /// Each with what it is.
    pub(super) fn list(&self) -> [(&Path, &'static str); 5] {
        [
            (
                &self.without,
                "what came from OpenAI: loud static, turn the volume down",
            ),
            (&self.with, "what went to the caller"),
            (
                &self.report,
                "both drawn, with verdicts and signalling; open it in a browser",
            ),
            (&self.capture, "the call's packets; open it in Wireshark"),
            (&self.record, "squelch's record of the call"),
        ]
    }
}

/// Writes all but the record, which squelch has written.
pub(super) fn write(out: &Path, evidence: &Evidence, outcome: &Outcome) -> Result<Files, String> {
    let files = Files {
        without: out.join("without-squelch.wav"),
        with: out.join("with-squelch.wav"),
        capture: out.join("call.pcap"),
        report: out.join("report.html"),
        record: out.join("calls.jsonl"),
    };
    let sounds = [
        (&evidence.without, &files.without),
        (&evidence.with, &files.with),
    ];
    for (sound, path) in sounds {
        sound.write(path).map_err(|error| error.to_string())?;
    }
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| format!("can't write {path}: {error}")
    };
    capture(&files.capture, evidence).map_err(failed(&files.capture))?;
    report(&files.report, evidence, outcome).map_err(failed(&files.report))?;
    Ok(files)
}

/// SIP that went over TLS stands in the clear, as datagrams between the same ports.
fn capture(path: &Path, evidence: &Evidence) -> io::Result<()> {
    let mut writer = Writer::new(BufWriter::new(File::create(path)?))?;
    for message in &evidence.messages {
        let epoch = message.at.duration_since(SystemTime::UNIX_EPOCH);
        writer.write(
            epoch.unwrap_or_default(),
            message.from,
            message.to,
            &message.bytes,
        )?;
    }
    writer.into_inner()?.flush()
}

fn report(path: &Path, evidence: &Evidence, outcome: &Outcome) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    page::page(evidence, outcome).write_html(&mut file)?;
    file.flush()
}
