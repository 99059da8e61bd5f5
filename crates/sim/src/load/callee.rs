//! The called side: takes calls, and echoes, plays, or does wrong what it is told to.
//!
//! Driven as [`Caller`](super::Caller) is, with the same inputs and outputs.

mod call;
mod events;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use squelch_sip::{DialogId, Endpoint, EndpointConfig, Rejection};

use super::caller::{CallKey, Input, Output, Return};
use super::leg::LegFacts;
use super::session::Session;
use super::{Failure, content::Mark};
use crate::impair::Impairment;
use call::{Call, Phase};

/// How calls are taken.
#[derive(Debug, Clone)]
pub struct CalleePlan {
    /// The address written into answers; `None`: the one the call came in at.
    pub media_address: Option<IpAddr>,
    /// What is sent.
    pub says: Says,
    /// From the INVITE to its answer; it rings meanwhile.
    pub ring: Duration,
    /// Hang up so long after the answer; `None` leaves it to the caller.
    pub talk: Option<Duration>,
    /// The most calls at once; one more is told 486.
    pub calls: u32,
    /// What befalls the packets that are sent.
    pub impairment: Option<Impairment>,
    /// What is done wrong.
    pub misbehaviour: Option<AnswerMisbehaviour>,
    /// What is to come in.
    pub back: Return,
}

/// What the called side sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// What it hears.
    Echo,
    /// The script for a call's coding, again and again; a coding without one is silent.
    Play(Vec<super::script::Coding>),
    /// Nothing.
    Nothing,
}

/// What the called side does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerMisbehaviour {
    /// This final response.
    Reject(u16),
    /// It rings for ever.
    NoAnswer,
    /// Not even a ring: 100 and nothing more.
    NoRing,
    /// The answer's session description is nonsense.
    BadAnswer,
    /// The call is left without BYE, and a BYE is told 481.
    NoBye,
    /// Hold and resume, again and again.
    ReinviteStorm,
    /// This many packets for each that comes.
    Flood,
}

impl AnswerMisbehaviour {
    /// The names on the command line.
    pub const NAMES: &str =
        "reject=STATUS, no-answer, no-ring, bad-answer, no-bye, reinvite-storm or flood";

    /// The one of this name.
    pub fn named(name: &str) -> Option<AnswerMisbehaviour> {
        match name {
            "no-answer" => Some(AnswerMisbehaviour::NoAnswer),
            "no-ring" => Some(AnswerMisbehaviour::NoRing),
            "bad-answer" => Some(AnswerMisbehaviour::BadAnswer),
            "no-bye" => Some(AnswerMisbehaviour::NoBye),
            "reinvite-storm" => Some(AnswerMisbehaviour::ReinviteStorm),
            "flood" => Some(AnswerMisbehaviour::Flood),
            _ => {
                let status = name.strip_prefix("reject=")?.parse().ok()?;
                (300..=699)
                    .contains(&status)
                    .then_some(AnswerMisbehaviour::Reject(status))
            }
        }
    }
}

/// The called side, sans-IO.
#[derive(Debug)]
pub struct Callee {
    plan: CalleePlan,
    endpoint: Endpoint,
    dice: ChaCha8Rng,
    start: Instant,
    calls: BTreeMap<CallKey, Call>,
    dialogs: BTreeMap<DialogId, CallKey>,
    timers: BTreeSet<(Instant, CallKey, Timer)>,
    /// How many calls have come.
    come: u64,
    stopped: bool,
    outputs: VecDeque<Output>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// It has rung long enough.
    Answer,
    /// It has talked long enough.
    HangUp,
    /// The next re-INVITE of a storm.
    Storm,
}

impl Callee {
    /// A callee that nobody has called; outcomes count from `start`. `sip.seed` feeds its dice as well.
    pub fn new(start: Instant, sip: EndpointConfig, plan: CalleePlan) -> Callee {
        Callee {
            dice: ChaCha8Rng::from_seed(sip.seed),
            endpoint: Endpoint::new(sip),
            plan,
            start,
            calls: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            timers: BTreeSet::new(),
            come: 0,
            stopped: false,
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what the world did.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Sip(transport) => self.endpoint.handle_transport(now, transport),
            Input::Port { call, bound } => self.port(now, call, bound),
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
            match timer {
                Timer::Answer => self.answer(now, key),
                Timer::HangUp => self.hang_up(now, key),
                Timer::Storm => self.storm(now, key),
            }
        }
        self.run(now);
    }

    /// When `handle_timeout` is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(at, _, _)| *at);
        let endpoint = self.endpoint.poll_timeout();
        timer.into_iter().chain(endpoint).min()
    }

    /// The next output; drain until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes no more calls and hangs up those there are.
    pub fn stop(&mut self, now: Instant) {
        self.stopped = true;
        let calls: Vec<CallKey> = self.calls.keys().copied().collect();
        for key in calls {
            self.hang_up(now, key);
        }
        self.run(now);
    }

    /// Ends all that is left, unheard.
    pub fn give_up(&mut self, now: Instant) {
        self.stopped = true;
        let calls: Vec<CallKey> = self.calls.keys().copied().collect();
        for key in calls {
            if let Some(call) = self.calls.get_mut(&key) {
                call.outcome.failure.get_or_insert(Failure::Unfinished);
                call.media_over();
            }
            self.end(now, key);
        }
        self.dialogs.clear();
    }

    /// Whether no call is left.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }

    /// Calls that are there.
    pub fn active(&self) -> usize {
        self.calls.len()
    }

    /// Calls that have come.
    pub fn come(&self) -> u64 {
        self.come
    }

    fn hang_up(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        match call.phase {
            Phase::Binding | Phase::Ringing => {
                if let Some(dialog) = call.dialog.take() {
                    self.dialogs.remove(&dialog);
                    self.endpoint.reject(now, dialog, Rejection::status(480));
                    call.outcome.status = Some(480);
                }
                self.signalling_over(now, key);
            }
            Phase::Talking if self.plan.misbehaviour == Some(AnswerMisbehaviour::NoBye) => {
                if let Some(dialog) = call.dialog.take() {
                    self.dialogs.remove(&dialog);
                    self.endpoint.forget(dialog);
                }
                self.signalling_over(now, key);
            }
            Phase::Talking => {
                call.phase = Phase::Ending;
                call.talked_until(now);
                let dialog = call.dialog;
                self.stop_media(key);
                if let Some(dialog) = dialog {
                    self.endpoint.bye(now, dialog, None);
                }
            }
            Phase::Ending | Phase::Over => {}
        }
    }

    fn stop_media(&mut self, key: CallKey) {
        if let Some(call) = self.calls.get_mut(&key)
            && call.stop_media()
        {
            self.outputs.push_back(Output::StopMedia { call: key });
        }
    }

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
            call.heard(facts, self.plan.back);
            self.end(now, key);
        }
    }

    fn end(&mut self, now: Instant, key: CallKey) {
        if !self.calls.get(&key).is_some_and(Call::is_over) {
            return;
        }
        let Some(mut call) = self.calls.remove(&key) else {
            return;
        };
        if !call.had_media() {
            self.outputs.push_back(Output::ClosePort { call: key });
        }
        call.outcome.ended = now.saturating_duration_since(self.start);
        let outcome = Box::new(call.outcome);
        self.outputs.push_back(Output::Ended { outcome });
    }
}
