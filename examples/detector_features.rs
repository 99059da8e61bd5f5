//! Measures labelled payloads as the detector does: `detector_features CASES`, a folder with `payloads.bin` and
//! `labels.csv` of `tools/detector/cases.py`; writes `features.bin` beside them.
//!
//! For each payload that says something: the stream's number and the packet's, as 32-bit integers, then the figures
//! as 32-bit floats, all little-endian.

use squelch_g711::Law;
use squelch_media::detect::features::Meter;
use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Read, Result, Write};
use std::path::PathBuf;

fn main() -> Result<()> {
    let wrong = |text: &str| Error::new(ErrorKind::InvalidInput, text.to_owned());
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| wrong("usage: detector_features CASES"))?;
    let labels = std::fs::read_to_string(folder.join("labels.csv"))?;
    let mut payloads = Vec::new();
    File::open(folder.join("payloads.bin"))?.read_to_end(&mut payloads)?;
    let mut rest = payloads.as_slice();
    let mut out = BufWriter::new(File::create(folder.join("features.bin"))?);
    for (stream, line) in (0_u32..).zip(labels.lines().skip(1)) {
        let law = if line.starts_with("mu,") {
            Law::Mu
        } else {
            Law::A
        };
        // From the end: a source's name may hold a comma, in quotes.
        let count = line
            .rsplit(',')
            .nth(2)
            .and_then(|count| count.parse::<u32>().ok());
        let mut meter = Meter::new(law);
        for packet in 0..count.ok_or_else(|| wrong("labels.csv: no count of packets"))? {
            let (length, after) = rest
                .split_first_chunk()
                .ok_or_else(|| wrong("payloads.bin ends"))?;
            let length = usize::from(u16::from_le_bytes(*length));
            let (payload, after) = after
                .split_at_checked(length)
                .ok_or_else(|| wrong("payloads.bin ends"))?;
            rest = after;
            if let Some(figures) = meter.measure(payload) {
                out.write_all(&stream.to_le_bytes())?;
                out.write_all(&packet.to_le_bytes())?;
                for figure in figures {
                    out.write_all(&figure.to_le_bytes())?;
                }
            }
        }
    }
    out.flush()
}
