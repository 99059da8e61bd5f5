//! A path: one direction of a call's media, from the packets of one leg to the packets for the other.

mod agreed;
mod departure;
mod ear;
mod figures;
mod intake;
mod rendering;

pub use agreed::Mismatch;

use crate::audio::transcode::Silence;
use crate::detect::{Change, Numbers, Packet, Watch};
use crate::gate::Gate;
use crate::hold::Hold;
use crate::lane::Lane;
use crate::quality::Bursts;
use crate::rtp::{PayloadType, Receive, RtpTime, Send, Sent, Ssrc};
use crate::secure::{Opening, Sealing};
use crate::source::Source;
use crate::stats::{DropReason, Dropped};
use crate::tap::{Ring, Tap, TapFor};
use crate::turn::Heard;
use crate::{Format, GuardAction, GuardPlan, LegPlan};
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

    /// Whether what comes goes through a jitter buffer and is transcoded.
    pub(crate) fn has_lane(&self) -> bool {
        self.lane.is_some()
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
}
