//! A path: one direction of a call's media, from the packets of one leg to the packets for the other.

mod agreed;
mod ear;
mod rendering;

pub use agreed::Mismatch;

use crate::audio::transcode::Silence;
use crate::comfort_noise;
use crate::detect::{Change, Finding, Numbers, Packet, Watch};
use crate::gate::{Gate, Passed};
use crate::hold::{Hold, MAX_DATAGRAM_BYTES};
use crate::lane::{Arrived, Lane};
use crate::quality::{Bursts, Transport};
use crate::rtp::{self, Arrival, PayloadType, Receive, RtpTime, Send, Sent, Ssrc, View};
use crate::secure::{Opening, Sealing};
use crate::source::{Admission, Source};
use crate::stats::{DropReason, Dropped, LegStats};
use crate::tap::{Ring, Tap, TapFor};
use crate::turn::Heard;
use crate::{Format, GuardAction, GuardPlan, LegPlan, quality};
use agreed::Agreed;
use ear::Ear;
use rendering::Rendering;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

/// What became of one packet on its path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Relayed {
    /// The packet's length now; `None` while it is held, or where other packets come out for it.
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
    kind: Kind,
    /// The source's numbering started anew with it.
    restart: bool,
    payload_start: usize,
    payload_end: usize,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Audio,
    /// telephone-event (RFC 4733).
    Event,
    /// Comfort noise (RFC 3389).
    Noise,
}

/// The longest payload of our own making. **Units**: bytes; what an Ethernet packet holds.
const MAX_OWN_BYTES: usize = 1_440;

/// A header without CSRCs. **Units**: bytes.
const HEADER_BYTES: usize = 12;

/// What a sender report has to know of a packet that is about to leave.
#[derive(Clone, Copy, Debug)]
struct Leaving {
    payload_bytes: usize,
    /// `None` where it is not its own moment's.
    timestamp: Option<RtpTime>,
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
    ptime: Duration,
    payload_type: PayloadType,
    telephone_event: Option<PayloadType>,
    comfort_noise: Option<PayloadType>,
    out_format: Format,
    out_payload_type: PayloadType,
    out_telephone_event: Option<PayloadType>,
    out_comfort_noise: Option<PayloadType>,
    out_ptime_ticks: usize,
    out_ptime: Duration,
    /// The plan's dialogs of the incoming and the outgoing leg.
    dialogs: (u32, u32),
    /// Silence towards the other leg, and of the incoming one where it speaks no G.711.
    out_silence: Option<Silence>,
    silence: Option<Silence>,
    /// Where packets can't go on as they come.
    lane: Option<Box<Lane>>,
    /// Where the incoming leg speaks no G.711.
    ear: Option<Box<Ear>>,
    rendering: Rendering,
    agreed: Agreed,
    pub(crate) receives: bool,
    pub(crate) sends: bool,
    pub(crate) source: Source,
    opening: Option<Box<Opening>>,
    sealing: Option<Box<Sealing>>,
    pub(crate) receive: Receive,
    /// The numbering started anew with a packet that was not relayed; the next that is tells it.
    restarted: bool,
    /// Figures of the sources before the present SSRC.
    earlier: Earlier,
    pub(crate) ssrc: Option<Ssrc>,
    send: Send,
    leaving: Option<Leaving>,
    pub(crate) sent: Sent,
    held_for: Duration,
    watch: Watch,
    pub(crate) gate: Gate,
    hold: Option<Hold>,
    started: Option<Instant>,
    pub(crate) last_packet: Option<Instant>,
    packets: u64,
    bytes: u64,
    pub(crate) relayed: u64,
    /// Of what was taken in, the audio with sound in it.
    pub(crate) heard: Duration,
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
    bursts: Bursts,
}

impl Path {
    pub(crate) fn new(incoming: &LegPlan, outgoing: &LegPlan, guard: GuardPlan) -> Path {
        let silence = |leg: &LegPlan| Silence::new(leg.format.into(), leg.ptime).ok();
        let lane = if Lane::is_needed(incoming, outgoing) {
            // Neither fails for what negotiation gives; where one did, nothing could be sent.
            Lane::new(incoming, outgoing).ok().map(Box::new)
        } else {
            None
        };
        // In a lane the gate acts before the transcoding. What is no G.711 can't be repaired a packet at a time.
        let action = match guard.action {
            GuardAction::Protect if !incoming.format.is_g711() => GuardAction::Mute,
            action => action,
        };
        let gate_format = match lane {
            Some(_) => incoming.format,
            None => outgoing.format,
        };
        let gate_ptime = match lane {
            Some(_) => incoming.ptime,
            None => outgoing.ptime,
        };
        Path {
            format: incoming.format,
            ptime: incoming.ptime.duration(),
            payload_type: incoming.payload_type,
            telephone_event: incoming.telephone_event,
            // Its static payload type needs no words (RFC 3551 table 4).
            comfort_noise: incoming
                .comfort_noise
                .or((incoming.format.clock_rate() == 8_000).then_some(PayloadType::COMFORT_NOISE)),
            out_format: outgoing.format,
            out_payload_type: outgoing.payload_type,
            out_telephone_event: outgoing.telephone_event,
            out_comfort_noise: outgoing.comfort_noise,
            out_ptime_ticks: outgoing.ptime.samples(outgoing.format.clock_rate()),
            out_ptime: outgoing.ptime.duration(),
            dialogs: (incoming.dialog, outgoing.dialog),
            out_silence: silence(outgoing),
            silence: silence(incoming).filter(|_| !incoming.format.is_g711()),
            lane,
            ear: Ear::new(incoming).map(Box::new),
            rendering: Rendering::new(outgoing.ssrc.0),
            agreed: Agreed::new(incoming),
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
            leaving: None,
            sent: Sent::new(outgoing.format.clock_rate()),
            held_for: guard.hold,
            watch: Watch::new(incoming.format.law()),
            gate: Gate::new(
                action,
                incoming.format,
                gate_format,
                gate_ptime.as_ms(),
                outgoing.ssrc.0,
            ),
            hold: Hold::new(guard.hold),
            started: None,
            last_packet: None,
            packets: 0,
            bytes: 0,
            relayed: 0,
            heard: Duration::ZERO,
            muted: Duration::ZERO,
            repaired: Duration::ZERO,
            dropped: Dropped::default(),
            tap: None,
        }
    }

    /// Takes a signalled change; the numbering and the statistics go on, and the hold is the call's for its life.
    pub(crate) fn update(&mut self, incoming: &LegPlan, outgoing: &LegPlan, guard: GuardPlan) {
        let fresh = Path::new(incoming, outgoing, guard);
        let same_audio = self.format == fresh.format && self.out_format == fresh.out_format;
        let (incoming_before, outgoing_before) =
            std::mem::replace(&mut self.dialogs, fresh.dialogs);
        let (is_other_source, is_other_sink) = (
            incoming_before != incoming.dialog,
            outgoing_before != outgoing.dialog,
        );
        let same_packets = self.out_ptime == fresh.out_ptime
            && self.agreed.same(&fresh.agreed)
            && self.lane.is_some() == fresh.lane.is_some();
        self.ptime = fresh.ptime;
        self.payload_type = fresh.payload_type;
        self.telephone_event = fresh.telephone_event;
        self.comfort_noise = fresh.comfort_noise;
        self.out_payload_type = fresh.out_payload_type;
        self.out_telephone_event = fresh.out_telephone_event;
        self.out_comfort_noise = fresh.out_comfort_noise;
        self.out_ptime_ticks = fresh.out_ptime_ticks;
        self.out_ptime = fresh.out_ptime;
        self.out_silence = fresh.out_silence;
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
            self.sent = fresh.sent;
        }
        if !same_audio || !same_packets || is_other_source {
            self.lane = fresh.lane;
            self.agreed = fresh.agreed;
        }
        if !self.sends || !self.receives {
            self.rendering.stop();
        }
        if !self.sends
            && let Some(lane) = &mut self.lane
        {
            lane.stop();
        }
        if !same_audio || is_other_source {
            self.format = fresh.format;
            self.out_format = fresh.out_format;
            self.silence = fresh.silence;
            self.ear = fresh.ear;
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
        if taken.kind == Kind::Audio {
            let audio = packet.get(taken.payload()).ok_or(DropReason::Malformed)?;
            let ticks = self.format.ticks(audio);
            self.agreed
                .audio(taken.sequence, taken.timestamp, ticks, audio.len());
            // What is decoded for the detector has other lengths than its packet's numbers speak of.
            let (audio, numbers) = match &mut self.ear {
                Some(ear) => (ear.hear(audio), None),
                None => (
                    audio,
                    Some(Numbers {
                        sequence: taken.sequence,
                        timestamp: taken.timestamp,
                    }),
                ),
            };
            change = self.watch.observe(Packet {
                at,
                numbers,
                payload: audio,
            });
            heard = self.watch.level().map_or(Heard::Fault, Heard::Audio);
            span = self.format.span(ticks.unwrap_or(0));
        }
        let Some(hold) = &mut self.hold else {
            self.gate.follow(self.watch.current());
            let len = self.pass(now, packet, &taken)?;
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

    /// The next held packet that is due, written into `out` for the outgoing leg; gives its length, none where other
    /// packets come out for it.
    pub(crate) fn release(
        &mut self,
        now: Instant,
        out: &mut [u8],
    ) -> Option<Result<Option<usize>, DropReason>> {
        let hold = self.hold.as_mut()?;
        hold.due().filter(|due| *due <= now)?;
        let (taken, finding, len) = hold.pop(out)?;
        if len == 0 {
            return Some(Err(DropReason::Size));
        }
        if !self.sends {
            return Some(Err(DropReason::Direction));
        }
        if taken.kind == Kind::Audio {
            self.gate.follow(finding.as_ref());
        }
        Some(self.pass(now, out, &taken))
    }

    /// When the next packet is due that does not come in: one that is held, or one of our own making.
    pub(crate) fn due(&self) -> Option<Instant> {
        let held = self.hold.as_ref().and_then(Hold::due);
        let lane = self.lane.as_ref().and_then(|lane| lane.due());
        [held, lane, self.rendering.due()]
            .into_iter()
            .flatten()
            .min()
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
        let len = self.open(from, datagram)?;
        let packet = datagram.get(..len).ok_or(DropReason::Size)?;
        let view = View::parse(packet).map_err(|_| DropReason::Malformed)?;
        let passes = self.receives && self.sends;
        let Some(kind) = self.kind(view.payload_type()) else {
            if self.source.may_be(from) {
                self.agreed.other(view.payload_type());
            }
            return Err(DropReason::PayloadType);
        };
        let (ssrc, sequence, timestamp) = (view.ssrc(), view.sequence(), view.timestamp());
        let payload = view.payload_range();
        let learned = match self
            .source
            .admit(from, ssrc, sequence, matches!(kind, Kind::Audio))
        {
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
        if kind == Kind::Event && self.out_telephone_event.is_none() {
            return Err(DropReason::PayloadType);
        }
        let taken = Taken {
            ssrc,
            sequence,
            timestamp,
            marker: view.marker(),
            kind,
            restart: std::mem::take(&mut self.restarted),
            payload_start: payload.start,
            payload_end: payload.end,
        };
        Ok((taken, learned))
    }

    /// What a payload type stands for on the incoming leg, if anything.
    fn kind(&self, payload_type: PayloadType) -> Option<Kind> {
        if payload_type == self.payload_type {
            Some(Kind::Audio)
        } else if self.telephone_event == Some(payload_type) {
            Some(Kind::Event)
        } else if self.comfort_noise == Some(payload_type) {
            Some(Kind::Noise)
        } else {
            None
        }
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
    /// Nothing where other packets come out for it.
    fn pass(
        &mut self,
        now: Instant,
        packet: &mut [u8],
        taken: &Taken,
    ) -> Result<Option<usize>, DropReason> {
        let payload = taken.payload();
        if taken.kind == Kind::Noise && (self.lane.is_some() || self.out_comfort_noise.is_none()) {
            let noise = packet.get(payload).ok_or(DropReason::Malformed)?;
            let level = comfort_noise::level_dbov(noise).ok_or(DropReason::Size)?;
            match &mut self.lane {
                Some(lane) => lane.hear_noise(level),
                None => self.rendering.start(now, level),
            }
            return Ok(None);
        }
        self.rendering.stop();
        if self.lane.is_some() {
            return self.pass_into_lane(now, packet, taken);
        }
        if taken.restart {
            self.send.restart();
        }
        let beside = |out_type: Option<PayloadType>| {
            let out_type = out_type.ok_or(DropReason::PayloadType)?;
            let ticks = self.out_ptime_ticks as u32;
            Ok((out_type, payload.len(), ticks, ticks))
        };
        let (out_type, payload_len, came, ticks) = match taken.kind {
            Kind::Event => beside(self.out_telephone_event)?,
            Kind::Noise => beside(self.out_comfort_noise)?,
            Kind::Audio => {
                let audio = packet
                    .get_mut(payload.clone())
                    .ok_or(DropReason::Malformed)?;
                let came = self.format.ticks(audio).ok_or(DropReason::Size)?;
                let length = self.pass_audio(audio);
                // What the guard put in the place of audio lasts as long; what it repaired is G.711.
                let ticks = if self.format.is_g711() {
                    length as u32
                } else {
                    came
                };
                (self.out_payload_type, length, came, ticks)
            }
        };
        let stamp = self
            .send
            .relay(taken.ssrc, taken.sequence, taken.timestamp, came, ticks);
        rtp::restamp(
            packet,
            out_type,
            taken.marker || stamp.fresh,
            stamp.sequence,
            stamp.timestamp,
            stamp.ssrc,
        );
        clear_padding(packet);
        self.leaving = Some(Leaving {
            payload_bytes: payload_len,
            timestamp: (taken.kind != Kind::Event).then_some(stamp.timestamp),
        });
        self.seal(packet, payload.start + payload_len).map(Some)
    }

    /// Audio waits in the lane's jitter buffer; events go on at once, in the other clock's time.
    fn pass_into_lane(
        &mut self,
        now: Instant,
        packet: &mut [u8],
        taken: &Taken,
    ) -> Result<Option<usize>, DropReason> {
        let range = taken.payload();
        let payload = packet.get_mut(range.clone()).ok_or(DropReason::Malformed)?;
        if taken.kind == Kind::Event {
            let out_type = self.out_telephone_event.ok_or(DropReason::PayloadType)?;
            let at = self.send.next_timestamp();
            let lane = self.lane.as_mut().ok_or(DropReason::PayloadType)?;
            let at = lane.hear_event(taken.ssrc, taken.timestamp, at, payload);
            let stamp = self.send.beside(at);
            rtp::restamp(
                packet,
                out_type,
                taken.marker,
                stamp.sequence,
                stamp.timestamp,
                stamp.ssrc,
            );
            clear_padding(packet);
            self.leaving = Some(Leaving {
                payload_bytes: range.len(),
                timestamp: None,
            });
            return self.seal(packet, range.end).map(Some);
        }
        let length = self.pass_audio(payload);
        let audio = packet
            .get(range.start..range.start + length)
            .unwrap_or_default();
        let lane = self.lane.as_mut().ok_or(DropReason::PayloadType)?;
        let arrived = Arrived {
            now,
            source: taken.ssrc,
            sequence: taken.sequence,
            timestamp: taken.timestamp,
            restart: taken.restart,
        };
        if !lane.push(arrived, audio) {
            self.dropped.count(DropReason::Size);
        }
        Ok(None)
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
        self.earlier.bursts.add(self.receive.bursts());
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

    /// The gate acts on a packet's audio in place; gives its new length.
    fn pass_audio(&mut self, audio: &mut [u8]) -> usize {
        if !self.format.is_g711() {
            return self.mute_where_shut(audio);
        }
        let (passed, length) = self.gate.pass(audio);
        let span = Duration::from_micros(length as u64 * 125);
        match passed {
            Passed::Plain => {}
            Passed::Muted => self.muted += span,
            Passed::Repaired => self.repaired += span,
        }
        length
    }

    /// What the gate is to a format that it can't act on: silence of the format's own.
    fn mute_where_shut(&mut self, audio: &mut [u8]) -> usize {
        if !self.gate.is_shut() {
            return audio.len();
        }
        let ticks = self.format.ticks(audio).unwrap_or(0);
        self.muted += self.format.span(ticks);
        match (self.format, &self.silence) {
            (Format::Opus, Some(silence)) => silence.fill(audio).unwrap_or(0),
            _ => {
                audio.fill(0);
                audio.len()
            }
        }
    }

    /// Writes a packet of silence of our own making; gives its length.
    pub(crate) fn silence(&mut self, out: &mut [u8]) -> Option<usize> {
        let room = out.get_mut(HEADER_BYTES..)?;
        let len = self.out_silence.as_ref()?.fill(room)?;
        self.send_own(out, len).ok()
    }

    /// A packet that goes out of our own accord and is due `now`, written into `out`: out of the lane, or comfort
    /// noise. Gives its length.
    pub(crate) fn play(
        &mut self,
        now: Instant,
        out: &mut [u8],
    ) -> Option<Result<usize, DropReason>> {
        let end = (HEADER_BYTES + MAX_OWN_BYTES).min(out.len());
        let room = out.get_mut(HEADER_BYTES..end)?;
        let len = match &mut self.lane {
            Some(lane) => {
                let len = lane.play(now, room);
                for _ in 0..lane.take_late() {
                    self.dropped.count(DropReason::Late);
                }
                len?
            }
            None => self
                .rendering
                .render(now, self.out_format, self.out_ptime_ticks, room)?,
        };
        Some(self.send_own(out, len))
    }

    /// Numbers and seals a packet of ours whose payload lies behind its header's place.
    fn send_own(&mut self, out: &mut [u8], payload_len: usize) -> Result<usize, DropReason> {
        *out.first_mut().ok_or(DropReason::Size)? = 0x80;
        let stamp = self.send.own(self.out_ptime_ticks as u32);
        rtp::restamp(
            out,
            self.out_payload_type,
            false,
            stamp.sequence,
            stamp.timestamp,
            stamp.ssrc,
        );
        self.leaving = Some(Leaving {
            payload_bytes: payload_len,
            timestamp: Some(stamp.timestamp),
        });
        self.seal(out, HEADER_BYTES + payload_len)
    }

    /// Whether what comes goes through a jitter buffer and is transcoded.
    pub(crate) fn has_lane(&self) -> bool {
        self.lane.is_some()
    }

    /// How much audio waits in the lane.
    pub(crate) fn waiting(&self) -> Duration {
        self.lane
            .as_ref()
            .map_or(Duration::ZERO, |lane| lane.waiting())
    }

    /// From `now` on the lane sends, silence until something comes.
    pub(crate) fn start_lane(&mut self, now: Instant) {
        if let Some(lane) = &mut self.lane
            && self.sends
        {
            lane.start(now);
        }
    }

    /// How what came differs from what was agreed on, where that was not told yet.
    pub(crate) fn take_mismatch(&mut self) -> Option<Mismatch> {
        self.agreed.take()
    }

    /// The packet that was made last goes to the outgoing leg.
    pub(crate) fn count_sent(&mut self, now: Instant) {
        if let Some(leaving) = self.leaving.take() {
            let Leaving {
                payload_bytes,
                timestamp,
            } = leaving;
            self.sent.on_packet(now, payload_bytes, timestamp);
        }
    }

    /// Opens a compound packet of the incoming leg's RTCP; gives its length.
    pub(crate) fn open_rtcp(&mut self, datagram: &mut [u8]) -> Result<usize, DropReason> {
        match &mut self.opening {
            Some(opening) => opening.open_rtcp(datagram),
            None => Ok(datagram.len()),
        }
    }

    /// Seals a compound packet for the outgoing leg; gives its length now.
    pub(crate) fn seal_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Option<usize> {
        match &mut self.sealing {
            Some(sealing) => sealing.seal_rtcp(buffer, len).ok(),
            None => Some(len),
        }
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.opening.is_some()
    }

    /// How the losses of the incoming leg are spread.
    pub(crate) fn bursts(&self) -> Bursts {
        let mut bursts = self.earlier.bursts;
        bursts.add(self.receive.bursts());
        bursts
    }

    /// What transport did to the incoming leg's audio, with the delay that is known: half of the way there and back,
    /// the time that a packet takes to fill, and the look-back.
    pub(crate) fn transport(&self, round_trip: Option<Duration>) -> Transport {
        let delay = round_trip.map(|took| took / 2 + self.ptime + self.held_for);
        let (expected, received) = self.totals();
        let loss = match expected {
            0 => 0.0,
            expected => expected.saturating_sub(received) as f64 / expected as f64,
        };
        Transport {
            loss,
            burst_ratio: self.bursts().figures().ratio,
            delay: delay.unwrap_or(Duration::ZERO),
        }
    }

    /// Packets expected from the incoming leg, and received.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (
            self.earlier.expected + self.receive.expected(),
            self.earlier.received + self.receive.received(),
        )
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// How long squelch itself keeps a packet.
    pub(crate) fn delay_here(&self) -> Duration {
        self.held_for
    }

    pub(crate) fn ptime(&self) -> Duration {
        self.ptime
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

    /// Figures of what came from the incoming leg; the rest of the leg's is the bridge's to fill.
    pub(crate) fn stats(&self, round_trip: Option<Duration>) -> LegStats {
        let (expected, received) = self.totals();
        LegStats {
            packets: self.packets,
            bytes: self.bytes,
            heard: self.heard,
            expected,
            lost: expected.saturating_sub(received),
            duplicates: self.earlier.duplicates + self.receive.duplicates(),
            reordered: self.earlier.reordered + self.receive.reordered(),
            jitter: self.receive.jitter(),
            mean_jitter: self.receive.mean_jitter(),
            mos: quality::mos_of(self.format, &self.transport(round_trip)),
            bursts: self.bursts().figures(),
            last_packet: self.last_packet,
            dropped: self.dropped,
            ..LegStats::default()
        }
    }
}

/// Padding is cut off with the payload's end, so its bit must go as well.
fn clear_padding(packet: &mut [u8]) {
    if let Some(first) = packet.first_mut() {
        *first &= !0x20;
    }
}
