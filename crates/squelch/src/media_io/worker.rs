//! A media worker: one thread, its calls, and nothing shared.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};
use squelch_call::CallId;
use squelch_media::{Bridge, Channel, Rings, Side, TapFor};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::call::{Call, SOCKETS};
use super::{Command, Note};

/// One worker's state, all of it its own.
pub(super) struct Worker {
    poll: Poll,
    commands: Receiver<Command>,
    tell: Sender<Note>,
    calls: Slots,
    numbers: HashMap<CallId, usize>,
    /// Sockets that may hold more packets.
    ready: VecDeque<Token>,
    /// When bridges want to send by themselves, the earliest first; entries may be out of date.
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Last figures and events that found the queue full.
    untold: VecDeque<Note>,
    next_stats: Instant,
    relayed: Vec<Duration>,
    packets: u64,
}

/// Calls by slot. A slot is used again only for another call's sockets, whose tokens are the same:
/// a late readiness then costs one empty read.
type Slots = Vec<Option<Call>>;

impl Worker {
    pub(super) fn new(
        commands: Receiver<Command>,
        tell: Sender<Note>,
    ) -> io::Result<(Worker, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let worker = Worker {
            poll,
            commands,
            tell,
            calls: Vec::new(),
            numbers: HashMap::new(),
            ready: VecDeque::new(),
            timers: BinaryHeap::new(),
            untold: VecDeque::new(),
            next_stats: Instant::now() + STATS_EVERY,
            relayed: Vec::with_capacity(RELAYED_SAMPLES),
            packets: 0,
        };
        Ok((worker, waker))
    }

    /// Runs until it is told to quit or its owner is gone.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(1_024);
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            let wait = self.wait(Instant::now());
            if let Err(error) = self.poll.poll(&mut events, Some(wait))
                && error.kind() != io::ErrorKind::Interrupted
            {
                // Nothing can be waited for: not seen on Linux, and without a cure here.
                tracing::error!(%error, "a media worker can't poll");
                std::thread::sleep(Duration::from_millis(1));
            }
            for event in &events {
                match event.token() {
                    WAKE => {}
                    token => self.ready.push_back(token),
                }
            }
            if !self.obey(&mut buffer) {
                return;
            }
            self.relay(&mut buffer);
            let now = Instant::now();
            self.run_timers(now, &mut buffer);
            self.tell_untold();
            if now >= self.next_stats {
                self.next_stats = now + STATS_EVERY;
                self.tell_stats();
            }
        }
    }

    fn wait(&self, now: Instant) -> Duration {
        if !self.ready.is_empty() {
            return Duration::ZERO;
        }
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let next = timer.map_or(self.next_stats, |at| at.min(self.next_stats));
        let wait = next.saturating_duration_since(now);
        match self.untold.is_empty() {
            true => wait,
            false => wait.min(TELL_AGAIN),
        }
    }

    /// `false` when it is time to quit.
    fn obey(&mut self, buffer: &mut [u8]) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Start { call, pair, plan }) => {
                    let bridge = Bridge::new(Instant::now(), &plan);
                    self.start(Call::new(call, pair, bridge));
                }
                Ok(Command::Update { call, plan }) => {
                    if let Some(call) = self.call(call) {
                        call.bridge.update(Instant::now(), &plan);
                    }
                }
                Ok(Command::Tap {
                    call,
                    what_for,
                    rings,
                }) => {
                    if let Some(call) = self.call(call) {
                        let note = tapped(call, what_for, rings);
                        self.untold.extend(note);
                    }
                }
                Ok(Command::Stop { call }) => self.stop(call, buffer),
                Ok(Command::Quit) | Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }

    fn call(&mut self, call: CallId) -> Option<&mut Call> {
        let slot = self.numbers.get(&call)?;
        self.calls.get_mut(*slot)?.as_mut()
    }

    fn start(&mut self, mut call: Call) {
        let slot = match self.calls.iter().position(Option::is_none) {
            Some(slot) => slot,
            None => {
                self.calls.push(None);
                self.calls.len() - 1
            }
        };
        for (side, channel) in SOCKETS {
            let registry = self.poll.registry();
            let token = token(slot, side, channel);
            let socket = call.socket_mut(side, channel);
            let registered = registry.register(socket, token, Interest::READABLE);
            if let Err(error) = registered {
                // The call ends by its media timeout; nothing else is to be done here.
                tracing::error!(%error, "a media socket could not be polled");
            }
        }
        if let Some(at) = call.earlier_timer() {
            self.timers.push(Reverse((at, slot)));
        }
        self.numbers.insert(call.id, slot);
        if let Some(place) = self.calls.get_mut(slot) {
            *place = Some(call);
        }
    }

    fn stop(&mut self, call: CallId, buffer: &mut [u8]) {
        let slot = self.numbers.remove(&call);
        let taken = slot.and_then(|slot| self.calls.get_mut(slot)?.take());
        let Some(mut call) = taken else {
            return;
        };
        // What is still held after this would reach nobody: the call is over.
        call.transmit_due(Instant::now(), buffer);
        for (side, channel) in SOCKETS {
            // A socket that was never registered is closed all the same.
            let socket = call.socket_mut(side, channel);
            let _ = self.poll.registry().deregister(socket);
        }
        // Behind what waits already, so that nothing overtakes: the rest of the events, then the figures.
        let id = call.id;
        let events = std::iter::from_fn(|| call.bridge.poll_event());
        let events = events.map(|event| Note::Event { call: id, event });
        self.untold.extend(events);
        for what_for in TapFor::ALL {
            self.untold.extend(tapped(&mut call, what_for, None));
        }
        let last = Note::Stats {
            call: call.id,
            stats: Box::new(call.bridge.stats()),
            last: true,
        };
        self.untold.push_back(last);
    }

    /// Relays what the ready sockets hold, a few packets each in turn, so that no call holds up
    /// another.
    fn relay(&mut self, buffer: &mut [u8]) {
        for _ in 0..self.ready.len() {
            let Some(token) = self.ready.pop_front() else {
                return;
            };
            let (slot, side, channel) = place(token);
            let Some(Some(call)) = self.calls.get_mut(slot) else {
                continue;
            };
            let mut more = true;
            for _ in 0..PACKETS_A_TURN {
                self.packets += 1;
                let sampled = self.packets.is_multiple_of(SAMPLE_EVERY);
                let start = sampled.then(Instant::now);
                more = call.relay_one(side, channel, buffer);
                if !more {
                    break;
                }
                if let Some(start) = start
                    && self.relayed.len() < RELAYED_SAMPLES
                {
                    self.relayed.push(start.elapsed());
                }
            }
            if more {
                self.ready.push_back(token);
            }
            // A held packet may be due before anything else of the call.
            let timer = call.earlier_timer();
            self.timers.extend(timer.map(|at| Reverse((at, slot))));
            // While something waits, events stay with their bridge, which keeps so many.
            if self.untold.is_empty() {
                self.untold.extend(tell_events(&self.tell, call));
            }
        }
    }

    fn run_timers(&mut self, now: Instant, buffer: &mut [u8]) {
        while let Some(Reverse((at, slot))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            let Some(Some(call)) = self.calls.get_mut(slot) else {
                continue;
            };
            // Otherwise the entry is an older call's, or there is an earlier one by now.
            if call.timer == Some(at) {
                call.timer = None;
                call.bridge.handle_timeout(now);
                call.transmit_due(now, buffer);
                let again = call.earlier_timer();
                self.timers.extend(again.map(|at| Reverse((at, slot))));
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

    /// Figures of running calls: those that find no room come again a second later.
    fn tell_stats(&mut self) {
        if !self.relayed.is_empty() {
            let relayed = Note::Relayed(self.relayed.as_slice().into());
            let _ = self.tell.try_send(relayed);
            self.relayed.clear();
        }
        for call in self.calls.iter().flatten() {
            let stats = Note::Stats {
                call: call.id,
                stats: Box::new(call.bridge.stats()),
                last: false,
            };
            let _ = self.tell.try_send(stats);
        }
    }
}

/// Swaps a call's rings; those that it had are a note.
fn tapped(call: &mut Call, what_for: TapFor, rings: Option<Rings>) -> Option<Note> {
    let rings = call.bridge.swap_rings(what_for, rings)?;
    Some(Note::Tapped {
        call: call.id,
        what_for,
        rings,
    })
}

/// Tells a call's events in order; one that finds no room is given back.
fn tell_events(tell: &Sender<Note>, call: &mut Call) -> Option<Note> {
    while let Some(event) = call.bridge.poll_event() {
        let note = Note::Event {
            call: call.id,
            event,
        };
        if let Err(TrySendError::Full(note)) = tell.try_send(note) {
            // The rest stays with the bridge.
            return Some(note);
        }
    }
    None
}

const fn token(slot: usize, side: Side, channel: Channel) -> Token {
    let number = match (side, channel) {
        (Side::Carrier, Channel::Rtp) => 0,
        (Side::Carrier, Channel::Rtcp) => 1,
        (Side::Openai, Channel::Rtp) => 2,
        (Side::Openai, Channel::Rtcp) => 3,
    };
    Token(slot * SOCKETS.len() + number)
}

const fn place(token: Token) -> (usize, Side, Channel) {
    let slot = token.0 / SOCKETS.len();
    match token.0 % SOCKETS.len() {
        0 => (slot, Side::Carrier, Channel::Rtp),
        1 => (slot, Side::Carrier, Channel::Rtcp),
        2 => (slot, Side::Openai, Channel::Rtp),
        _ => (slot, Side::Openai, Channel::Rtcp),
    }
}

const WAKE: Token = Token(usize::MAX);
/// What Ethernet carries; RTP is made to fit. A longer datagram is cut and dropped as too long.
const BUFFER_BYTES: usize = 2_048;
/// Packets of one socket before the next gets its turn.
const PACKETS_A_TURN: usize = 16;
const STATS_EVERY: Duration = Duration::from_secs(1);
/// When the queue was full.
const TELL_AGAIN: Duration = Duration::from_millis(20);
/// One packet of so many is timed.
const SAMPLE_EVERY: u64 = 64;
/// And so many times told a second at most.
const RELAYED_SAMPLES: usize = 64;
