//! The routes to OpenAI: in which order a call tries them, and the addresses of each.

use super::{Clock, Gateway};
use crate::call::State;
use crate::io::{CallId, Output};
use crate::negotiate::Terms;
use crate::termination::EndReason;
use crate::timers::Timer;
use squelch_sip::locate::{Answer, Located, Question};
use squelch_sip::{Failure, Protocol, Target, Uri};
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The part of `[limits] setup` that one address gets to show that it is there, while others are
/// left. Of the usual 15 s it is 3 s: three INVITEs over UDP (0, 0.5, 1.5 s), two SYNs over TCP
/// (0, 1 s), and the setup limit has room for five addresses.
const SHARE_OF_SETUP: u32 = 5;
/// How long an address that failed is tried after the others. Longer than a restart takes, and a
/// call a minute still looks whether it is back where nothing else is.
const REST: Duration = Duration::from_secs(30);
/// The longest that a 503's Retry-After is heeded for: a peer must not talk itself out of the
/// order for a day.
const LONGEST_REST: Duration = Duration::from_secs(300);
/// Addresses that rest at once; of more the rest is forgotten.
const MAX_RESTING: usize = 256;

/// Addresses that failed lately, and until when they are tried last.
#[derive(Debug, Default)]
pub(super) struct Resting(HashMap<(Protocol, SocketAddr), Instant>);

impl Resting {
    /// `target` failed: the others first for a while. Any refusal but 503 is the answer of a server
    /// that works.
    pub(super) fn failed(&mut self, now: Instant, target: &Target, failure: &Failure) {
        let rest = match failure {
            Failure::Status {
                status: 503,
                retry_after,
                ..
            } => retry_after.map_or(REST, |s| Duration::from_secs(s.into()).min(LONGEST_REST)),
            Failure::Status { .. } => return,
            Failure::Timeout | Failure::Transport(_) => REST,
        };
        self.0.retain(|_, until| *until > now);
        if self.0.len() < MAX_RESTING {
            self.0.insert((target.protocol, target.addr), now + rest);
        }
    }

    /// `target` answered.
    pub(super) fn answered(&mut self, target: &Target) {
        self.0.remove(&(target.protocol, target.addr));
    }

    /// Whether `target` failed lately.
    fn rests(&self, now: Instant, target: &Target) -> bool {
        let until = self.0.get(&(target.protocol, target.addr));
        until.is_some_and(|until| *until > now)
    }

    /// The targets in their order, those that rest at the end.
    pub(super) fn order(&self, now: Instant, targets: &mut [Target]) {
        targets.sort_by_key(|target| self.rests(now, target));
    }
}

impl Gateway {
    /// Sets the order of a call's routes as things stand, and starts on the first.
    pub(super) fn begin_routes(&mut self, clock: Clock, id: CallId) {
        let mut order = self.route_order(clock);
        if let Some(call) = self.calls.get_mut(&id) {
            call.openai.route = order.pop_front().unwrap_or_default();
            call.openai.routes = order;
        }
        self.try_route(clock, id);
    }

    /// The routes in the order that a call tries them: first those that nothing speaks against,
    /// then those whose addresses all failed lately, then those that probes found down.
    fn route_order(&mut self, clock: Clock) -> VecDeque<usize> {
        let preference = self.preference.clone();
        let mut order: Vec<(bool, bool, usize, usize)> = Vec::with_capacity(preference.len());
        for (place, route) in preference.into_iter().enumerate() {
            let rests = match self.locate_route(clock, route) {
                Located::Targets(targets) => {
                    targets.iter().all(|one| self.resting.rests(clock.now, one))
                }
                Located::Waits | Located::Nowhere(_) => false,
            };
            order.push((self.is_route_down(route), rests, place, route));
        }
        order.sort_unstable();
        order.into_iter().map(|(.., route)| route).collect()
    }

    /// Starts on the call's present route: its addresses, or the wait for them.
    fn try_route(&mut self, clock: Clock, id: CallId) {
        loop {
            let Some(route) = self.calls.get(&id).map(|call| call.openai.route) else {
                return;
            };
            if self.config.openai.routes.len() <= route {
                return self.end(clock, id, EndReason::OpenaiUnreachable);
            }
            match self.locate_route(clock, route) {
                Located::Targets(targets) => {
                    if let Some(call) = self.calls.get_mut(&id) {
                        call.openai.targets = targets.into();
                    }
                    return self.try_target(clock, id);
                }
                Located::Waits => {
                    if let Some(call) = self.calls.get_mut(&id) {
                        call.state = State::Resolving;
                    }
                    return;
                }
                Located::Nowhere(why) => self.skip_route(clock, id, &why),
            }
        }
    }

    /// The addresses of a route, the best first.
    pub(super) fn locate_route(&mut self, clock: Clock, route: usize) -> Located {
        let Some(settings) = self.config.openai.routes.get(route) else {
            return Located::Nowhere("there is no such route".into());
        };
        let Ok(uri) = Uri::parse(&settings.sip_uri) else {
            return Located::Nowhere("its sip_uri can't be read".into());
        };
        match self.locator.locate(clock.now, &uri) {
            Located::Targets(mut targets) => {
                for target in &mut targets {
                    if target.protocol == Protocol::Tls && settings.server_name.is_some() {
                        target.server_name.clone_from(&settings.server_name);
                    }
                }
                self.resting.order(clock.now, &mut targets);
                Located::Targets(targets)
            }
            other => other,
        }
    }

    /// A name was looked up: calls that waited for it go on.
    pub(super) fn resolved(
        &mut self,
        clock: Clock,
        question: &Question,
        result: Result<Answer, String>,
    ) {
        self.locator.handle_answer(clock.now, question, result);
        self.go_on_resolving(clock);
    }

    /// Tries again what waits for names.
    pub(super) fn go_on_resolving(&mut self, clock: Clock) {
        let waiting = |state: &State| matches!(state, State::Resolving);
        let calls: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, call)| waiting(&call.state))
            .map(|(id, _)| *id)
            .collect();
        for id in calls {
            self.try_route(clock, id);
        }
        self.go_on_probing(clock);
    }

    /// Hands the locator's questions out.
    pub(super) fn ask_questions(&mut self) {
        while let Some(question) = self.locator.poll_question() {
            self.outputs.push_back(Output::Resolve { question });
        }
    }

    fn skip_route(&mut self, clock: Clock, id: CallId, why: &str) {
        let none = self.config.openai.routes.len();
        if let Some(call) = self.calls.get_mut(&id) {
            call.diary.note(
                clock.now,
                "route_failed",
                format!("route {}: {why}", call.openai.route + 1),
            );
            call.openai.route = call.openai.routes.pop_front().unwrap_or(none);
        }
    }

    /// The next address of the present route; the next route when there is none left.
    pub(super) fn try_target(&mut self, clock: Clock, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(target) = call.openai.targets.pop_front() else {
            self.skip_route(clock, id, "none of its addresses answers");
            return self.try_route(clock, id);
        };
        call.openai.without_keys = false;
        if let Err(unacceptable) = Terms::openai(&self.config.openai, target.protocol).check() {
            call.diary
                .note(clock.now, "route_failed", unacceptable.text);
            return self.try_target(clock, id);
        }
        let is_last = call.openai.targets.is_empty() && call.openai.routes.is_empty();
        if is_last {
            // Nothing is gained by giving it up before the setup limit does.
            self.timers.clear(id, Timer::Target);
        } else {
            let share = self.config.limits.setup / SHARE_OF_SETUP;
            self.timers.set(id, Timer::Target, clock.now + share);
        }
        self.invite_openai(clock, id, target);
    }

    /// An address has had its share of the setup time.
    pub(super) fn target_timeout(&mut self, clock: Clock, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(dialog) = call.openai.dialog else {
            return;
        };
        // Whoever has said anything, by SIP or by webhook, is there.
        let is_there = self.endpoint.has_provisional(dialog) || call.openai.call_id.is_some();
        if !matches!(call.state, State::Inviting) || is_there {
            return;
        }
        // What it may still say is for nobody: the endpoint acknowledges and hangs up.
        self.endpoint.cancel(clock.now, dialog, None);
        self.openai_rejected(clock, dialog, Failure::Timeout);
    }
}
