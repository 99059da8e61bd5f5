//! The observer: where datagrams go in and reports come out.

use std::collections::BTreeMap;
use std::time::Duration;

use squelch_media::rtp::View;
use squelch_sip::message::Framing;

use super::announcements::Announcements;
use super::datagram::{Carrier, Datagram};
use super::recognise::{Candidates, Held, StreamKey, rtp};
use super::report::StreamReport;
use super::sdp::Announced;
use super::segments::Segments;
use super::signalling::{SeenMessage, Signal};
use super::stream::Stream;

/// Watches datagrams; hand it each in the order of time, then [`Observer::finish`].
///
/// **Cost**: memory for each stream and each SIP message, none for packets.
#[derive(Debug, Default)]
pub struct Observer {
    streams: BTreeMap<StreamKey, Stream>,
    /// The streams in the order of their first packets.
    order: Vec<StreamKey>,
    candidates: Candidates,
    segments: Segments,
    signals: Vec<Signal>,
    announcements: Announcements,
    signals_left_out: u64,
    talk_due: bool,
}

/// All that was seen.
#[derive(Debug)]
pub struct Observation {
    /// The RTP streams, by the time of their first packets.
    pub streams: Vec<StreamReport>,
    /// The SIP messages.
    pub signals: Vec<Signal>,
    /// SIP messages that are not among `signals` since there were too many.
    pub signals_left_out: u64,
}

impl Observer {
    /// An observer that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that somebody ought to be heard in every stream: long silence is `dead_air` then.
    #[must_use]
    pub fn expecting_talk(mut self, due: bool) -> Self {
        self.talk_due = due;
        self
    }

    /// Takes one datagram or segment.
    pub fn handle_datagram(&mut self, datagram: Datagram<'_>) {
        match datagram.carrier {
            Carrier::Udp => match rtp(datagram.payload) {
                Some(packet) => {
                    let key = StreamKey {
                        source: datagram.source,
                        destination: datagram.destination,
                        ssrc: packet.ssrc(),
                    };
                    self.handle_rtp(key, &packet, &datagram);
                }
                None => self.handle_sip(&datagram, datagram.payload, Framing::Datagram),
            },
            Carrier::Tcp { sequence } => {
                let ends = (datagram.source, datagram.destination);
                let payload = datagram.payload;
                for message in self.segments.handle_segment(ends, sequence, payload) {
                    self.handle_sip(&datagram, &message, Framing::Stream);
                }
            }
        }
    }

    /// What was seen, once there is nothing more to see.
    pub fn finish(self) -> Observation {
        let Self {
            mut streams, order, ..
        } = self;
        Observation {
            streams: order
                .iter()
                .filter_map(|key| streams.remove(key))
                .map(Stream::finish)
                .collect(),
            signals: self.signals,
            signals_left_out: self.signals_left_out,
        }
    }

    fn handle_rtp(&mut self, key: StreamKey, packet: &View<'_>, datagram: &Datagram<'_>) {
        if !self.streams.contains_key(&key) {
            let held = Held {
                at: datagram.at,
                bytes: datagram.payload.to_vec(),
                missing_bytes: datagram.missing_bytes,
            };
            if let Some(packets) = self.candidates.consider(key, packet, held) {
                self.begin(key, &packets);
            }
            return;
        }
        self.count(key, packet, datagram.at, datagram.missing_bytes);
    }

    /// A stream has proven itself: what was held back is counted.
    fn begin(&mut self, key: StreamKey, packets: &[Held]) {
        for held in packets {
            let Some(packet) = rtp(&held.bytes) else {
                continue;
            };
            if !self.streams.contains_key(&key) {
                let encoding = self.announcements.encoding(key, &packet);
                let stream = Stream::new(key, held.at, encoding, self.talk_due);
                self.streams.insert(key, stream);
                self.order.push(key);
            }
            self.count(key, &packet, held.at, held.missing_bytes);
        }
    }

    fn count(&mut self, key: StreamKey, packet: &View<'_>, at: Duration, missing_bytes: usize) {
        let encoding = self.announcements.encoding(key, packet);
        if let Some(stream) = self.streams.get_mut(&key) {
            if let Some(call_id) = self.announcements.call_id(key) {
                stream.set_call(call_id, self.announcements.is_encrypted(key));
            }
            stream.on_packet(at, packet, encoding, missing_bytes);
        }
    }

    fn handle_sip(&mut self, datagram: &Datagram<'_>, bytes: &[u8], framing: Framing) {
        let Some(message) = SeenMessage::read(bytes, framing) else {
            return;
        };
        let announced = message.media.iter().map(Announced::in_short);
        let detail: Vec<String> = message.problem.into_iter().chain(announced).collect();
        for media in message.media {
            self.announcements.insert(media, &message.call_id);
        }
        if self.signals.len() == MAX_SIGNALS {
            self.signals_left_out += 1;
            return;
        }
        self.signals.push(Signal {
            at: datagram.at,
            source: datagram.source,
            destination: datagram.destination,
            kind: message.kind,
            text: message.text,
            detail: detail.join(", "),
            call_id: message.call_id,
        });
    }
}

/// SIP messages that are kept for the ladder.
const MAX_SIGNALS: usize = 10_000;
