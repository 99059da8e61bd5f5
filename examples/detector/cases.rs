//! The streams of a folder: `payloads.bin` has payloads, each after its length in two bytes, little-endian;
//! `labels.csv` says which belong together.

use crate::wrong;
use squelch_g711::Law;
use std::io::Result;
use std::path::Path;

/// A folder, read whole.
pub(crate) struct Cases {
    labels: String,
    payloads: Vec<u8>,
}

/// One stream.
pub(crate) struct Stream<'a> {
    /// Its payload type.
    pub(crate) law: Law,
    /// The packet that its fault starts with; 0 where it has none.
    pub(crate) onset: u32,
    /// Its payloads, in order.
    pub(crate) payloads: Vec<&'a [u8]>,
}

impl Cases {
    /// Reads a folder.
    pub(crate) fn read(folder: &Path) -> Result<Cases> {
        Ok(Cases {
            labels: std::fs::read_to_string(folder.join("labels.csv"))?,
            payloads: std::fs::read(folder.join("payloads.bin"))?,
        })
    }

    /// Its streams, in order.
    pub(crate) fn streams(&self) -> impl Iterator<Item = Result<Stream<'_>>> {
        let mut rest = self.payloads.as_slice();
        let lines = self.labels.lines().skip(1);
        lines.map(move |line| stream(line, &mut rest).ok_or_else(|| wrong("payloads.bin ends")))
    }
}

fn stream<'a>(line: &str, rest: &mut &'a [u8]) -> Option<Stream<'a>> {
    // From the end: a source's name may hold a comma, in quotes.
    let mut fields = line.rsplit(',').map(|field| field.trim().parse::<u32>());
    let (_, onset, count) = (fields.next(), fields.next(), fields.next());
    let mut payloads = Vec::new();
    for _ in 0..count?.ok()? {
        let (length, after) = rest.split_first_chunk()?;
        let (payload, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        payloads.push(payload);
        *rest = after;
    }
    Some(Stream {
        law: match line.starts_with("mu,") {
            true => Law::Mu,
            false => Law::A,
        },
        onset: onset?.unwrap_or(0),
        payloads,
    })
}
