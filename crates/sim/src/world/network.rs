//! What is under way, and when it arrives.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use squelch_call::{FetchId, SidebandEvent, SidebandId};
use squelch_media::Side;
use squelch_sip::TransportOutput;

use super::LATENCY;
use super::places::{CARRIER, OPENAI};
use super::streams::{StreamEvent, Streams};
use crate::http::{Request, Response};
use crate::impair::{Impairer, Impairment};
use crate::peer::openai::{SocketId, WebhookId};

/// Something that arrives.
#[derive(Debug)]
pub(super) enum Arrival {
    Datagram {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Bytes,
    },
    Stream(StreamEvent),
    /// At the gateway.
    Webhook {
        webhook: WebhookId,
        request: Request,
    },
    /// At OpenAI.
    WebhookAnswered {
        webhook: WebhookId,
        status: u16,
    },
    /// At OpenAI.
    Fetch {
        fetch: FetchId,
        request: Request,
    },
    /// At the gateway.
    Fetched {
        fetch: FetchId,
        response: Response,
    },
    /// At OpenAI.
    SocketText {
        socket: SocketId,
        text: String,
    },
    SidebandConnect {
        sideband: SidebandId,
        request: Request,
    },
    Sideband {
        sideband: SidebandId,
        event: SidebandEvent,
    },
    SidebandText {
        socket: SocketId,
        text: String,
    },
}

/// All networks of a world.
#[derive(Debug)]
pub(super) struct Network {
    under_way: BTreeMap<(Instant, u64), Arrival>,
    streams: Streams,
    numbers: u64,
    /// RTP's fate between the gateway and the carrier, the gateway and OpenAI.
    links: [Impairer; 2],
    first: Option<Instant>,
    trace: DefaultHasher,
}

impl Network {
    pub(super) fn new(seed: [u8; 32]) -> Network {
        let link = |number: u8| {
            let mut seed = seed;
            seed[0] ^= number;
            Impairer::new(Impairment::default(), seed)
        };
        Network {
            under_way: BTreeMap::new(),
            streams: Streams::default(),
            numbers: 0,
            links: [link(1), link(2)],
            first: None,
            trace: DefaultHasher::new(),
        }
    }

    /// A number that was not given before.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn trace(&self) -> u64 {
        self.trace.finish()
    }

    pub(super) fn impair(&mut self, side: Side, impairment: Impairment) {
        let [carrier, openai] = &mut self.links;
        match side {
            Side::Carrier => carrier.set(impairment),
            Side::Openai => openai.set(impairment),
        }
    }

    /// Something that arrives after [`LATENCY`].
    pub(super) fn later(&mut self, now: Instant, arrival: Arrival) {
        let number = self.number();
        self.under_way.insert((now + LATENCY, number), arrival);
    }

    /// Signalling of the one at `from`.
    pub(super) fn transport(&mut self, now: Instant, from: SocketAddr, output: TransportOutput) {
        if let TransportOutput::Datagram { local, to, bytes } = output {
            return self.send(now, local, to, bytes);
        }
        for event in self.streams.transport(from.ip(), output) {
            self.later(now, Arrival::Stream(event));
        }
    }

    /// A datagram; RTP meets its link's impairment.
    pub(super) fn send(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: Bytes) {
        let first = *self.first.get_or_insert(now);
        (now.saturating_duration_since(first), from, to).hash(&mut self.trace);
        bytes.hash(&mut self.trace);
        let ends = [from, to];
        let media = !ends.iter().any(|end| end.port() == CARRIER.port());
        let [carrier, openai] = &mut self.links;
        let fate = if media && ends.iter().any(|end| end.ip() == OPENAI.ip()) {
            openai.pass(now)
        } else if media {
            carrier.pass(now)
        } else {
            [Some(now), None]
        };
        for at in fate.into_iter().flatten() {
            let number = self.number();
            let bytes = bytes.clone();
            let arrival = Arrival::Datagram { from, to, bytes };
            self.under_way.insert((at + LATENCY, number), arrival);
        }
    }

    /// When the next arrives.
    pub(super) fn next(&self) -> Option<Instant> {
        self.under_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next that arrives.
    pub(super) fn take(&mut self) -> Option<Arrival> {
        self.under_way.pop_first().map(|(_, arrival)| arrival)
    }
}
