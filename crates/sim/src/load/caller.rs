//! The calling side: places a run's calls, keeps them as long as their scripts last, and says of each what it was.
//!
//! The contract is the endpoint's: one `handle_*`, then drain [`Caller::poll_output`], then ask
//! [`Caller::poll_timeout`] again. For each call the caller's owner binds a media port ([`Output::BindPort`]), runs a
//! [`MediaLeg`](super::MediaLeg) from [`Output::StartMedia`] to [`Output::StopMedia`], and tells what that has
//! heard ([`Input::MediaStopped`]).

mod call;
mod events;
mod plan;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use squelch_sip::{
    DialogId, Endpoint, EndpointConfig, NameAddr, OutgoingInvite, TransportInput, TransportOutput,
};

use super::leg::{LegFacts, LegPlan};
use super::session::Session;
use super::{CallOutcome, Failure};
use call::{Call, Phase, Timer};
pub use plan::{CallerPlan, Misbehaviour, Part, Return, Turn};

/// One call of a run: its number in the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallKey(pub u64);

/// What the world does to the caller.
#[derive(Debug)]
pub enum Input<'a> {
    /// Signalling arrived.
    Sip(TransportInput<'a>),
    /// The port asked for by [`Output::BindPort`], or that there is none.
    Port {
        /// For which call.
        call: CallKey,
        /// Where it is bound.
        bound: Option<SocketAddr>,
    },
    /// A call's media are stopped.
    MediaStopped {
        /// Which.
        call: CallKey,
        /// What was heard.
        facts: Box<LegFacts>,
    },
}

/// What the caller asks of the world.
#[derive(Debug)]
pub enum Output {
    /// Signalling to send.
    Sip(TransportOutput),
    /// Bind a media port; answered by [`Input::Port`].
    BindPort {
        /// For which call.
        call: CallKey,
    },
    /// A call is answered: its media begin now.
    StartMedia {
        /// Which.
        call: CallKey,
        /// Its media.
        plan: Box<LegPlan>,
    },
    /// The session has changed.
    ChangeMedia {
        /// Which.
        call: CallKey,
        /// Where packets go from now on, if that changed.
        remote: Option<SocketAddr>,
        /// Nothing is sent: the call is on hold.
        held: bool,
    },
    /// A call's media end; answered by [`Input::MediaStopped`]. Its port may be closed.
    StopMedia {
        /// Which.
        call: CallKey,
    },
    /// A call had no media: its port may be closed.
    ClosePort {
        /// Which.
        call: CallKey,
    },
    /// A call is over.
    Ended {
        /// What it was.
        outcome: Box<CallOutcome>,
    },
}

/// The calling side of a run or of one share of it, sans-IO.
#[derive(Debug)]
pub struct Caller {
    plan: CallerPlan,
    endpoint: Endpoint,
    dice: ChaCha8Rng,
    start: Instant,
    calls: BTreeMap<CallKey, Call>,
    dialogs: BTreeMap<DialogId, CallKey>,
    timers: BTreeSet<(Instant, CallKey, Timer)>,
    /// How many of this share's calls have begun.
    begun: u64,
    stopped: bool,
    outputs: VecDeque<Output>,
}

impl Caller {
    /// A caller whose first call is due at `start`. `sip.seed` feeds its dice as well.
    pub fn new(start: Instant, sip: EndpointConfig, plan: CallerPlan) -> Caller {
        Caller {
            dice: ChaCha8Rng::from_seed(sip.seed),
            endpoint: Endpoint::new(sip),
            plan,
            start,
            calls: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            timers: BTreeSet::new(),
            begun: 0,
            stopped: false,
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what the world did.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Sip(transport) => self.endpoint.handle_transport(now, transport),
            Input::Port { call, bound } => match bound {
                Some(at) => self.invite(now, call, at),
                None => self.fail(now, call, Failure::Own),
            },
            Input::MediaStopped { call, facts } => self.media_stopped(now, call, *facts),
        }
        self.run(now);
    }

    /// Takes in that time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        while let Some(&(at, key, timer)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            self.timer(now, key, timer);
        }
        self.begin(now);
        self.run(now);
    }

    /// When `handle_timeout` is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(at, _, _)| *at);
        let next = self.next_start();
        let endpoint = self.endpoint.poll_timeout();
        [timer, next, endpoint].into_iter().flatten().min()
    }

    /// The next output; drain until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Begins no more calls and hangs up all there are: BYE, or CANCEL before the answer.
    pub fn stop(&mut self, now: Instant) {
        self.stopped = true;
        let calls: Vec<CallKey> = self.calls.keys().copied().collect();
        for key in calls {
            self.hang_up(now, key, None);
        }
        self.run(now);
    }

    /// Begins no more calls; those there are go on to their ends.
    pub fn drain(&mut self) {
        self.stopped = true;
    }

    /// Ends all that is left, unheard: nobody waits any longer. Media that were not stopped yet are lost.
    pub fn give_up(&mut self, now: Instant) {
        self.stopped = true;
        let calls: Vec<CallKey> = self.calls.keys().copied().collect();
        for key in calls {
            let Some(call) = self.calls.get_mut(&key) else {
                continue;
            };
            call.fail(Failure::Unfinished);
            call.media_over();
            if let Some(dialog) = call.dialog.take() {
                self.dialogs.remove(&dialog);
            }
            self.end(now, key);
        }
    }

    /// Whether every call is over and none is to come.
    pub fn is_over(&self) -> bool {
        self.calls.is_empty() && self.next_number().is_none()
    }

    /// Calls that have begun and are not over.
    pub fn active(&self) -> usize {
        self.calls.len()
    }

    /// Calls that are up.
    pub fn talking(&self) -> usize {
        let talking = |call: &&Call| call.phase == Phase::Talking;
        self.calls.values().filter(talking).count()
    }

    /// Calls that have begun.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// What the endpoint has counted.
    pub fn counters(&self) -> &squelch_sip::Counters {
        self.endpoint.counters()
    }

    /// The number of the next call, and when it is due.
    fn next_number(&self) -> Option<(u64, Duration)> {
        if self.stopped {
            return None;
        }
        let number = self.plan.share.number(self.begun);
        Some((number, self.plan.schedule.start_of(number)?))
    }

    fn next_start(&self) -> Option<Instant> {
        let (_, at) = self.next_number()?;
        (self.calls.len() < self.room()).then_some(self.start + at)
    }

    fn room(&self) -> usize {
        let part = self.plan.concurrent.map(|all| self.plan.share.part(all));
        part.map_or(usize::MAX, |part| part as usize)
    }

    fn begin(&mut self, now: Instant) {
        while let Some((number, at)) = self.next_number()
            && self.start + at <= now
            && self.calls.len() < self.room()
        {
            self.begun += 1;
            let key = CallKey(number);
            let began = now.saturating_duration_since(self.start);
            self.calls.insert(key, Call::new(&self.plan, number, began));
            self.outputs.push_back(Output::BindPort { call: key });
        }
    }

    fn invite(&mut self, now: Instant, key: CallKey, at: SocketAddr) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let Some(part) = self.plan.parts.get(call.part) else {
            return self.fail(now, key, Failure::Own);
        };
        if call.phase != Phase::Binding {
            return;
        }
        let at = SocketAddr::new(self.plan.media_address, at.port());
        let suites = &self.plan.suites;
        let session = Session::offer(at, part.coding, part.ptime_ms, suites, &mut self.dice);
        let invite = OutgoingInvite {
            request_uri: self.plan.request_uri.clone(),
            from: NameAddr::new(self.plan.from.clone()),
            to: NameAddr::new(self.plan.request_uri.clone()),
            headers: Vec::new(),
            body: Some(session.describe()),
            target: self.plan.target.clone(),
            session_expires: None,
            max_forwards: 70,
            credentials: self.plan.credentials.clone(),
        };
        let dialog = self.endpoint.invite(now, invite);
        call.invited(now, dialog, session);
        self.dialogs.insert(dialog, key);
        self.timers.insert((now + self.plan.ring, key, Timer::Ring));
        if call.misbehaviour == Some(Misbehaviour::Abandon) {
            self.timers
                .insert((now + ABANDON_AFTER, key, Timer::Abandon));
        }
    }

    fn timer(&mut self, now: Instant, key: CallKey, timer: Timer) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        match (timer, call.phase) {
            (Timer::Ring, Phase::Calling) => {
                let why = match call.outcome.post_dial_delay {
                    Some(_) => Failure::NoAnswer,
                    None => Failure::NoResponse,
                };
                self.hang_up(now, key, Some(why));
            }
            (Timer::Abandon, Phase::Calling) => self.hang_up(now, key, None),
            (Timer::HangUp, Phase::Talking) => self.hang_up_as_asked(now, key),
            (Timer::NoAck, Phase::Talking) => self.fail(now, key, Failure::NoGoodbye),
            (Timer::Turn, Phase::Talking) => self.turn(now, key),
            (Timer::Storm, Phase::Talking) => self.storm(now, key),
            _ => {}
        }
    }

    /// Hangs up at the end of the script, in the manner that was asked for.
    fn hang_up_as_asked(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        match call.misbehaviour {
            Some(Misbehaviour::NoBye) => {
                if let Some(dialog) = call.dialog.take() {
                    self.dialogs.remove(&dialog);
                    self.endpoint.forget(dialog);
                }
                self.signalling_over(now, key);
            }
            // The far end gives up on the ACK and says BYE; until then there is only silence.
            Some(Misbehaviour::NoAck) => {}
            _ => self.hang_up(now, key, None),
        }
    }

    /// Hangs up, or cancels.
    fn hang_up(&mut self, now: Instant, key: CallKey, why: Option<Failure>) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if let Some(failure) = why {
            call.fail(failure);
        }
        match (call.phase, call.dialog) {
            (Phase::Binding, _) => self.signalling_over(now, key),
            (Phase::Calling, Some(dialog)) => {
                call.phase = Phase::Cancelling;
                self.endpoint.cancel(now, dialog, None);
            }
            (Phase::Talking, Some(dialog)) => {
                call.phase = Phase::Ending;
                call.talked_until(now);
                self.stop_media(key);
                self.endpoint.bye(now, dialog, None);
            }
            _ => {}
        }
    }

    /// Ends a call whose signalling is worth nothing any more.
    fn fail(&mut self, now: Instant, key: CallKey, failure: Failure) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        call.fail(failure);
        if let Some(dialog) = call.dialog.take() {
            self.dialogs.remove(&dialog);
            self.endpoint.forget(dialog);
        }
        self.signalling_over(now, key);
    }

    fn stop_media(&mut self, key: CallKey) {
        if let Some(call) = self.calls.get_mut(&key)
            && call.stop_media()
        {
            self.outputs.push_back(Output::StopMedia { call: key });
        }
    }

    /// No more signalling will come of a call.
    fn signalling_over(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        call.talked_until(now);
        call.phase = Phase::Over;
        self.stop_media(key);
        self.end(now, key);
    }

    fn media_stopped(&mut self, now: Instant, key: CallKey, facts: LegFacts) {
        if let Some(call) = self.calls.get_mut(&key) {
            call.heard(facts, &self.plan);
            self.end(now, key);
        }
    }

    /// Tells a call's outcome once both its signalling and its media are over.
    fn end(&mut self, now: Instant, key: CallKey) {
        let is_over = |call: &Call| call.dialog.is_none() && call.is_over();
        if !self.calls.get(&key).is_some_and(is_over) {
            return;
        }
        let Some(call) = self.calls.remove(&key) else {
            return;
        };
        // Its timers run out unheard.
        if !call.had_media() {
            self.outputs.push_back(Output::ClosePort { call: key });
        }
        let ended = now.saturating_duration_since(self.start);
        let outcome = Box::new(call.outcome(ended));
        self.outputs.push_back(Output::Ended { outcome });
    }
}

/// How long an abandoned call waits for the far end to ring before it is given up all the same.
const ABANDON_AFTER: Duration = Duration::from_secs(1);
