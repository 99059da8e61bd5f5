//! The thread: commands, packets that are due, packets that came, and sleep until the next.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use squelch_sim::load::{CallKey, LegPlan, Lent, MediaLeg, PACKET_ROOM};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::wheel::{Entry, Wheel};
use super::{Command, Note, OWN_EVERY, OwnWork};
use crate::load::library::Library;
use crate::media_io::sys::{Poller, Ready, Waker};

/// All that the thread has, nothing of it shared but the library.
pub(super) struct MediaThread {
    epoch: Instant,
    library: Arc<Library>,
    commands: Receiver<Command>,
    tell: Sender<Note>,
    untold: VecDeque<Note>,
    poller: Poller,
    legs: Vec<Option<Leg>>,
    free: Vec<u32>,
    /// Raised with each leg: entries of the wheel that are of an older one are void.
    generation: u32,
    numbers: HashMap<CallKey, u32>,
    wheel: Wheel,
    due: Vec<Entry>,
    own: OwnWork,
    own_since: Instant,
    /// Since `own_since`.
    slept: Duration,
    buffer: Box<[u8]>,
}

struct Leg {
    generation: u32,
    media: MediaLeg,
    socket: UdpSocket,
    /// The kernel sends to one address and takes from it alone: a look-up less for each packet.
    connected: bool,
    copies: u32,
}

impl MediaThread {
    pub(super) fn new(
        epoch: Instant,
        library: Arc<Library>,
        commands: Receiver<Command>,
        tell: Sender<Note>,
    ) -> io::Result<(MediaThread, Waker)> {
        let poller = Poller::new()?;
        let waker = poller.waker();
        let now = Instant::now();
        let thread = MediaThread {
            epoch,
            library,
            commands,
            tell,
            untold: VecDeque::new(),
            poller,
            legs: Vec::new(),
            free: Vec::new(),
            generation: 0,
            numbers: HashMap::new(),
            wheel: Wheel::new(now),
            due: Vec::new(),
            own: OwnWork::default(),
            own_since: now,
            slept: Duration::ZERO,
            buffer: vec![0; PACKET_ROOM].into(),
        };
        Ok((thread, waker))
    }

    /// Runs until it is told to quit or its owner is gone.
    pub(super) fn run(mut self) {
        let mut ready = Ready::new();
        loop {
            if !self.obey() {
                return;
            }
            self.send_due();
            self.receive(&mut ready);
            self.tell_untold();
            let now = Instant::now();
            if now.duration_since(self.own_since) >= OWN_EVERY {
                self.tell_own(now);
            }
            self.sleep(now, &mut ready);
        }
    }

    /// `false` when it is time to quit.
    fn obey(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Start { call, socket, plan }) => self.start(call, socket, *plan),
                Ok(Command::Change { call, remote, held }) => self.change(call, remote, held),
                Ok(Command::Stop { call }) => self.stop(call),
                Ok(Command::Quit) | Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }

    fn start(&mut self, call: CallKey, socket: UdpSocket, plan: LegPlan) {
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.legs.push(None);
                (self.legs.len() - 1) as u32
            }
        };
        // Without it nothing would be heard, which the call's facts then say.
        let _ = self.poller.add(&socket, place);
        self.generation = self.generation.wrapping_add(1);
        let copies = plan.copies;
        let media = MediaLeg::new(self.epoch, Instant::now(), plan);
        let script = media.script().and_then(|index| self.library.script(index));
        if let Some(at) = media.poll_timeout(script) {
            self.wheel.set(at, place, self.generation);
        }
        self.numbers.insert(call, place);
        if let Some(slot) = self.legs.get_mut(place as usize) {
            *slot = Some(Leg {
                generation: self.generation,
                media,
                socket,
                connected: false,
                copies,
            });
        }
    }

    fn change(&mut self, call: CallKey, remote: Option<SocketAddr>, held: bool) {
        let place = self.numbers.get(&call);
        let leg = place.and_then(|place| self.legs.get_mut(*place as usize));
        let Some(Some(leg)) = leg else {
            return;
        };
        let moved = remote.filter(|remote| *remote != leg.media.remote());
        leg.media.change(moved, held);
        // Connected again where it moved to: a socket that is connected hears nobody else.
        if let (Some(remote), true) = (moved, leg.connected) {
            leg.connected = leg.socket.connect(remote).is_ok();
        }
    }

    fn stop(&mut self, call: CallKey) {
        let place = self.numbers.remove(&call);
        let leg = place.and_then(|place| self.legs.get_mut(place as usize)?.take());
        let (Some(place), Some(mut leg)) = (place, leg) else {
            return;
        };
        // What waits in the socket still counts.
        self.hear(&mut leg, LAST_PACKETS);
        let _ = self.poller.remove(&leg.socket);
        self.free.push(place);
        let reference = leg
            .media
            .script()
            .and_then(|index| self.library.reference(index));
        let facts = Box::new(leg.media.finish(reference));
        self.untold.push_back(Note::Stopped { call, facts });
    }

    fn send_due(&mut self) {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.fire(Instant::now(), &mut due);
        for entry in &due {
            let Some(Some(leg)) = self.legs.get_mut(entry.leg as usize) else {
                continue;
            };
            if leg.generation != entry.generation {
                continue;
            }
            let lent = lent(&self.library, &leg.media);
            let now = Instant::now();
            while let Some(departure) = leg.media.poll_packet(now, lent, &mut self.buffer) {
                let packet = self.buffer.get(..departure.length).unwrap_or_default();
                for _ in 0..leg.copies {
                    self.own.refused += u64::from(!leg.send(packet));
                }
                let late = Instant::now().saturating_duration_since(departure.due);
                let at = now.saturating_duration_since(self.epoch);
                self.own.late.on_lateness(at, late);
            }
            if let Some(at) = leg.media.poll_timeout(lent.script) {
                self.wheel.set(at, entry.leg, entry.generation);
            }
        }
        due.clear();
        self.due = due;
    }

    fn receive(&mut self, ready: &mut Ready) {
        if self.numbers.is_empty() {
            return;
        }
        // A poller that fails tells of nothing, and the calls' facts then say so.
        let _ = self.poller.wait(ready, Duration::ZERO);
        for place in ready.tokens() {
            let taken = self.legs.get_mut(place as usize).and_then(Option::take);
            if let Some(mut leg) = taken {
                self.hear(&mut leg, PACKETS_A_TURN);
                if let Some(slot) = self.legs.get_mut(place as usize) {
                    *slot = Some(leg);
                }
            }
        }
    }

    /// Takes what a socket holds, so many packets at most: a flood holds up no other call.
    fn hear(&mut self, leg: &mut Leg, most: usize) {
        let lent = lent(&self.library, &leg.media);
        for _ in 0..most {
            // An ICMP error of an earlier packet comes here too; the next turn goes on.
            let Ok((length, from)) = leg.socket.recv_from(&mut self.buffer) else {
                return;
            };
            let now = Instant::now();
            let echo = leg
                .media
                .handle_packet(now, from, lent, &mut self.buffer, length);
            if let Some(length) = echo {
                let packet = self.buffer.get(..length).unwrap_or_default();
                for _ in 0..leg.copies {
                    self.own.refused += u64::from(!leg.send(packet));
                }
            }
            if !leg.connected && leg.media.source() == Some(leg.media.remote()) {
                leg.connected = leg.socket.connect(leg.media.remote()).is_ok();
            }
        }
    }

    fn tell_untold(&mut self) {
        while let Some(note) = self.untold.pop_front() {
            if let Err(TrySendError::Full(note)) = self.tell.try_send(note) {
                self.untold.push_front(note);
                return;
            }
        }
    }

    fn tell_own(&mut self, now: Instant) {
        let span = now.duration_since(self.own_since);
        let mut own = std::mem::take(&mut self.own);
        own.busy = 1.0 - (self.slept.as_secs_f64() / span.as_secs_f64()).min(1.0);
        self.untold.push_back(Note::Own(Box::new(own)));
        (self.own_since, self.slept) = (now, Duration::ZERO);
    }

    /// Until the next packet is due; while there are calls not longer than what comes may wait to be heard.
    fn sleep(&mut self, now: Instant, ready: &mut Ready) {
        if self.numbers.is_empty() {
            let _ = self.poller.wait(ready, OWN_EVERY);
        } else {
            let latest = now + HEAR_EVERY;
            let until = self.wheel.next().map_or(latest, |next| next.min(latest));
            let span = until.saturating_duration_since(now);
            if !span.is_zero() {
                std::thread::sleep(span);
            }
        }
        self.slept += now.elapsed();
    }
}

impl Leg {
    /// Whether the system took it. What the far end's system refuses (ICMP) is its own affair.
    fn send(&self, packet: &[u8]) -> bool {
        let sent = match self.connected {
            true => self.socket.send(packet),
            false => self.socket.send_to(packet, self.media.remote()),
        };
        match sent {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        }
    }
}

fn lent<'a>(library: &'a Library, media: &MediaLeg) -> Lent<'a> {
    let index = media.script();
    Lent {
        script: index.and_then(|index| library.script(index)),
        reference: index.and_then(|index| library.reference(index)),
    }
}

/// Packets of one socket before the next gets its turn.
const PACKETS_A_TURN: usize = 16;
/// Packets of a call that is over.
const LAST_PACKETS: usize = 256;
/// What comes is heard so soon: well below the jitter that matters.
const HEAR_EVERY: Duration = Duration::from_millis(1);
