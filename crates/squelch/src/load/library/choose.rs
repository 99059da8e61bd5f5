//! Which streams of a capture are played.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use squelch_call::observe::{Observation, Origin, Signal, SignalKind, StreamReport};
use squelch_sim::load::Coding;

use super::{Key, coding};

/// Which streams of a capture to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::load) enum Choice {
    /// Of each call the caller's.
    #[default]
    Callers,
    /// The one with the most packets.
    Longest,
    /// Every one that can be played.
    All,
    /// Those with this SSRC.
    Ssrc(u32),
    /// Those sent from there.
    Source(SocketAddr),
}

/// A stream that is played.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen {
    pub(super) key: Key,
    pub(super) coding: Coding,
    pub(super) payload_type: u8,
}

/// Why no stream of a capture is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::load) enum NoStream {
    #[error("no RTP stream is in it")]
    NoRtp,
    #[error(
        "none of its RTP streams can be played: {0}; what can be is pcmu, pcma and opus in the clear"
    )]
    NonePlayable(String),
    #[error("--stream: none of its streams is meant; it has {0}")]
    NoneMeant(String),
}

impl Choice {
    /// Reads `--stream`.
    pub(in crate::load) fn parse(text: &str) -> Result<Choice, String> {
        let ssrc = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        match (text, ssrc, text.parse()) {
            ("callers", ..) => Ok(Choice::Callers),
            ("longest", ..) => Ok(Choice::Longest),
            ("all", ..) => Ok(Choice::All),
            (_, Some(digits), _) => match u32::from_str_radix(digits, 16) {
                Ok(ssrc) => Ok(Choice::Ssrc(ssrc)),
                Err(_) => Err("an SSRC has up to eight hexadecimal digits: 0x1a2b3c4d".into()),
            },
            (_, _, Ok(source)) => Ok(Choice::Source(source)),
            _ => Err(
                "callers, longest, all, an SSRC such as 0x1a2b3c4d, or the sender's ADDRESS:PORT"
                    .into(),
            ),
        }
    }

    fn means(self, key: &Key) -> bool {
        match self {
            Choice::Callers | Choice::Longest | Choice::All => true,
            Choice::Ssrc(ssrc) => key.2 == ssrc,
            Choice::Source(source) => key.0 == source,
        }
    }
}

/// The streams to play, in the order of their first packets: at least one.
///
/// **Errors**: there is none.
pub(super) fn choose(seen: &Observation, choice: Choice) -> Result<Vec<Chosen>, NoStream> {
    if seen.streams.is_empty() {
        return Err(NoStream::NoRtp);
    }
    let playable: Vec<(&StreamReport, Chosen)> = seen
        .streams
        .iter()
        .filter_map(|report| Some((report, playable(report)?)))
        .collect();
    if playable.is_empty() {
        return Err(NoStream::NonePlayable(list(seen.streams.iter())));
    }
    let meant = playable
        .iter()
        .filter(|(_, chosen)| choice.means(&chosen.key));
    let meant: Vec<_> = meant.copied().collect();
    let chosen = match choice {
        Choice::Callers => callers(&meant, &seen.signals),
        Choice::Longest => meant
            .iter()
            .rev()
            .max_by_key(|(report, _)| report.packets)
            .map(|(_, chosen)| *chosen)
            .into_iter()
            .collect(),
        _ => meant.iter().map(|(_, chosen)| *chosen).collect(),
    };
    if chosen.is_empty() {
        return Err(NoStream::NoneMeant(list(
            playable.iter().map(|(report, _)| *report),
        )));
    }
    Ok(chosen)
}

fn playable(report: &StreamReport) -> Option<Chosen> {
    let Origin::Rtp {
        source,
        destination,
        ssrc,
        payload_type,
    } = report.origin
    else {
        return None;
    };
    let coding = coding(report.format, payload_type).filter(|_| !report.encrypted)?;
    Some(Chosen {
        key: (source, destination, ssrc),
        coding,
        payload_type,
    })
}

/// Of each call one stream: the one that the INVITE's sender sent, else the one with the most packets.
fn callers(streams: &[(&StreamReport, Chosen)], signals: &[Signal]) -> Vec<Chosen> {
    let mut calls: BTreeMap<String, Vec<&(&StreamReport, Chosen)>> = BTreeMap::new();
    let mut order = Vec::new();
    for stream in streams {
        let call = call_of(stream);
        if !calls.contains_key(&call) {
            order.push(call.clone());
        }
        calls.entry(call).or_default().push(stream);
    }
    let caller = |call: &String| {
        let invite = signals.iter().find(|signal| {
            signal.kind == SignalKind::Request && signal.text == "INVITE" && signal.call_id == *call
        });
        let from = invite.map(|signal| signal.source.ip());
        let streams = calls.get(call)?;
        let best = streams.iter().rev().max_by_key(|(report, chosen)| {
            let is_callers = Some(chosen.key.0.ip()) == from;
            (is_callers, report.packets)
        });
        best.map(|(_, chosen)| *chosen)
    };
    order.iter().filter_map(caller).collect()
}

/// What a stream's call is known by: its Call-ID, else the two ends of its audio.
fn call_of((report, chosen): &(&StreamReport, Chosen)) -> String {
    let (one, other) = (chosen.key.0, chosen.key.1);
    let ends = || format!("{} {}", one.min(other), one.max(other));
    report.call_id.clone().unwrap_or_else(ends)
}

/// Streams for people: a few of them.
fn list<'a>(streams: impl Iterator<Item = &'a StreamReport> + Clone) -> String {
    let count = streams.clone().count();
    let shown = streams.take(SHOWN).map(|report| {
        let encrypted = if report.encrypted { "encrypted " } else { "" };
        let source = report.origin.ends().map(|(source, _)| source.to_string());
        let source = source.unwrap_or_default();
        format!("{encrypted}{} from {source}", report.format)
    });
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if count > SHOWN {
        text.push_str(&format!(" and {} more", count - SHOWN));
    }
    text
}

/// Streams named in an error.
const SHOWN: usize = 4;
