//! One file: a capture is shown to the observer, a WAV file to listeners.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use squelch_call::observe::{Carrier, Datagram, Observer, Signal, StreamReport};
use squelch_pcap::{Counters, Packet, PcapError, Reader, Transport};

use super::recording::{self, WavError};

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Inspected {
    pub(super) streams: Vec<StreamReport>,
    pub(super) signals: Vec<Signal>,
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
    #[error("{0}")]
    Wav(#[from] WavError),
}

impl Inspected {
    pub(super) fn failed(error: InspectError) -> Self {
        Self {
            errors: vec![error],
            ..Self::default()
        }
    }
}

/// Reads the whole file; `talk_due` says that somebody ought to be heard in each of its streams.
pub(super) fn inspect(path: &Path, talk_due: bool) -> Inspected {
    let opened = match open(path) {
        Ok(opened) => opened,
        Err(error) => return Inspected::failed(error),
    };
    let reader = match opened {
        Opened::Capture(reader) => reader,
        Opened::Wav(file) => return recording::inspect(file, talk_due),
    };
    let mut observer = Observer::new().expecting_talk(talk_due);
    let (counters, errors) = each_packet(reader, |packet| {
        observer.handle_datagram(seen(packet));
    });
    let observation = observer.finish();
    Inspected {
        streams: observation.streams,
        signals: observation.signals,
        counters,
        errors,
    }
}

/// What a file turned out to be.
pub(super) enum Opened {
    Capture(Box<Reader<File>>),
    Wav(File),
}

pub(super) fn open(path: &Path) -> Result<Opened, InspectError> {
    let mut file = File::open(path)?;
    // A pipe can't be rewound, and no WAV is expected out of one.
    if file.metadata()?.is_file() {
        let mut magic = [0; 4];
        let read = file.read(&mut magic)?;
        file.rewind()?;
        if recording::is_wav(path, magic.get(..read).unwrap_or_default()) {
            return Ok(Opened::Wav(file));
        }
    }
    Ok(Opened::Capture(Box::new(Reader::new(file)?)))
}

/// Hands each packet of a capture to `take`.
pub(super) fn each_packet(
    mut reader: Box<Reader<File>>,
    mut take: impl FnMut(&Packet),
) -> (Counters, Vec<InspectError>) {
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
