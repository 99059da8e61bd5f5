//! One capture file: read, shown to the observer.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use squelch_call::observe::{Carrier, Datagram, Observation, Observer};
use squelch_pcap::{Counters, Packet, PcapError, Reader, Transport};

/// What a file holds.
#[derive(Debug)]
pub(super) struct Inspected {
    pub(super) observation: Observation,
    pub(super) counters: Counters,
    /// What could not be read of it; what could be stands.
    pub(super) errors: Vec<InspectError>,
}

/// Why a file could not be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum InspectError {
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("{0}")]
    Capture(#[from] PcapError),
    #[error("WAV files are not read yet; inspect takes pcap and pcapng")]
    Wav,
}

/// Reads the whole file.
pub(super) fn inspect(path: &Path) -> Inspected {
    let mut observer = Observer::new();
    let (counters, errors) = each_packet(path, |packet| {
        observer.handle_datagram(seen(packet));
    });
    Inspected {
        observation: observer.finish(),
        counters,
        errors,
    }
}

/// Hands each packet of the file to `take`.
pub(super) fn each_packet(
    path: &Path,
    mut take: impl FnMut(&Packet),
) -> (Counters, Vec<InspectError>) {
    let mut reader = match open(path) {
        Ok(reader) => reader,
        Err(error) => return (Counters::default(), vec![error]),
    };
    let mut errors = Vec::new();
    for item in reader.by_ref() {
        match item {
            Ok(packet) => take(&packet),
            Err(error) => errors.push(error.into()),
        }
    }
    (reader.counters(), errors)
}

/// The datagram as the observer wants it.
pub(super) fn seen(packet: &Packet) -> Datagram<'_> {
    Datagram {
        at: packet.at,
        source: packet.source,
        destination: packet.destination,
        carrier: match packet.transport {
            Transport::Udp => Carrier::Udp,
            Transport::Tcp { sequence } => Carrier::Tcp { sequence },
        },
        payload: &packet.payload,
        missing_bytes: packet.missing_bytes,
    }
}

fn open(path: &Path) -> Result<Reader<File>, InspectError> {
    let mut file = File::open(path)?;
    // A pipe can't be rewound, and no WAV is expected out of one.
    if file.metadata()?.is_file() {
        let mut magic = [0; 4];
        let read = file.read(&mut magic)?;
        file.rewind()?;
        if magic.get(..read) == Some(b"RIFF") {
            return Err(InspectError::Wav);
        }
    }
    Ok(Reader::new(file)?)
}
