//! Runs the detector over labelled payloads: `detector_verdicts CASES [LOSS]`, a folder with `payloads.bin` and
//! `labels.csv` of `tools/detector/cases.py`, and the percentage of packets to leave out.
//!
//! For each stream a line: its number, the packet that tripped first (or `-`), the fault, the packets with sound in
//! them from the fault's start to there.

use squelch_g711::Law;
use squelch_media::detect::{Change, Detector};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::PathBuf;
use std::time::Duration;

fn main() -> Result<()> {
    let wrong = |text: &str| Error::new(ErrorKind::InvalidInput, text.to_owned());
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    let folder = folder.ok_or_else(|| wrong("usage: detector_verdicts CASES [LOSS]"))?;
    let loss: u32 = arguments.next().map_or(Ok(0), |loss| {
        let loss = loss.to_str().and_then(|loss| loss.parse().ok());
        loss.ok_or_else(|| wrong("LOSS is a whole percentage"))
    })?;
    let labels = std::fs::read_to_string(folder.join("labels.csv"))?;
    let payloads = std::fs::read(folder.join("payloads.bin"))?;
    let mut rest = payloads.as_slice();
    let mut random = 1_u32;
    let mut out = std::io::stdout().lock();
    for (stream, line) in labels.lines().skip(1).enumerate() {
        let law = if line.starts_with("mu,") {
            Law::Mu
        } else {
            Law::A
        };
        // From the end: a source's name may hold a comma, in quotes.
        let mut fields = line.rsplit(',').map(str::parse::<u32>);
        let (_, onset, count) = (fields.next(), fields.next(), fields.next());
        let onset = onset.and_then(|onset| onset.ok()).unwrap_or(0);
        let count = count.and_then(|count| count.ok());
        let mut detector = Detector::new(law);
        let (mut first, mut active) = (None, 0);
        for packet in 0..count.ok_or_else(|| wrong("labels.csv: no count of packets"))? {
            let (length, after) = rest
                .split_first_chunk()
                .ok_or_else(|| wrong("payloads.bin ends"))?;
            let length = usize::from(u16::from_le_bytes(*length));
            let (payload, after) = after
                .split_at_checked(length)
                .ok_or_else(|| wrong("payloads.bin ends"))?;
            rest = after;
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if (random >> 16) % 100 < loss {
                continue;
            }
            let sounds = payload
                .iter()
                .any(|code| law.decode_sample(*code).unsigned_abs() > 200);
            active += u32::from(packet >= onset && sounds);
            let change = detector.observe(Duration::from_millis(20 * u64::from(packet)), payload);
            if let (Some(Change::Tripped(finding)), None) = (change, first) {
                first = Some((packet, finding.fault, active));
            }
        }
        match first {
            Some((packet, fault, active)) => writeln!(out, "{stream} {packet} {fault} {active}")?,
            None => writeln!(out, "{stream} - none 0")?,
        }
    }
    Ok(())
}
