//! Why there is nothing to play.

use std::io;
use std::path::PathBuf;

use squelch_pcap::PcapError;
use squelch_sim::load::NoScript;

use super::choose::NoStream;

/// What is wrong with the captures, and with which.
#[derive(Debug, thiserror::Error)]
pub(in crate::load) enum LibraryError {
    #[error("can't read {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Capture { path: PathBuf, source: PcapError },
    #[error("{}: no .pcap, .pcapng or .cap file is in this folder", .0.display())]
    EmptyFolder(PathBuf),
    #[error("{}: {why}", path.display())]
    Unusable { path: PathBuf, why: NoStream },
    #[error("{name}: {why}")]
    Script { name: String, why: NoScript },
    #[error("--weight {0}: no capture has this name")]
    Weight(String),
    #[error("--weight: all captures have weight 0; one must have more")]
    NoWeight,
}
