//! One call's ear.

use std::time::Duration;

use squelch_media::detect::Fault;
use squelch_media::quality;
use squelch_media::rtp::{Arrival, Receive, RtpTime};

use super::Mark;
use super::ear::Ear;
use super::reference::{Reference, format};
use super::verdict::{ContentVerdict, Problem};
use crate::load::Transport;
use crate::sound::Law;

/// What a call expects to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expectation {
    /// The law that was agreed; what comes in another is wrong.
    pub law: Law,
    /// What is due.
    pub expected: Expected,
    /// The mark of what this call itself sends.
    pub own: Mark,
}

/// What is due to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// What the call itself sends, with its own mark: the far end echoes.
    Echo,
    /// The reference, played by the far end from its first packet on, with a mark of the far end's or none; the same
    /// all along.
    Played,
    /// Nothing is known: faults and the format are looked for, and whether anything comes at all.
    Anything,
}

impl Expectation {
    /// What is sent comes back.
    pub const fn echo(law: Law, own: Mark) -> Expectation {
        Expectation {
            law,
            expected: Expected::Echo,
            own,
        }
    }
}

/// One packet that arrived.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// When, on the run's clock.
    pub at: Duration,
    /// Its SSRC.
    pub ssrc: u32,
    /// Its sequence number.
    pub sequence: u16,
    /// Its RTP timestamp.
    pub timestamp: u32,
    /// What its payload type says it carries.
    pub carried: Carried,
    /// What it carries.
    pub payload: &'a [u8],
}

/// What a packet's payload type stands for in the call's SDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// G.711 of this law.
    G711(Law),
    /// A telephone-event or comfort noise: nothing to compare, nothing wrong.
    Event,
    /// A format that was not agreed.
    Other,
}

/// Listens to what one call receives.
///
/// [`Listener::transport_only`] counts packets, loss and jitter; [`Listener::new`] also hears what they carry. Both
/// are fed each packet, in the order of arrival. The reference is lent each time: it is one for thousands of calls.
///
/// **Shape**: fixed memory: 400 bytes, and 34 kB with hearing. **Cost**: nothing allocated after the start;
/// docs/LOAD.md has the time.
#[derive(Debug)]
pub struct Listener {
    expectation: Option<Expectation>,
    stream: Option<(u32, Receive)>,
    /// Of streams before: the SSRC changed.
    earlier: Transport,
    clock_hz: u32,
    sent: u64,
    first_at: Option<Duration>,
    last_at: Duration,
    ear: Option<Box<Ear>>,
}

impl Listener {
    /// Only counts.
    pub fn transport_only() -> Listener {
        Listener {
            expectation: None,
            stream: None,
            earlier: Transport::default(),
            clock_hz: 8_000,
            sent: 0,
            first_at: None,
            last_at: Duration::ZERO,
            ear: None,
        }
    }

    /// Hears.
    pub fn new(expectation: Expectation) -> Listener {
        Listener {
            expectation: Some(expectation),
            ear: Some(Box::new(Ear::new(expectation))),
            ..Listener::transport_only()
        }
    }

    /// The same, for an RTP clock of another rate than G.711's. **Units**: Hz.
    pub fn at_clock(self, clock_hz: u32) -> Listener {
        Listener { clock_hz, ..self }
    }

    /// A packet was sent whose first sample stands at `position` of the reference.
    pub fn on_sent(&mut self, at: Duration, position: u64) {
        self.sent += 1;
        if let Some(ear) = &mut self.ear {
            ear.on_sent(at, position);
        }
    }

    /// A packet arrived.
    pub fn on_packet(&mut self, reference: Option<&Reference>, packet: Heard<'_>) {
        self.first_at.get_or_insert(packet.at);
        self.last_at = packet.at;
        if self
            .stream
            .as_ref()
            .is_none_or(|(ssrc, _)| *ssrc != packet.ssrc)
        {
            self.earlier = self.transport();
            self.stream = Some((packet.ssrc, Receive::new(self.clock_hz)));
            if let Some(ear) = &mut self.ear {
                ear.another_stream(reference);
            }
        }
        let Some((_, receive)) = &mut self.stream else {
            return;
        };
        let arrival = receive.on_packet(packet.at, packet.sequence, RtpTime(packet.timestamp));
        if let Some(ear) = &mut self.ear
            && !matches!(arrival, Arrival::Duplicate(_))
        {
            ear.on_packet(reference, packet, arrival);
        }
    }

    /// When the first packet arrived.
    pub fn first_at(&self) -> Option<Duration> {
        self.first_at
    }

    /// When the last one did.
    pub fn last_at(&self) -> Option<Duration> {
        self.first_at.map(|_| self.last_at)
    }

    /// Packets that were sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// How the packets arrived, so far.
    pub fn transport(&self) -> Transport {
        let Some((_, receive)) = &self.stream else {
            return self.earlier;
        };
        let earlier = self.earlier;
        let received = earlier.received + receive.received();
        let lost = earlier.lost + receive.lost();
        // Each stream's jitter counts by its packets.
        let weighted = |jitter: Duration, packets: u64| jitter.as_secs_f64() * packets as f64;
        let jitter = weighted(earlier.jitter, earlier.received)
            + weighted(receive.mean_jitter(), receive.received());
        let law = self.expectation.map_or(Law::Mu, |e| e.law);
        let all = Transport {
            received,
            lost,
            duplicates: earlier.duplicates + receive.duplicates(),
            reordered: earlier.reordered + receive.reordered(),
            jitter: Duration::try_from_secs_f64(jitter / received.max(1) as f64)
                .unwrap_or_default(),
            mos: None,
        };
        Transport {
            mos: (received > 0).then(|| quality::mos(format(law), all.loss())),
            ..all
        }
    }

    /// Faults that were found and that the reference does not have itself, each once.
    pub fn faults(&self) -> &[Fault] {
        self.ear.as_ref().map_or(&[], |ear| &ear.faults)
    }

    /// What is to be said of it all; of a call that was not listened to, only that nothing came.
    pub fn finish(&mut self, reference: Option<&Reference>) -> ContentVerdict {
        let mut verdict = match &mut self.ear {
            Some(ear) => ear.finish(reference),
            None => ContentVerdict::default(),
        };
        if self.first_at.is_none() && self.sent > 0 {
            verdict.problems = vec![Problem::OneWay];
        }
        verdict
    }
}
