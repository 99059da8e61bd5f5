//! A path: one direction of a call's media, from the packets of one leg to the packets for the other.

use crate::detect::{Change, Finding, Numbers, Packet, Watch};
use crate::gate::{Gate, Passed};
use crate::hold::{Hold, MAX_DATAGRAM_BYTES};
use crate::rtp::{self, Arrival, PayloadType, Receive, RtpTime, Send, Ssrc, View};
use crate::secure::{Opening, Sealing};
use crate::source::{Admission, Source};
use crate::stats::{DropReason, Dropped, LegStats};
use crate::tap::{Ring, Tap, TapFor};
use crate::turn::Heard;
use crate::{Format, GuardPlan, LegPlan, quality};
use squelch_g711::Law;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

/// What became of one packet on its path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Relayed {
    /// The packet's length now; `None` while it is held.
    pub(crate) len: Option<usize>,
    pub(crate) change: Option<Change>,
    pub(crate) learned: bool,
    pub(crate) heard: Heard,
    /// How long its audio lasts.
    pub(crate) span: Duration,
}

/// A packet that was let in: what its header said, for the time when it leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    ssrc: Ssrc,
    sequence: u16,
    timestamp: RtpTime,
    marker: bool,
    event: bool,
    /// The source's numbering started anew with it.
    restart: bool,
    payload_start: usize,
    payload_end: usize,
}

impl Taken {
    fn payload(&self) -> Range<usize> {
        self.payload_start..self.payload_end
    }
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
    /// The plan's dialogs of the incoming and the outgoing leg.
    dialogs: (u32, u32),
    pub(crate) receives: bool,
    pub(crate) sends: bool,
    pub(crate) source: Source,
    opening: Option<Box<Opening>>,
    sealing: Option<Box<Sealing>>,
    receive: Receive,
    /// The numbering started anew with a packet that was not relayed; the next that is tells it.
    restarted: bool,
    /// Figures of the sources before the present SSRC.
    earlier: Earlier,
    ssrc: Option<Ssrc>,
    send: Send,
    watch: Watch,
    pub(crate) gate: Gate,
    hold: Option<Hold>,
    started: Option<Instant>,
    last_packet: Option<Instant>,
    packets: u64,
    bytes: u64,
    pub(crate) relayed: u64,
    pub(crate) muted: Duration,
    pub(crate) repaired: Duration,
    pub(crate) dropped: Dropped,
    /// Where copies are wanted.
    pub(crate) tap: Option<Box<Tap>>,
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
            dialogs: (incoming.dialog, outgoing.dialog),
            receives: incoming.direction.receives(),
            sends: outgoing.direction.sends(),
            source: Source::new(incoming),
            opening: incoming
                .srtp
                .as_ref()
                .map(|srtp| Box::new(Opening::new(&srtp.receive))),
            sealing: outgoing
                .srtp
                .as_ref()
                .map(|srtp| Box::new(Sealing::new(&srtp.send))),
            receive: Receive::new(incoming.format.clock_rate()),
            restarted: false,
            earlier: Earlier::default(),
            ssrc: None,
            send: Send::new(outgoing.ssrc, outgoing.sequence, outgoing.timestamp),
            watch: Watch::new(incoming.format.law()),
            gate: Gate::new(
                guard.action,
                incoming.format,
                outgoing.format,
                outgoing.ptime.as_ms(),
                outgoing.ssrc.0,
            ),
            hold: Hold::new(guard.hold),
            started: None,
            last_packet: None,
            packets: 0,
            bytes: 0,
            relayed: 0,
            muted: Duration::ZERO,
            repaired: Duration::ZERO,
            dropped: Dropped::default(),
            tap: None,
        }
    }

    /// Takes a signalled change; the numbering and the statistics go on, and the hold is the call's for its life.
    pub(crate) fn update(&mut self, incoming: &LegPlan, outgoing: &LegPlan, guard: GuardPlan) {
        let fresh = Path::new(incoming, outgoing, guard);
        let same_audio = self.format == fresh.format && self.out_law == fresh.out_law;
        let (incoming_before, outgoing_before) =
            std::mem::replace(&mut self.dialogs, fresh.dialogs);
        let (is_other_source, is_other_sink) = (
            incoming_before != incoming.dialog,
            outgoing_before != outgoing.dialog,
        );
        self.payload_type = fresh.payload_type;
        self.telephone_event = fresh.telephone_event;
        self.out_payload_type = fresh.out_payload_type;
        self.out_telephone_event = fresh.out_telephone_event;
        self.out_ptime_samples = fresh.out_ptime_samples;
        self.out_ptime = fresh.out_ptime;
        self.receives = fresh.receives;
        self.sends = fresh.sends;
        if is_other_source {
            self.source = fresh.source;
            self.close_source();
            self.restarted = true;
        } else {
            self.source.update(fresh.source);
        }
        match (&mut self.opening, &incoming.srtp) {
            (Some(opening), Some(srtp)) if !is_other_source => opening.update(&srtp.receive),
            (opening, _) => *opening = fresh.opening,
        }
        match (&mut self.sealing, &outgoing.srtp) {
            (Some(sealing), Some(srtp)) if !is_other_sink => sealing.update(&srtp.send),
            (sealing, _) => *sealing = fresh.sealing,
        }
        if is_other_sink {
            self.send = fresh.send;
        }
        if !same_audio || is_other_source {
            self.format = fresh.format;
            self.out_law = fresh.out_law;
            self.watch = fresh.watch;
            self.gate = fresh.gate;
            // What still waits is in a format that is no longer agreed on.
            if let Some(hold) = &mut self.hold {
                for _ in 0..hold.len() {
                    self.dropped.count(DropReason::PayloadType);
                }
                hold.clear();
            }
        }
    }

    /// One datagram from the incoming leg, rewritten in place for the outgoing one, or held.
    pub(crate) fn forward(
        &mut self,
        now: Instant,
        from: SocketAddr,
        packet: &mut [u8],
        len: usize,
    ) -> Result<Relayed, DropReason> {
        let datagram = packet.get_mut(..len).ok_or(DropReason::Size)?;
        let (taken, learned) = self.take(now, from, datagram)?;
        let mut change = None;
        let (mut heard, mut span) = (Heard::Nothing, Duration::ZERO);
        let at = self.stream_time(now);
        if !taken.event {
            let audio = packet.get(taken.payload()).ok_or(DropReason::Malformed)?;
            change = self.watch.observe(Packet {
                at,
                numbers: Some(Numbers {
                    sequence: taken.sequence,
                    timestamp: taken.timestamp,
                }),
                payload: audio,
            });
            heard = self.watch.level().map_or(Heard::Fault, Heard::Audio);
            span = Duration::from_micros(audio.len() as u64 * 125);
        }
        let Some(hold) = &mut self.hold else {
            self.gate.follow(self.watch.current());
            let len = Some(self.pass(packet, &taken)?);
            return Ok(Relayed {
                len,
                change,
                learned,
                heard,
                span,
            });
        };
        if let Some(finding) = change.as_ref().and_then(Change::found) {
            hold.mark(*finding);
        }
        // Padding is not needed any more.
        let kept = packet.get(..taken.payload_end).unwrap_or_default();
        if !hold.push(now, at, taken, self.watch.current().copied(), kept) {
            self.dropped.count(DropReason::Size);
        }
        Ok(Relayed {
            len: None,
            change,
            learned,
            heard,
            span,
        })
    }

    /// The next held packet that is due, written into `out` for the outgoing leg; gives its length.
    pub(crate) fn release(
        &mut self,
        now: Instant,
        out: &mut [u8],
    ) -> Option<Result<usize, DropReason>> {
        let hold = self.hold.as_mut()?;
        hold.due().filter(|due| *due <= now)?;
        let (taken, finding, len) = hold.pop(out)?;
        if len == 0 {
            return Some(Err(DropReason::Size));
        }
        if !self.sends {
            return Some(Err(DropReason::Direction));
        }
        if !taken.event {
            self.gate.follow(finding.as_ref());
        }
        Some(self.pass(out, &taken))
    }

    /// When the next held packet is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.hold.as_ref()?.due()
    }

    /// Judges a datagram and counts it; what is no news to the other leg ends here.
    fn take(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Result<(Taken, bool), DropReason> {
        if datagram.len() > MAX_DATAGRAM_BYTES {
            return Err(DropReason::Size);
        }
        if rtp::is_rtcp(datagram) {
            return Err(DropReason::Rtcp);
        }
        let len = self.open(from, datagram)?;
        let packet = datagram.get(..len).ok_or(DropReason::Size)?;
        let view = View::parse(packet).map_err(|_| DropReason::Malformed)?;
        let passes = self.receives && self.sends;
        let event = self.telephone_event == Some(view.payload_type());
        if !event && view.payload_type() != self.payload_type {
            return Err(DropReason::PayloadType);
        }
        let (ssrc, sequence, timestamp) = (view.ssrc(), view.sequence(), view.timestamp());
        let payload = view.payload_range();
        let learned = match self.source.admit(from, ssrc, sequence, self.payload_type) {
            Admission::Refuse => return Err(DropReason::Source),
            Admission::Accept => false,
            Admission::Learned => true,
        };
        if let Some(tap) = self.tap.as_mut().filter(|_| passes) {
            tap.received(from, packet);
        }
        if passes {
            self.last_packet = Some(now);
        }
        let arrival = self.receive(now, ssrc, sequence, timestamp);
        let restart = match arrival {
            Arrival::Duplicate(_) => return Err(DropReason::Duplicate),
            Arrival::Restart(_) => true,
            Arrival::InOrder(_) | Arrival::Reordered(_) => false,
        };
        self.packets += 1;
        self.bytes += payload.len() as u64;
        self.restarted |= restart;
        if !passes {
            // It is counted, for nothing was lost; and what comes after it goes on where our numbering stopped.
            self.restarted = true;
            return Err(DropReason::Direction);
        }
        if payload.is_empty() {
            return Err(DropReason::Size);
        }
        if event && self.out_telephone_event.is_none() {
            return Err(DropReason::PayloadType);
        }
        let taken = Taken {
            ssrc,
            sequence,
            timestamp,
            marker: view.marker(),
            event,
            restart: std::mem::take(&mut self.restarted),
            payload_start: payload.start,
            payload_end: payload.end,
        };
        Ok((taken, learned))
    }

    /// Opens what came from an encrypted leg, whatever becomes of it then: the rollover counter follows what a leg
    /// on hold sends, too. What is not authentic ends here, before anything is learned from it.
    fn open(&mut self, from: SocketAddr, datagram: &mut [u8]) -> Result<usize, DropReason> {
        let Some(opening) = &mut self.opening else {
            return Ok(datagram.len());
        };
        if !self.source.may_be(from) {
            return Err(DropReason::Source);
        }
        let opened = opening.open(datagram);
        if opened == Err(DropReason::Replay) {
            self.earlier.duplicates += 1;
        }
        opened
    }

    /// Through the gate and out: the packet in the other leg's law and numbering, and encrypted where that leg is.
    fn pass(&mut self, packet: &mut [u8], taken: &Taken) -> Result<usize, DropReason> {
        let payload = taken.payload();
        if taken.restart {
            self.send.restart();
        }
        let (out_type, payload_len, came, ticks) = if taken.event {
            let out_type = self.out_telephone_event.ok_or(DropReason::PayloadType)?;
            let ticks = self.out_ptime_samples;
            (out_type, payload.len(), ticks, ticks)
        } else {
            let audio = packet
                .get_mut(payload.clone())
                .ok_or(DropReason::Malformed)?;
            let length = self.pass_audio(audio);
            (self.out_payload_type, length, payload.len(), length)
        };
        let stamp = self.send.relay(
            taken.ssrc,
            taken.sequence,
            taken.timestamp,
            came as u32,
            ticks as u32,
        );
        rtp::restamp(
            packet,
            out_type,
            taken.marker || stamp.fresh,
            stamp.sequence,
            stamp.timestamp,
            stamp.ssrc,
        );
        clear_padding(packet);
        self.seal(packet, payload.start + payload_len)
    }

    fn seal(&mut self, packet: &mut [u8], len: usize) -> Result<usize, DropReason> {
        if let (Some(tap), Some(packet)) = (&mut self.tap, packet.get(..len)) {
            tap.sent(packet);
        }
        match &mut self.sealing {
            Some(sealing) => sealing.seal(packet, len),
            None => Ok(len),
        }
    }

    /// What came so far is an earlier source's.
    fn close_source(&mut self) {
        self.earlier.expected += self.receive.expected();
        self.earlier.received += self.receive.received();
        self.earlier.duplicates += self.receive.duplicates();
        self.earlier.reordered += self.receive.reordered();
        self.receive = Receive::new(self.format.clock_rate());
        self.ssrc = None;
    }

    fn receive(&mut self, now: Instant, ssrc: Ssrc, sequence: u16, timestamp: RtpTime) -> Arrival {
        if self.ssrc != Some(ssrc) {
            if self.ssrc.is_some() {
                self.close_source();
            }
            self.ssrc = Some(ssrc);
        }
        let at = self.stream_time(now);
        self.receive.on_packet(at, sequence, timestamp)
    }

    fn stream_time(&mut self, now: Instant) -> Duration {
        now.saturating_duration_since(*self.started.get_or_insert(now))
    }

    fn pass_audio(&mut self, audio: &mut [u8]) -> usize {
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
        self.seal(out, len).ok()
    }

    /// Whether somebody ought to be heard from now on.
    pub(crate) fn set_talk_due(&mut self, due: bool) {
        self.watch.set_talk_due(due);
    }

    /// Puts a ring in the place of another, or of none.
    pub(crate) fn swap_ring(
        &mut self,
        what_for: TapFor,
        ring: Option<Box<Ring>>,
    ) -> Option<Box<Ring>> {
        if ring.is_none() && self.tap.is_none() {
            return None;
        }
        let tap = self.tap.get_or_insert_default();
        let before = tap.swap(what_for, ring);
        if tap.is_idle() {
            self.tap = None;
        }
        before
    }

    pub(crate) fn out_ptime(&self) -> Duration {
        self.out_ptime
    }

    /// The fault that the incoming leg has now, if any.
    pub(crate) fn current(&self) -> Option<&Finding> {
        self.watch.current()
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
