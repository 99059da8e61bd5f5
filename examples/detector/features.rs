//! Measures payloads as the detector does. For each that says something: the stream's number and the packet's, as
//! 32-bit integers, then the figures as 32-bit floats, all little-endian.

use crate::cases::Cases;
use squelch_media::detect::features::Meter;
use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// Writes `features.bin`.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let cases = Cases::read(folder)?;
    let mut out = BufWriter::new(File::create(folder.join("features.bin"))?);
    for (number, stream) in (0_u32..).zip(cases.streams()) {
        let stream = stream?;
        let mut meter = Meter::new(stream.law);
        for (packet, payload) in (0_u32..).zip(stream.payloads) {
            if let Some(figures) = meter.measure(payload) {
                out.write_all(&number.to_le_bytes())?;
                out.write_all(&packet.to_le_bytes())?;
                for figure in figures {
                    out.write_all(&figure.to_le_bytes())?;
                }
            }
        }
    }
    out.flush()
}
