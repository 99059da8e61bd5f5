//! A media worker: one thread, its calls, and nothing shared.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use squelch_call::CallId;
use squelch_media::{Bridge, Channel, Rings, Side, TapFor};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::call::{Call, SOCKETS};
use super::sys::{Poller, Ready, Waker};
use super::{Command, Note};

/// One worker's state, all of it its own.
pub(super) struct Worker {
    poller: Poller,
    commands: Receiver<Command>,
    tell: Sender<Note>,
    calls: Vec<Option<Call>>,
    /// Slots of `calls` without one.
    vacant: Vec<usize>,
    numbers: HashMap<CallId, usize>,
    /// When bridges want to send by themselves, the earliest first; entries may be out of date.
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Last figures and events that found the queue full.
    untold: VecDeque<Note>,
    /// When figures are told next; from which slot on, and how many parts of this second's were told.
    next_stats: Instant,
    told_slots: usize,
    told_parts: usize,
    relayed: Vec<Duration>,
    packets: u64,
}

impl Worker {
    pub(super) fn new(
        commands: Receiver<Command>,
        tell: Sender<Note>,
    ) -> io::Result<(Worker, Waker)> {
        let poller = Poller::new()?;
        let waker = poller.waker();
        let worker = Worker {
            poller,
            commands,
            tell,
            calls: Vec::new(),
            vacant: Vec::new(),
            numbers: HashMap::new(),
            timers: BinaryHeap::new(),
            untold: VecDeque::new(),
            next_stats: Instant::now() + STATS_EVERY,
            told_slots: 0,
            told_parts: 0,
            relayed: Vec::with_capacity(RELAYED_SAMPLES),
            packets: 0,
        };
        Ok((worker, waker))
    }

    /// Runs until it is told to quit or its owner is gone.
    pub(super) fn run(mut self) {
        let mut ready = Ready::new();
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            let wait = self.wait(Instant::now());
            if let Err(error) = self.poller.wait(&mut ready, wait) {
                // Nothing can be waited for: not seen on Linux, and without a cure here.
                tracing::error!(%error, "a media worker can't poll");
                std::thread::sleep(Duration::from_millis(1));
            }
            // Before the commands: what the poll told is of the calls there were.
            self.relay(Instant::now(), &ready, &mut buffer);
            if !self.obey(&mut buffer) {
                return;
            }
            let now = Instant::now();
            self.run_timers(now, &mut buffer);
            self.tell_untold();
            if now >= self.next_stats {
                self.next_stats = now + STATS_EVERY;
                match self.numbers.is_empty() {
                    // Nothing to tell: a gateway without calls sleeps.
                    true => self.next_stats = now + Duration::from_secs(1),
                    false => self.tell_stats(),
                }
            }
        }
    }

    fn wait(&self, now: Instant) -> Duration {
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
                        call.update(Instant::now(), &plan);
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
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.calls.push(None);
            self.calls.len() - 1
        });
        for (number, (side, channel)) in SOCKETS.into_iter().enumerate() {
            let added = (self.poller).add(call.socket(side, channel), token(slot, number));
            if let Err(error) = added {
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
        let Some(slot) = self.numbers.remove(&call) else {
            return;
        };
        let Some(mut call) = self.calls.get_mut(slot).and_then(Option::take) else {
            return;
        };
        self.vacant.push(slot);
        // The last report goes out. What is still held after this would reach nobody: the call is over.
        call.bridge.end();
        call.transmit_due(Instant::now(), buffer);
        for (side, channel) in SOCKETS {
            // One that never could be polled has nothing to be taken out. The socket itself rests in `Ports`.
            let _ = self.poller.remove(call.socket(side, channel));
        }
        // Behind what waits already, so that nothing overtakes: the rest of the events, then the figures.
        let id = call.id;
        let events = std::iter::from_fn(|| call.bridge.poll_event());
        let events = events.map(|event| Note::Event { call: id, event });
        self.untold.extend(events);
        for what_for in TapFor::ALL {
            self.untold.extend(tapped(&mut call, what_for, None));
        }
        let last = Note::LastStats {
            call: call.id,
            stats: Box::new(call.bridge.stats()),
        };
        self.untold.push_back(last);
    }

    /// Relays a packet from each socket that holds one, `now` being when the poll told of them. A socket that holds more
    /// is told again, behind the others, so that no call holds up another.
    fn relay(&mut self, now: Instant, ready: &Ready, buffer: &mut [u8]) {
        for (slot, socket) in ready.tokens().map(place) {
            let Some(Some(call)) = self.calls.get_mut(slot) else {
                continue;
            };
            self.packets += 1;
            let sampled = self.packets.is_multiple_of(SAMPLE_EVERY);
            let start = sampled.then(Instant::now);
            let relayed = call.relay_one(now, socket, buffer);
            if let Some(start) = start
                && relayed
                && self.relayed.len() < RELAYED_SAMPLES
            {
                self.relayed.push(start.elapsed());
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

    /// Figures of some running calls, those of the next slots in turn, so that a second's are never told at once: a
    /// thousand calls' would hold up their packets. What finds no room comes again a second later.
    fn tell_stats(&mut self) {
        if self.told_slots == 0 && !self.relayed.is_empty() {
            let relayed = Note::Relayed(self.relayed.as_slice().into());
            let _ = self.tell.try_send(relayed);
            self.relayed.clear();
        }
        let share = self.calls.len().div_ceil(STATS_PARTS);
        let slots = self.calls.iter().skip(self.told_slots).take(share);
        let figures = slots.flatten().map(|call| (call.id, call.bridge.stats()));
        let figures: Vec<_> = figures.collect();
        if !figures.is_empty() {
            let _ = self.tell.try_send(Note::Stats(figures));
        }
        self.told_slots += share;
        self.told_parts += 1;
        if self.told_parts == STATS_PARTS {
            (self.told_slots, self.told_parts) = (0, 0);
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

/// A worker has far fewer slots than fit: each call takes four of the 65,536 ports.
const fn token(slot: usize, number: usize) -> u32 {
    (slot * SOCKETS.len() + number) as u32
}

const fn place(token: u32) -> (usize, (Side, Channel)) {
    let token = token as usize;
    (token / SOCKETS.len(), SOCKETS[token % SOCKETS.len()])
}

/// What Ethernet carries; RTP is made to fit. A longer datagram is cut and dropped as too long.
const BUFFER_BYTES: usize = 2_048;
/// Figures of each call are told once a second, of all calls in so many parts.
const STATS_PARTS: usize = 20;
const STATS_EVERY: Duration = Duration::from_millis(1_000 / STATS_PARTS as u64);
/// When the queue was full.
const TELL_AGAIN: Duration = Duration::from_millis(20);
/// One packet of so many is timed.
const SAMPLE_EVERY: u64 = 64;
/// And so many times told a second at most.
const RELAYED_SAMPLES: usize = 64;
