//! A path: one direction of a call's media, from the packets of one leg to the packets for the other.

use crate::detect::{Change, Detector, Finding};
use crate::gate::{Gate, Passed};
use crate::rtp::{self, Arrival, PayloadType, Receive, RtpTime, Send, Ssrc, View};
use crate::source::{Admission, Source};
use crate::stats::{DropReason, Dropped, LegStats};
use crate::{Format, GuardPlan, LegPlan, quality};
use squelch_g711::Law;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The longest datagram that is read as RTP. **Units**: bytes; an Ethernet packet's worth.
const MAX_DATAGRAM_BYTES: usize = 1_500;

/// What became of one packet on its path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Relayed {
    pub(crate) len: usize,
    pub(crate) change: Option<Change>,
    pub(crate) learned: bool,
}

/// One direction: what is taken from the incoming leg, and the numbering towards the outgoing one.
#[derive(Debug)]
pub(crate) struct Path {
    format: Format,
    payload_type: PayloadType,
    telephone_event: Option<PayloadType>,
    out_payload_type: PayloadType,
    out_telephone_event: Option<PayloadType>,
    out_ptime_samples: usize,
    out_ptime: Duration,
    out_law: Law,
    receives: bool,
    pub(crate) sends: bool,
    pub(crate) source: Source,
    receive: Receive,
    /// Figures of the sources before the present SSRC.
    earlier: Earlier,
    ssrc: Option<Ssrc>,
    send: Send,
    detector: Detector,
    gate: Gate,
    started: Option<Instant>,
    last_packet: Option<Instant>,
    packets: u64,
    bytes: u64,
    pub(crate) relayed: u64,
    pub(crate) muted: Duration,
    pub(crate) repaired: Duration,
    pub(crate) dropped: Dropped,
}

#[derive(Clone, Copy, Debug, Default)]
struct Earlier {
    expected: u64,
    received: u64,
    duplicates: u64,
    reordered: u64,
}

impl Path {
    pub(crate) fn new(incoming: &LegPlan, outgoing: &LegPlan, guard: GuardPlan) -> Path {
        Path {
            format: incoming.format,
            payload_type: incoming.payload_type,
            telephone_event: incoming.telephone_event,
            out_payload_type: outgoing.payload_type,
            out_telephone_event: outgoing.telephone_event,
            out_ptime_samples: outgoing.ptime.samples(outgoing.format.clock_rate()),
            out_ptime: outgoing.ptime.duration(),
            out_law: outgoing.format.law(),
            receives: incoming.direction.receives(),
            sends: outgoing.direction.sends(),
            source: Source::new(incoming.remote, &incoming.media_sources),
            receive: Receive::new(incoming.format.clock_rate()),
            earlier: Earlier::default(),
            ssrc: None,
            send: Send::new(outgoing.ssrc, outgoing.sequence, outgoing.timestamp),
            detector: Detector::new(incoming.format.law()),
            gate: Gate::new(
                guard.action,
                incoming.format,
                outgoing.format,
                outgoing.ptime.as_ms(),
                outgoing.ssrc.0,
            ),
            started: None,
            last_packet: None,
            packets: 0,
            bytes: 0,
            relayed: 0,
            muted: Duration::ZERO,
            repaired: Duration::ZERO,
            dropped: Dropped::default(),
        }
    }

    /// Takes a signalled change; the numbering and the statistics go on.
    pub(crate) fn update(&mut self, incoming: &LegPlan, outgoing: &LegPlan, guard: GuardPlan) {
        let fresh = Path::new(incoming, outgoing, guard);
        let same_audio = self.format == fresh.format && self.out_law == fresh.out_law;
        self.payload_type = fresh.payload_type;
        self.telephone_event = fresh.telephone_event;
        self.out_payload_type = fresh.out_payload_type;
        self.out_telephone_event = fresh.out_telephone_event;
        self.out_ptime_samples = fresh.out_ptime_samples;
        self.out_ptime = fresh.out_ptime;
        self.receives = fresh.receives;
        self.sends = fresh.sends;
        self.source = fresh.source;
        if !same_audio {
            self.format = fresh.format;
            self.out_law = fresh.out_law;
            self.detector = fresh.detector;
            self.gate = fresh.gate;
        }
    }

    /// One datagram from the incoming leg, rewritten in place for the outgoing one.
    pub(crate) fn forward(
        &mut self,
        now: Instant,
        from: SocketAddr,
        packet: &mut [u8],
        len: usize,
    ) -> Result<Relayed, DropReason> {
        let datagram = packet
            .get(..len)
            .filter(|bytes| bytes.len() <= MAX_DATAGRAM_BYTES)
            .ok_or(DropReason::Size)?;
        if rtp::is_rtcp(datagram) {
            return Err(DropReason::Rtcp);
        }
        let view = View::parse(datagram).map_err(|_| DropReason::Malformed)?;
        if !self.receives || !self.sends {
            return Err(DropReason::Direction);
        }
        let event = self.telephone_event == Some(view.payload_type());
        if !event && view.payload_type() != self.payload_type {
            return Err(DropReason::PayloadType);
        }
        let (sequence, timestamp, ssrc, marker) = (
            view.sequence(),
            view.timestamp(),
            view.ssrc(),
            view.marker(),
        );
        let payload = view.payload_range();
        let learned = match self.source.admit(from, ssrc, sequence, self.payload_type) {
            Admission::Refuse => return Err(DropReason::Source),
            Admission::Accept => false,
            Admission::Learned => true,
        };
        let arrival = self.receive(now, ssrc, sequence, timestamp);
        match arrival {
            Arrival::Duplicate(_) => return Err(DropReason::Duplicate),
            Arrival::Restart(_) => self.send.restart(),
            Arrival::InOrder(_) | Arrival::Reordered(_) => {}
        }
        self.packets += 1;
        self.bytes += payload.len() as u64;
        if payload.is_empty() {
            return Err(DropReason::Size);
        }
        let mut change = None;
        let (out_type, payload_len) = if event {
            (
                self.out_telephone_event.ok_or(DropReason::PayloadType)?,
                payload.len(),
            )
        } else {
            let audio = packet
                .get_mut(payload.clone())
                .ok_or(DropReason::Malformed)?;
            change = self.inspect(now, audio);
            (self.out_payload_type, self.pass(audio))
        };
        let (came, ticks) = if event {
            (self.out_ptime_samples, self.out_ptime_samples)
        } else {
            (payload.len(), payload_len)
        };
        let stamp = self
            .send
            .relay(ssrc, sequence, timestamp, came as u32, ticks as u32);
        rtp::restamp(
            packet,
            out_type,
            marker || stamp.fresh,
            stamp.sequence,
            stamp.timestamp,
            stamp.ssrc,
        );
        clear_padding(packet);
        Ok(Relayed {
            len: payload.start + payload_len,
            change,
            learned,
        })
    }

    fn receive(&mut self, now: Instant, ssrc: Ssrc, sequence: u16, timestamp: RtpTime) -> Arrival {
        if self.ssrc != Some(ssrc) {
            if self.ssrc.is_some() {
                self.earlier.expected += self.receive.expected();
                self.earlier.received += self.receive.received();
                self.earlier.duplicates += self.receive.duplicates();
                self.earlier.reordered += self.receive.reordered();
                self.receive = Receive::new(self.format.clock_rate());
            }
            self.ssrc = Some(ssrc);
        }
        self.last_packet = Some(now);
        let at = self.stream_time(now);
        self.receive.on_packet(at, sequence, timestamp)
    }

    fn stream_time(&mut self, now: Instant) -> Duration {
        now.saturating_duration_since(*self.started.get_or_insert(now))
    }

    fn inspect(&mut self, now: Instant, audio: &[u8]) -> Option<Change> {
        let at = self.stream_time(now);
        let change = self.detector.observe(at, audio);
        match change {
            Some(Change::Tripped(finding)) => self.gate.trip(finding),
            Some(Change::Cleared(_)) => self.gate.release(),
            None => {}
        }
        change
    }

    fn pass(&mut self, audio: &mut [u8]) -> usize {
        let (passed, length) = self.gate.pass(audio);
        let span = Duration::from_micros(length as u64 * 125);
        match passed {
            Passed::Plain => {}
            Passed::Muted => self.muted += span,
            Passed::Repaired => self.repaired += span,
        }
        length
    }

    /// Writes a packet of silence of our own making; gives its length.
    pub(crate) fn silence(&mut self, out: &mut [u8]) -> Option<usize> {
        /// A header without CSRCs.
        const HEADER_BYTES: usize = 12;
        let len = HEADER_BYTES + self.out_ptime_samples;
        let packet = out.get_mut(..len)?;
        packet.fill(self.out_law.silence());
        *packet.first_mut()? = 0x80;
        let stamp = self.send.own(self.out_ptime_samples as u32);
        rtp::restamp(
            packet,
            self.out_payload_type,
            false,
            stamp.sequence,
            stamp.timestamp,
            stamp.ssrc,
        );
        Some(len)
    }

    pub(crate) fn out_ptime(&self) -> Duration {
        self.out_ptime
    }

    /// The fault that the incoming leg has now, if any.
    pub(crate) fn current(&self) -> Option<&Finding> {
        self.detector.current()
    }

    /// Figures of what came from the incoming leg; `sent` and `dropped` of the leg are the bridge's to fill.
    pub(crate) fn stats(&self) -> LegStats {
        let expected = self.earlier.expected + self.receive.expected();
        let received = self.earlier.received + self.receive.received();
        let lost = expected.saturating_sub(received);
        let loss = if expected == 0 {
            0.0
        } else {
            lost as f64 / expected as f64
        };
        LegStats {
            packets: self.packets,
            bytes: self.bytes,
            expected,
            lost,
            duplicates: self.earlier.duplicates + self.receive.duplicates(),
            reordered: self.earlier.reordered + self.receive.reordered(),
            jitter: self.receive.jitter(),
            mean_jitter: self.receive.mean_jitter(),
            mos: quality::mos(self.format, loss),
            last_packet: self.last_packet,
            sent: 0,
            dropped: self.dropped,
        }
    }
}

/// Padding is cut off with the payload's end, so its bit must go as well.
fn clear_padding(packet: &mut [u8]) {
    if let Some(first) = packet.first_mut() {
        *first &= !0x20;
    }
}
