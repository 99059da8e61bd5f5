//! What calls play: scripts out of captures, and what they are compared with.

mod choose;
mod error;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use squelch_call::observe::{Carrier, Datagram, Observer};
use squelch_pcap::{Packet, PcapError, Reader, Transport};
use squelch_sim::load::content::Reference;
use squelch_sim::load::{Coding, Pacing, Script};
use squelch_sim::sound::Law;

pub(super) use choose::Choice;
use choose::Chosen;
pub(super) use error::LibraryError;

/// Everything that a run's calls play, shared by all its threads.
#[derive(Debug, Default)]
pub(super) struct Library {
    entries: Vec<Entry>,
}

/// One script, and where it is from.
#[derive(Debug)]
pub(super) struct Entry {
    /// The file, and the stream in it.
    pub(super) name: String,
    pub(super) script: Script,
    reference: Option<Reference>,
    /// How many calls of all weights' sum play it.
    pub(super) weight: u32,
}

/// Where scripts come from and how they are made.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// Captures, and folders of them.
    pub(super) paths: &'a [PathBuf],
    /// Weights by file name; 1 for all others.
    pub(super) weights: &'a [(String, u32)],
    pub(super) choice: Choice,
    pub(super) pacing: Pacing,
}

impl Library {
    /// Reads the captures and makes scripts of their streams. What is listened to is decoded only where `heard`.
    ///
    /// **Errors**: a file can't be read or holds nothing that can be played; a weight names no file.
    pub(super) fn read(wanted: &Wanted<'_>, heard: bool) -> Result<Library, LibraryError> {
        let files = files(wanted.paths)?;
        let named = |name: &String| files.iter().any(|file| is_named(file, name));
        if let Some((name, _)) = wanted.weights.iter().find(|(name, _)| !named(name)) {
            return Err(LibraryError::Weight(name.clone()));
        }
        let mut entries = Vec::new();
        for file in &files {
            let weights = wanted.weights.iter();
            let weight = weights.rev().find(|(name, _)| is_named(file, name));
            let weight = weight.map_or(1, |(_, weight)| *weight);
            entries.extend(read_file(file, wanted, weight, heard)?);
        }
        if entries.iter().all(|entry| entry.weight == 0) {
            return Err(LibraryError::NoWeight);
        }
        for entry in &entries {
            tracing::info!(
                "{}: {} packets, {:?}",
                entry.name,
                entry.script.len(),
                entry.script.duration()
            );
        }
        Ok(Library { entries })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn script(&self, index: usize) -> Option<&Script> {
        self.entries.get(index).map(|entry| &entry.script)
    }

    pub(super) fn reference(&self, index: usize) -> Option<&Reference> {
        self.entries.get(index)?.reference.as_ref()
    }
}

/// The files meant, in the order of their names within a folder.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, LibraryError> {
    let mut files = Vec::new();
    for path in paths {
        let io = |source| LibraryError::File {
            path: path.clone(),
            source,
        };
        if !std::fs::metadata(path).map_err(io)?.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(io)? {
            let entry = entry.map_err(io)?.path();
            let extension = entry.extension().and_then(|e| e.to_str());
            if matches!(extension, Some("pcap" | "pcapng" | "cap")) {
                inside.push(entry);
            }
        }
        if inside.is_empty() {
            return Err(LibraryError::EmptyFolder(path.clone()));
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// Whether a weight's name means this file: its whole path, or its last part.
fn is_named(file: &Path, name: &str) -> bool {
    file == Path::new(name) || file.file_name().is_some_and(|last| last == name)
}

fn read_file(
    file: &Path,
    wanted: &Wanted<'_>,
    weight: u32,
    heard: bool,
) -> Result<Vec<Entry>, LibraryError> {
    let mut observer = Observer::new();
    each_packet(file, |packet| observer.handle_datagram(seen(packet)))?;
    let observation = observer.finish();
    let chosen = choose::choose(&observation, wanted.choice);
    let chosen = chosen.map_err(|why| LibraryError::Unusable {
        path: file.to_owned(),
        why,
    })?;
    let mut packets: BTreeMap<Key, Vec<(Duration, Bytes)>> = BTreeMap::new();
    for stream in &chosen {
        packets.insert(stream.key, Vec::new());
    }
    each_packet(file, |packet| {
        if let Some(key) = key(packet)
            && let Some(stream) = packets.get_mut(&key)
        {
            stream.push((packet.at, packet.payload.clone()));
        }
    })?;
    let entries = chosen.iter().map(|stream| {
        let packets = packets.get(&stream.key).map_or(&[][..], Vec::as_slice);
        entry(file, stream, packets, wanted.pacing, weight, heard)
    });
    entries.collect()
}

fn entry(
    file: &Path,
    stream: &Chosen,
    packets: &[(Duration, Bytes)],
    pacing: Pacing,
    weight: u32,
    heard: bool,
) -> Result<Entry, LibraryError> {
    let name = format!("{}, SSRC 0x{:08x}", file.display(), stream.key.2);
    let packets = packets.iter().map(|(at, bytes)| (*at, &bytes[..]));
    let script = Script::from_capture(stream.coding, stream.payload_type, packets, pacing);
    let script = script.map_err(|why| LibraryError::Script {
        name: name.clone(),
        why,
    })?;
    let law = stream.coding.law().filter(|_| heard);
    Ok(Entry {
        reference: law.map(|law| Reference::from_packets(law, script.audio())),
        name,
        script,
        weight,
    })
}

/// Source, destination, SSRC.
type Key = (SocketAddr, SocketAddr, u32);

/// RFC 3550 section 5.1; only the streams chosen are looked for, so anything may be asked.
fn key(packet: &Packet) -> Option<Key> {
    if packet.transport != Transport::Udp || packet.missing_bytes > 0 {
        return None;
    }
    let &[_, _, _, _, _, _, _, _, a, b, c, d] = packet.payload.first_chunk::<12>()?;
    let ssrc = u32::from_be_bytes([a, b, c, d]);
    Some((packet.source, packet.destination, ssrc))
}

/// Hands each packet of a capture to `take`. A capture that is cut at its end plays what there is.
fn each_packet(path: &Path, mut take: impl FnMut(&Packet)) -> Result<(), LibraryError> {
    let file = File::open(path).map_err(|source| LibraryError::File {
        path: path.to_owned(),
        source,
    })?;
    let capture = |source: PcapError| LibraryError::Capture {
        path: path.to_owned(),
        source,
    };
    for packet in Reader::new(file).map_err(capture)? {
        match packet {
            Ok(packet) => take(&packet),
            Err(error) => tracing::warn!("{}: {error}", path.display()),
        }
    }
    Ok(())
}

fn seen(packet: &Packet) -> Datagram<'_> {
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

/// The coding of a stream by the observer's word for its format.
fn coding(format: &str, payload_type: u8) -> Option<Coding> {
    match format {
        "pcmu" => Some(Coding::G711(Law::Mu)),
        "pcma" => Some(Coding::G711(Law::A)),
        "opus" => Some(Coding::Opus { payload_type }),
        _ => None,
    }
}
