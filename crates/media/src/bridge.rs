//! A bridge: both directions of a call's media.

mod quality;
mod rtcp;

use crate::detect::{Change, Finding};
use crate::path::Path;
use crate::quality::OneWay;
use crate::rtcp::Session;
use crate::rtp::is_rtcp;
use crate::stats::{BridgeStats, DropReason, GuardStats, LegStats};
use crate::tap::{Rings, TapFor};
use crate::turn::Turn;
use crate::{Channel, MediaPlan, Mismatch, Side};
use quality::Seconds;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Events kept until they are polled. The worker polls after every packet, and a packet makes at most three; past
/// this the newest is dropped.
const MAX_EVENTS: usize = 16;

/// What is to be done with the packet handed to [`Bridge::forward`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forward {
    /// Send the first `len` bytes of the buffer to `to`, out of the other leg's port.
    Send {
        /// The other peer.
        to: SocketAddr,
        /// The packet's length now.
        len: usize,
    },
    /// Nothing now; the packet comes out of [`Bridge::poll_transmit`] later.
    Hold,
    /// Nothing: it was the leg's RTCP, which ends here.
    Report,
    /// Nothing; it is counted.
    Drop(DropReason),
}

/// A packet that the bridge sends when it is time: one that was held, or one of its own making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The leg it goes out on.
    pub side: Side,
    /// Which of the leg's own ports it leaves from.
    pub channel: Channel,
    /// The peer.
    pub to: SocketAddr,
    /// The packet's length in the caller's buffer.
    pub len: usize,
}

/// What the gateway wants to know of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MediaEvent {
    /// The detector tripped on what came from a leg.
    Fault {
        /// The leg the bad audio came from.
        side: Side,
        /// What was found.
        finding: Finding,
    },
    /// The audio from a leg is right again.
    Cleared {
        /// The leg.
        side: Side,
        /// What had been found, with its end.
        finding: Finding,
    },
    /// What comes from a leg is not what its SDP agreed on; told once for each kind.
    Mismatch {
        /// The leg.
        side: Side,
        /// In what it differs.
        mismatch: Mismatch,
    },
    /// A peer's port was learned.
    Learned {
        /// The leg.
        side: Side,
        /// The address, locked from now on.
        address: SocketAddr,
    },
    /// A leg is not heard, or does not hear.
    OneWay {
        /// The leg.
        side: Side,
        /// Why.
        cause: OneWay,
    },
    /// That is over.
    OneWayOver {
        /// The leg.
        side: Side,
        /// Why it was.
        cause: OneWay,
    },
}

/// Both directions of one call.
///
/// **Shape**: fixed memory after [`Bridge::new`]; nothing is allocated per packet.
#[derive(Debug)]
pub struct Bridge {
    /// From the carrier to OpenAI.
    up: Path,
    /// From OpenAI to the carrier.
    down: Path,
    turn: Turn,
    /// When the next packet of silence is due to OpenAI, which waits for RTP before it sends any.
    silence_at: Option<Instant>,
    /// When the next packet of silence is due to the carrier, while OpenAI's leg is not heard.
    carrier_silence_at: Option<Instant>,
    /// Since when a repair waits to be prepared.
    prepare_at: Option<Instant>,
    events: VecDeque<MediaEvent>,
    own_to_openai: u64,
    own_to_carrier: u64,
    reports: [Option<Box<Session>>; Side::ALL.len()],
    seconds: Seconds,
}

impl Bridge {
    /// A bridge for a call that starts `now`. May allocate; nothing after it does, but for [`Bridge::update`] and
    /// [`Bridge::handle_timeout`].
    pub fn new(now: Instant, plan: &MediaPlan) -> Bridge {
        let mut up = Path::new(&plan.carrier, &plan.openai, plan.guard);
        up.start_lane(now);
        Bridge {
            silence_at: (up.sends && !up.has_lane()).then_some(now),
            carrier_silence_at: None,
            up,
            down: Path::new(&plan.openai, &plan.carrier, plan.guard),
            turn: Turn::default(),
            prepare_at: None,
            events: VecDeque::with_capacity(MAX_EVENTS),
            own_to_openai: 0,
            own_to_carrier: 0,
            reports: Side::ALL.map(|side| rtcp::session(now, plan.leg(side))),
            seconds: Seconds::new(now),
        }
    }

    /// Takes a signalled change. A leg whose address is another one may have its port learned anew; numbering and
    /// statistics go on. While a leg is not heard (on hold, or OpenAI's is placed anew), silence goes to the other.
    pub fn update(&mut self, now: Instant, plan: &MediaPlan) {
        self.up.update(&plan.carrier, &plan.openai, plan.guard);
        self.down.update(&plan.openai, &plan.carrier, plan.guard);
        self.up.start_lane(now);
        if !self.up.sends || self.up.has_lane() {
            self.silence_at = None;
        } else if !self.up.receives {
            self.silence_at.get_or_insert(now);
        }
        if !self.down.receives {
            self.down.start_lane(now);
        }
        if !self.down.sends || self.down.has_lane() {
            self.carrier_silence_at = None;
        } else if !self.down.receives {
            self.carrier_silence_at.get_or_insert(now);
        }
        self.update_reports(now, plan);
    }

    /// `packet[..len]` arrived on leg `side`'s port from `from`; it is rewritten in place for the other leg.
    ///
    /// **Shape**: behind `len` there must be room for the other leg's authentication tag, 16 bytes at most.
    pub fn forward(
        &mut self,
        now: Instant,
        side: Side,
        from: SocketAddr,
        packet: &mut [u8],
        len: usize,
    ) -> Forward {
        if is_rtcp(packet.get(..len).unwrap_or_default()) {
            return match self.take_report(now, side, Channel::Rtp, from, packet, len) {
                Ok(()) => Forward::Report,
                Err(reason) => Forward::Drop(reason),
            };
        }
        let (path, back) = self.paths(side);
        aim(path, now, back.source.next_destination());
        let relayed = match path.forward(now, from, packet, len) {
            Ok(relayed) => relayed,
            Err(reason) => {
                path.dropped.count(reason);
                if let Some(mismatch) = path.take_mismatch() {
                    self.push(MediaEvent::Mismatch { side, mismatch });
                }
                return Forward::Drop(reason);
            }
        };
        let mismatch = path.take_mismatch();
        let wants_preparing = path.gate.wants_preparing();
        let forward = relayed
            .len
            .map_or(Forward::Hold, |len| send(path, back, now, len));
        if wants_preparing {
            self.prepare_at.get_or_insert(now);
        }
        if matches!(forward, Forward::Send { .. }) {
            self.end_silence(side);
        }
        if relayed.heard.is_sound() {
            let (path, _) = self.paths(side);
            path.heard += relayed.span;
        }
        self.seconds.heard(side, relayed.heard);
        match side {
            Side::Carrier => self.turn.caller(now, relayed.heard, relayed.span),
            Side::Openai => {
                let due = self.turn.model(now, relayed.heard);
                self.down.set_talk_due(due);
            }
        }
        if let Some(mismatch) = mismatch {
            self.push(MediaEvent::Mismatch { side, mismatch });
        }
        if relayed.learned {
            self.push(MediaEvent::Learned {
                side,
                address: from,
            });
        }
        if let Some(finding) = relayed.change.as_ref().and_then(Change::ended).copied() {
            self.push(MediaEvent::Cleared { side, finding });
        }
        if let Some(finding) = relayed.change.as_ref().and_then(Change::found).copied() {
            self.push(MediaEvent::Fault { side, finding });
        }
        forward
    }

    /// `packet[..len]` arrived on leg `side`'s RTCP port, the odd one above its RTP port, from `from`. It ends here:
    /// nothing of RTCP is passed on. What comes of it is in [`Bridge::poll_transmit`] and [`Bridge::poll_event`].
    pub fn handle_rtcp(
        &mut self,
        now: Instant,
        side: Side,
        from: SocketAddr,
        packet: &mut [u8],
        len: usize,
    ) {
        // What is not taken is counted.
        let _ = self.take_report(now, side, Channel::Rtcp, from, packet, len);
    }

    /// The call is over: each leg is told so by its last report, which is in [`Bridge::poll_transmit`]. Nothing more
    /// is sent after it.
    pub fn end(&mut self) {
        self.silence_at = None;
        self.carrier_silence_at = None;
        for session in self.reports.iter_mut().flatten() {
            session.leave();
        }
    }

    /// A packet that was held, or one of our own making, that is due `now`, written into `out`; `None` when there
    /// is none.
    ///
    /// **Shape**: `out` must hold any datagram that [`Bridge::forward`] takes, 1,500 bytes; 16 more where the leg is
    /// encrypted.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        for side in Side::ALL {
            if let Some(transmit) = self.release(now, side, out) {
                return Some(transmit);
            }
        }
        for side in Side::ALL {
            if let Some(transmit) = self.play(now, side, out) {
                return Some(transmit);
            }
        }
        for side in Side::ALL {
            if let Some(transmit) = self.report(now, side, out) {
                return Some(transmit);
            }
        }
        let mut sides = Side::ALL.into_iter();
        sides.find_map(|from| self.silence(now, from, out))
    }

    /// When [`Bridge::handle_timeout`] wants to be called. [`Bridge::forward`] may bring it nearer.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let mine = [self.silence_at, self.carrier_silence_at, self.prepare_at];
        let held = [self.up.due(), self.down.due()];
        let reports = self.reports.iter().flatten();
        let reports = reports.filter_map(|session| session.poll_timeout());
        let all = mine.into_iter().chain(held).flatten();
        all.chain(reports).chain([self.seconds.due()]).min()
    }

    /// Time has come; what is due is in [`Bridge::poll_transmit`].
    ///
    /// **Cost**: for the first fault of a call that needs a resampler, some 100 us and an allocation.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.prepare_at.take().is_some() {
            self.up.gate.prepare();
            self.down.gate.prepare();
        }
        if self.seconds.due() <= now {
            self.second(now);
        }
        // A worker that was held up sends one packet, not all that it missed.
        let silences = [
            (&mut self.silence_at, self.up.out_ptime()),
            (&mut self.carrier_silence_at, self.down.out_ptime()),
        ];
        for (at, ptime) in silences {
            if let Some(at) = at
                && now.saturating_duration_since(*at) > 10 * ptime
            {
                *at = now;
            }
        }
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    /// From now on packets are copied into `rings`, for that; gives those they were copied into until now. `None`
    /// ends the copying. May allocate.
    pub fn swap_rings(&mut self, what_for: TapFor, rings: Option<Rings>) -> Option<Rings> {
        let (up, down) = rings.map(|rings| (rings.up, rings.down)).unzip();
        let up = self.up.swap_ring(what_for, up);
        let down = self.down.swap_ring(what_for, down);
        Some(Rings {
            up: up?,
            down: down?,
        })
    }

    /// One leg's figures.
    pub fn leg(&self, side: Side) -> LegStats {
        let (incoming, outgoing, own) = match side {
            Side::Carrier => (&self.up, &self.down, self.own_to_carrier),
            Side::Openai => (&self.down, &self.up, self.own_to_openai),
        };
        let rtcp = self.reports(side).map(Session::stats).unwrap_or_default();
        LegStats {
            sent: outgoing.relayed + own,
            recent: self.seconds.recent(side),
            one_way: self.seconds.one_way(side),
            rtcp,
            ..incoming.stats(rtcp.round_trip)
        }
    }

    /// What the guard did.
    pub fn guard(&self) -> GuardStats {
        GuardStats {
            muted: self.up.muted + self.down.muted,
            repaired: self.up.repaired + self.down.repaired,
        }
    }

    /// All figures.
    pub fn stats(&self) -> BridgeStats {
        BridgeStats {
            carrier: self.leg(Side::Carrier),
            openai: self.leg(Side::Openai),
            guard: self.guard(),
        }
    }

    /// The one address that leg `side`'s packets come from and go to, once it is settled: nothing from elsewhere is
    /// taken until [`Bridge::update`] names another.
    pub fn settled(&self, side: Side) -> Option<SocketAddr> {
        match side {
            Side::Carrier => self.up.source.settled(),
            Side::Openai => self.down.source.settled(),
        }
    }

    /// How much audio from a leg waits in its jitter buffer; none where packets are relayed as they come.
    pub fn waiting(&self, side: Side) -> Duration {
        match side {
            Side::Carrier => self.up.waiting(),
            Side::Openai => self.down.waiting(),
        }
    }

    /// The fault that the audio from a leg has now, if any.
    pub fn current_fault(&self, side: Side) -> Option<&Finding> {
        match side {
            Side::Carrier => self.up.current(),
            Side::Openai => self.down.current(),
        }
    }

    /// The next held packet from leg `from` that is due.
    fn release(&mut self, now: Instant, from: Side, out: &mut [u8]) -> Option<Transmit> {
        let (path, back) = self.paths(from);
        aim(path, now, back.source.next_destination());
        loop {
            let sent = match path.release(now, out)? {
                Ok(Some(len)) => send(path, back, now, len),
                Ok(None) => continue,
                Err(reason) => {
                    path.dropped.count(reason);
                    continue;
                }
            };
            if let Forward::Send { to, len } = sent {
                self.end_silence(from);
                return Some(Transmit {
                    side: from.other(),
                    channel: Channel::Rtp,
                    to,
                    len,
                });
            }
        }
    }

    /// The next packet that the path from leg `from` sends of its own accord.
    fn play(&mut self, now: Instant, from: Side, out: &mut [u8]) -> Option<Transmit> {
        let (path, back) = self.paths(from);
        aim(path, now, back.source.next_destination());
        loop {
            let sent = match path.play(now, out)? {
                Ok(len) => send(path, back, now, len),
                Err(reason) => {
                    path.dropped.count(reason);
                    continue;
                }
            };
            if let Forward::Send { to, len } = sent {
                return Some(Transmit {
                    side: from.other(),
                    channel: Channel::Rtp,
                    to,
                    len,
                });
            }
        }
    }

    /// A packet of silence in place of what leg `from` does not send, if one is due.
    fn silence(&mut self, now: Instant, from: Side, out: &mut [u8]) -> Option<Transmit> {
        let (path, back, at, own) = match from {
            Side::Carrier => (
                &mut self.up,
                &mut self.down,
                &mut self.silence_at,
                &mut self.own_to_openai,
            ),
            Side::Openai => (
                &mut self.down,
                &mut self.up,
                &mut self.carrier_silence_at,
                &mut self.own_to_carrier,
            ),
        };
        let due = at.filter(|at| *at <= now)?;
        let Some(to) = back.source.destination() else {
            *at = None;
            return None;
        };
        aim(path, now, Some(to));
        let len = path.silence(out)?;
        path.count_sent(now);
        *own += 1;
        *at = Some(due + path.out_ptime());
        Some(Transmit {
            side: from.other(),
            channel: Channel::Rtp,
            to,
            len,
        })
    }

    /// Leg `from` is heard.
    fn end_silence(&mut self, from: Side) {
        match from {
            Side::Carrier => self.silence_at = None,
            Side::Openai => self.carrier_silence_at = None,
        }
    }

    fn paths(&mut self, side: Side) -> (&mut Path, &mut Path) {
        match side {
            Side::Carrier => (&mut self.up, &mut self.down),
            Side::Openai => (&mut self.down, &mut self.up),
        }
    }

    fn push(&mut self, event: MediaEvent) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        }
    }
}

/// Tells the tap of `path`, where there is one, the time and where its packets go.
fn aim(path: &mut Path, now: Instant, to: Option<SocketAddr>) {
    if let Some(tap) = &mut path.tap {
        tap.aim(now, to);
    }
}

/// Counts a packet of `path` and addresses it. The way back knows where it goes: the other peer's address is that
/// path's source.
fn send(path: &mut Path, back: &mut Path, now: Instant, len: usize) -> Forward {
    match back.source.destination() {
        Some(to) => {
            path.relayed += 1;
            path.count_sent(now);
            Forward::Send { to, len }
        }
        None => {
            path.dropped.count(DropReason::Unanswered);
            Forward::Drop(DropReason::Unanswered)
        }
    }
}
