//! One call's media: the packets that it sends, and what it makes of those that come.

mod echo;
mod held;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use squelch_media::rtp::{PayloadType, RtpTime, Ssrc, View, is_rtcp, restamp};
use squelch_media::srtp::{MasterKey, Protector, Unprotector};

use super::content::{Carried, Expectation, Heard, Listener, Mark, Reference};
use super::script::{Cue, Kind, Script};
use super::{Transport, content::ContentVerdict};
use crate::impair::{Impairer, Impairment};
use crate::sound::Law;
use echo::Echo;
use held::Held;
use squelch_media::detect::Fault;

/// What a call's media are: the outcome of its offer and answer.
#[derive(Debug, Clone)]
pub struct LegPlan {
    /// Where packets go.
    pub remote: SocketAddr,
    /// What is sent.
    pub sends: Sends,
    /// The payload type of audio, in both directions.
    pub audio: u8,
    /// The law of audio, if it is G.711.
    pub law: Option<Law>,
    /// The RTP clock. **Units**: Hz.
    pub clock_hz: u32,
    /// The payload type of telephone-events, if they are agreed.
    pub events: Option<u8>,
    /// What is sent carries it.
    pub ssrc: u32,
    /// The first sequence number.
    pub sequence: u16,
    /// The first timestamp.
    pub timestamp: u32,
    /// The keys, where media are encrypted.
    pub keys: Option<Keys>,
    /// What befalls the packets on their way out, and the dice's seed.
    pub impairment: Option<(Impairment, [u8; 32])>,
    /// The call's mark, put into what is sent; none where the far end's audio is not compared with it.
    pub mark: Option<Mark>,
    /// What is expected back; none counts packets only.
    pub expectation: Option<Expectation>,
    /// How often each packet is sent: more than once only by one that means harm.
    pub copies: u32,
}

/// What a leg sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sends {
    /// Nothing.
    Nothing,
    /// The script that is lent.
    Script {
        /// Which of the run's scripts; whoever drives the leg lends it.
        index: usize,
        /// Again and again, until the end of the call.
        again: bool,
    },
    /// What comes, under numbers of its own.
    Echo,
}

/// A call's SRTP keys.
#[derive(Debug, Clone)]
pub struct Keys {
    /// What this side sends with.
    pub ours: MasterKey,
    /// What the far end sends with.
    pub theirs: MasterKey,
}

/// What is lent to a leg each time: one for thousands of calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lent<'a> {
    /// What is sent.
    pub script: Option<&'a Script>,
    /// What is expected to be heard.
    pub reference: Option<&'a Reference>,
}

/// A packet that leaves now: the first so many bytes of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// Its length.
    pub length: usize,
    /// When it was due: what it leaves later by is the generator's own lateness.
    pub due: Instant,
}

/// What is known of a leg's media in the end.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LegFacts {
    /// From the leg's start to the first packet that came.
    pub media_start: Option<Duration>,
    /// From the leg's start to the last packet that came.
    pub last_packet: Option<Duration>,
    /// Packets that left.
    pub sent: u64,
    /// How those that came arrived.
    pub transport: Transport,
    /// Faults that were heard.
    pub faults: Vec<Fault>,
    /// What came back against what was expected; none of a leg that only counts.
    pub content: Option<ContentVerdict>,
    /// Datagrams that came from somewhere else than the call's far end, or could not be read as its media.
    pub strange: u64,
}

/// One call's media, sans-IO.
///
/// Ask [`MediaLeg::poll_timeout`]; when it is due drain [`MediaLeg::poll_packet`]; hand each datagram to
/// [`MediaLeg::handle_packet`]. Both work in the caller's buffer, which has room for [`PACKET_ROOM`] bytes.
///
/// **Cost**: nothing is allocated for a packet, unless impairment holds it back for the first time.
#[derive(Debug)]
pub struct MediaLeg {
    plan: LegPlan,
    /// The run's start: listeners count from it.
    epoch: Instant,
    start: Instant,
    round: u32,
    next: usize,
    /// No packet of the script any more.
    done: bool,
    paused: bool,
    held: Held,
    impairer: Option<Impairer>,
    seal: Option<Protector>,
    open: Option<Unprotector>,
    echo: Echo,
    listener: Listener,
    /// Where packets were seen to come from.
    source: Option<SocketAddr>,
    sent: u64,
    strange: u64,
}

impl MediaLeg {
    /// A leg whose script begins at `start`. May allocate.
    pub fn new(epoch: Instant, start: Instant, plan: LegPlan) -> MediaLeg {
        let listener = match plan.expectation {
            Some(expectation) => Listener::new(expectation),
            None => Listener::transport_only(),
        };
        let impairment = plan.impairment;
        MediaLeg {
            epoch,
            start,
            round: 0,
            next: 0,
            done: !matches!(plan.sends, Sends::Script { .. }),
            paused: false,
            held: Held::default(),
            impairer: impairment.map(|(plan, seed)| Impairer::new(plan, seed)),
            seal: plan.keys.as_ref().map(|keys| Protector::new(&keys.ours)),
            open: plan
                .keys
                .as_ref()
                .map(|keys| Unprotector::new(&keys.theirs)),
            echo: Echo::new(&plan),
            listener,
            source: None,
            sent: 0,
            strange: 0,
            plan,
        }
    }

    /// Which script wants to be lent.
    pub fn script(&self) -> Option<usize> {
        match self.plan.sends {
            Sends::Script { index, .. } => Some(index),
            _ => None,
        }
    }

    /// Where packets go.
    pub fn remote(&self) -> SocketAddr {
        self.plan.remote
    }

    /// Where packets have been seen to come from.
    pub fn source(&self) -> Option<SocketAddr> {
        self.source
    }

    /// The session has changed: where packets go, and whether any do. On hold the script's time goes on.
    pub fn change(&mut self, remote: Option<SocketAddr>, held: bool) {
        if let Some(remote) = remote {
            self.plan.remote = remote;
            self.source = None;
        }
        self.paused = held;
    }

    /// When the next packet is due.
    pub fn poll_timeout(&self, script: Option<&Script>) -> Option<Instant> {
        let cue = self.cue(script).map(|cue| self.start + cue.at);
        match (cue, self.held.next()) {
            (Some(cue), Some(held)) => Some(cue.min(held)),
            (cue, held) => cue.or(held),
        }
    }

    /// Writes the next packet that is due into `buffer`; drain until `None`.
    pub fn poll_packet(
        &mut self,
        now: Instant,
        lent: Lent<'_>,
        buffer: &mut [u8],
    ) -> Option<Departure> {
        loop {
            if let Some(departure) = self.held.pop_due(now, buffer) {
                self.sent += 1;
                return Some(departure);
            }
            let cue = self.cue(lent.script)?;
            let due = self.start + cue.at;
            if due > now {
                return None;
            }
            let script = lent.script?;
            self.advance(script);
            if self.paused {
                continue;
            }
            let Some(length) = self.write(now, script, &cue, buffer) else {
                continue;
            };
            let Some(impairer) = &mut self.impairer else {
                self.sent += 1;
                return Some(Departure { length, due });
            };
            for at in impairer.pass(due).into_iter().flatten() {
                self.held.push(at, buffer.get(..length).unwrap_or_default());
            }
        }
    }

    /// Takes a datagram that came from `from`: the first `length` bytes of `buffer`. What is given back is to be
    /// sent from there: an echo of so many bytes.
    pub fn handle_packet(
        &mut self,
        now: Instant,
        from: SocketAddr,
        lent: Lent<'_>,
        buffer: &mut [u8],
        length: usize,
    ) -> Option<usize> {
        let datagram = buffer.get_mut(..length)?;
        if is_rtcp(datagram) {
            return None;
        }
        let Some(length) = self.open(from, datagram) else {
            self.strange += 1;
            return None;
        };
        let packet = View::parse(buffer.get(..length)?).ok()?;
        self.source = Some(from);
        let heard = Heard {
            at: now.saturating_duration_since(self.epoch),
            ssrc: packet.ssrc().0,
            sequence: packet.sequence(),
            timestamp: packet.timestamp().0,
            carried: carried(&self.plan, packet.payload_type().number()),
            payload: packet.payload(),
        };
        self.listener.on_packet(lent.reference, heard);
        if self.plan.sends != Sends::Echo || self.paused {
            return None;
        }
        self.echo.restamp(buffer.get_mut(..length)?);
        let length = self.sealed(buffer, length)?;
        self.sent += 1;
        Some(length)
    }

    /// What is known of it, once it is over.
    pub fn finish(&mut self, reference: Option<&Reference>) -> LegFacts {
        let since_start = |at: Duration| {
            (self.epoch + at)
                .checked_duration_since(self.start)
                .unwrap_or_default()
        };
        LegFacts {
            media_start: self.listener.first_at().map(since_start),
            last_packet: self.listener.last_at().map(since_start),
            sent: self.sent,
            transport: self.listener.transport(),
            faults: self.listener.faults().to_vec(),
            content: self
                .plan
                .expectation
                .map(|_| self.listener.finish(reference)),
            strange: self.strange,
        }
    }

    fn cue(&self, script: Option<&Script>) -> Option<Cue> {
        if self.done {
            return None;
        }
        script?.cue(self.round, self.next)
    }

    fn advance(&mut self, script: &Script) {
        self.next += 1;
        if self.next < script.len() {
            return;
        }
        let again = matches!(self.plan.sends, Sends::Script { again: true, .. });
        (self.next, self.round) = (0, self.round.wrapping_add(1));
        self.done = !again;
    }

    /// A packet as it goes out; `None` where the call has no number for it.
    fn write(
        &mut self,
        now: Instant,
        script: &Script,
        cue: &Cue,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let payload_type = match cue.kind {
            Kind::Audio => self.plan.audio,
            Kind::Event => self.plan.events?,
        };
        let payload = script.payload(cue);
        let length = HEADER_BYTES + payload.len();
        let packet = buffer.get_mut(..length)?;
        packet.first_chunk_mut::<HEADER_BYTES>()?.fill(0);
        *packet.first_mut()? = 0x80;
        restamp(
            packet,
            PayloadType::new(payload_type)?,
            cue.marker,
            self.plan.sequence.wrapping_add(cue.sequence),
            RtpTime(self.plan.timestamp.wrapping_add(cue.timestamp)),
            Ssrc(self.plan.ssrc),
        );
        let body = packet.get_mut(HEADER_BYTES..)?;
        body.copy_from_slice(payload);
        if cue.kind == Kind::Audio {
            let position = u64::from(cue.timestamp) % u64::from(script.ticks());
            if let (Some(mark), Some(law)) = (self.plan.mark, self.plan.law) {
                mark.stamp(law, position, body);
            }
            let at = now.saturating_duration_since(self.epoch);
            self.listener.on_sent(at, position);
        }
        self.sealed(buffer, length)
    }

    fn sealed(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        match &mut self.seal {
            None => Some(length),
            Some(seal) => seal.protect_rtp(buffer, length).ok(),
        }
    }

    /// The length of a packet that is the call's own, in the clear.
    fn open(&mut self, from: SocketAddr, datagram: &mut [u8]) -> Option<usize> {
        // The far end may send from elsewhere than it said (RFC 4961 only recommends it); from there on it does.
        let known = self.source.unwrap_or(from);
        if from != known && from != self.plan.remote {
            return None;
        }
        let length = datagram.len();
        let length = match &mut self.open {
            Some(open) => open.unprotect_rtp(datagram, length).ok()?,
            None => length,
        };
        View::parse(datagram.get(..length)?).ok().map(|_| length)
    }
}

/// What a payload type stands for in the call.
fn carried(plan: &LegPlan, payload_type: u8) -> Carried {
    if payload_type == plan.audio {
        return plan.law.map_or(Carried::Event, Carried::G711);
    }
    if plan.events == Some(payload_type) || payload_type == COMFORT_NOISE {
        return Carried::Event;
    }
    let other = [Law::Mu, Law::A]
        .into_iter()
        .find(|law| law.payload_type() == payload_type);
    other.map_or(Carried::Other, Carried::G711)
}

/// Room for a packet that is sent: what Ethernet carries, with SRTP's tag.
pub const PACKET_ROOM: usize = 2_048;
/// RFC 3550 section 5.1, without CSRCs.
const HEADER_BYTES: usize = 12;
/// RFC 3389.
const COMFORT_NOISE: u8 = 13;
