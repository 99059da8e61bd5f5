//! What went over the peers' wires, put in order: recordings, streams, signalling.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use squelch_call::observe::{Carrier, Datagram, Observation, Observer, StreamReport};
use squelch_sim::peer::recording::Recording;

use super::call::Held;
use crate::sim_io::{Seen, SeenMessage};
use crate::wav::Sound;

/// The call as both peers saw it.
#[derive(Debug)]
pub(super) struct Evidence {
    /// Every message, in the order of time.
    pub(super) messages: Vec<SeenMessage>,
    /// Steps outside SIP, with the time since the first message.
    pub(super) controls: Vec<Control>,
    /// What `inspect` would say of the messages.
    pub(super) observation: Observation,
    /// What came from OpenAI: what the caller would have heard.
    pub(super) without: Sound,
    /// What went to the caller, on the same clock.
    pub(super) with: Sound,
    /// When OpenAI's first packet was sent: both recordings begin there.
    pub(super) media_began: SystemTime,
    pub(super) format_after: String,
    pub(super) record: Value,
    openai_media: Option<SocketAddr>,
    carrier_media: Option<SocketAddr>,
    squelch: SocketAddr,
    openai_sip: SocketAddr,
}

/// A step outside SIP.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) at: Duration,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) text: String,
}

impl Evidence {
    pub(super) fn new(held: Held) -> Evidence {
        let sent_by_openai = held.openai.iter().filter_map(|seen| match seen {
            Seen::RtpSent(message) => Some(message),
            _ => None,
        });
        let heard_by_carrier = held.carrier.iter().filter_map(|seen| match seen {
            Seen::RtpReceived(message) => Some(message),
            _ => None,
        });
        let first = sent_by_openai.clone().next();
        let media_began = first.map_or(SystemTime::UNIX_EPOCH, |message| message.at);
        let without = recorded(media_began, sent_by_openai.clone());
        let with = recorded(media_began, heard_by_carrier.clone());
        let openai_media = first.map(|message| message.from);
        let carrier_media = heard_by_carrier.clone().next().map(|message| message.to);
        let mut messages: Vec<SeenMessage> = held
            .carrier
            .iter()
            .chain(&held.openai)
            .filter_map(message)
            .cloned()
            .collect();
        messages.sort_by_key(|message| message.at);
        let began = messages.first().map_or(media_began, |message| message.at);
        Evidence {
            controls: held
                .openai
                .iter()
                .filter_map(|seen| control(began, seen))
                .collect(),
            observation: observed(began, &messages),
            messages,
            without,
            with,
            media_began,
            format_after: held.format_after,
            record: held.record,
            openai_media,
            carrier_media,
            squelch: held.squelch,
            openai_sip: held.openai_sip,
        }
    }

    /// The stream from OpenAI.
    pub(super) fn openai_stream(&self) -> Option<&StreamReport> {
        let mut streams = self.observation.streams.iter();
        streams.find(|stream| stream.origin.ends().map(|ends| ends.0) == self.openai_media)
    }

    /// The stream to the caller.
    pub(super) fn caller_stream(&self) -> Option<&StreamReport> {
        let mut streams = self.observation.streams.iter();
        streams.find(|stream| stream.origin.ends().map(|ends| ends.1) == self.carrier_media)
    }

    /// Who has an address. All that is neither the carrier's nor OpenAI's is squelch's.
    pub(super) fn name(&self, address: SocketAddr, other: SocketAddr) -> &'static str {
        let openai = [Some(self.openai_sip), self.openai_media];
        if openai.contains(&Some(address)) {
            "OpenAI"
        } else if address == self.squelch || openai.contains(&Some(other)) {
            "squelch"
        } else if other == self.squelch || Some(address) == self.carrier_media {
            "carrier"
        } else {
            "squelch"
        }
    }
}

fn recorded<'a>(began: SystemTime, packets: impl Iterator<Item = &'a SeenMessage>) -> Sound {
    let mut recording = Recording::default();
    for packet in packets {
        let at = packet.at.duration_since(began).unwrap_or_default();
        recording.push(at, &packet.bytes);
    }
    Sound {
        rate_hz: 8_000,
        samples: recording.samples(),
    }
}

fn message(seen: &Seen) -> Option<&SeenMessage> {
    match seen {
        Seen::Sip(message) | Seen::RtpSent(message) | Seen::RtpReceived(message) => Some(message),
        Seen::Control { .. } => None,
    }
}

fn control(began: SystemTime, seen: &Seen) -> Option<Control> {
    let Seen::Control { at, by_peer, text } = seen else {
        return None;
    };
    let (from, to) = match (by_peer, text.split_once(' ')) {
        (true, _) => ("OpenAI", "squelch"),
        (false, Some(("POST", _))) => ("squelch", "OpenAI"),
        (false, _) => ("application", "OpenAI"),
    };
    Some(Control {
        at: at.duration_since(began).unwrap_or_default(),
        from,
        to,
        text: text.clone(),
    })
}

fn observed(began: SystemTime, messages: &[SeenMessage]) -> Observation {
    let mut observer = Observer::new();
    for message in messages {
        observer.handle_datagram(Datagram {
            at: message.at.duration_since(began).unwrap_or_default(),
            source: message.from,
            destination: message.to,
            carrier: Carrier::Udp,
            payload: &message.bytes,
            missing_bytes: 0,
        });
    }
    observer.finish()
}
