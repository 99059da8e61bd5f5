//! What the endpoint tells of the calls that come in.

use std::net::SocketAddr;
use std::time::Instant;

use rand_core::Rng;
use squelch_sip::sdp::Direction;
use squelch_sip::{
    Body, DialogId, DialogMethod, EndCause, Event, IncomingInvite, Rejection, RequestId, Response,
};

use super::call::{Call, Phase};
use super::{AnswerMisbehaviour, CallKey, Callee, Mark, Output, Return, Says, Timer};
use crate::load::Failure;
use crate::load::caller::Misbehaviour;
use crate::load::content::Expectation;
use crate::load::leg::{LegPlan, Sends};
use crate::load::session::{Agreed, Session};

impl Callee {
    /// Drains the endpoint.
    pub(super) fn run(&mut self, now: Instant) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                squelch_sip::Output::Transport(output) => {
                    self.outputs.push_back(Output::Sip(output));
                }
                squelch_sip::Output::Event(event) => self.event(now, event),
            }
        }
    }

    fn event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Invite { dialog, invite } => self.invited(now, dialog, &invite),
            Event::Cancelled { dialog, .. } => self.gone(now, dialog, Some(487)),
            Event::Bye { dialog, .. } => self.gone(now, dialog, None),
            Event::Ended { dialog, cause } => {
                let key = self.dialogs.get(&dialog).copied();
                if let Some(call) = key.and_then(|key| self.calls.get_mut(&key)) {
                    let failure = match cause {
                        EndCause::NoAck | EndCause::NoPrack => Some(Failure::Protocol),
                        EndCause::ByeTimeout | EndCause::Transport(_) => Some(Failure::NoGoodbye),
                        EndCause::SessionExpired => Some(Failure::EndedEarly),
                        _ => None,
                    };
                    call.outcome.failure = call.outcome.failure.or(failure);
                }
                self.gone(now, dialog, None);
            }
            Event::Reinvite {
                dialog,
                request,
                body,
            } => self.offered(now, dialog, request, body.as_ref()),
            Event::Request {
                dialog,
                request,
                method,
                body,
                ..
            } => match (method, body) {
                (DialogMethod::Update, Some(body)) => {
                    self.offered(now, dialog, request, Some(&body));
                }
                (DialogMethod::Refer, _) => self.respond(now, request, 603),
                _ => self.respond(now, request, 200),
            },
            Event::RefreshDue { dialog } => {
                let key = self.dialogs.get(&dialog);
                let call = key.and_then(|key| self.calls.get(key));
                if let Some((session, _, _)) = call.and_then(|call| call.settled.as_ref()) {
                    let body = session.describe();
                    self.endpoint.reinvite(now, dialog, body);
                }
            }
            Event::Options { request, .. } => self.respond(now, request, 200),
            _ => {}
        }
    }

    fn respond(&mut self, now: Instant, request: RequestId, status: u16) {
        let response = Response {
            status,
            ..Response::default()
        };
        self.endpoint.respond(now, request, response);
    }

    fn invited(&mut self, now: Instant, dialog: DialogId, invite: &IncomingInvite) {
        let refusal = match (&self.plan.misbehaviour, &invite.body) {
            _ if self.stopped => Some(480),
            (Some(AnswerMisbehaviour::Reject(status)), _) => Some(*status),
            _ if self.calls.len() >= self.plan.calls as usize => Some(486),
            (_, None) => Some(488),
            _ => None,
        };
        let key = CallKey(self.come);
        self.come += 1;
        let began = now.saturating_duration_since(self.start);
        let local = invite.source.local.ip();
        let offer = invite.body.clone().unwrap_or(Body::sdp(""));
        let mut call = Call::new(key, now, began, dialog, offer, local);
        if let Some(status) = refusal {
            self.endpoint.reject(now, dialog, Rejection::status(status));
            call.dialog = None;
            call.outcome.status = Some(status);
            self.calls.insert(key, call);
            return self.signalling_over(now, key);
        }
        self.dialogs.insert(dialog, key);
        self.calls.insert(key, call);
        self.outputs.push_back(Output::BindPort { call: key });
    }

    /// The call has a port, or gets none: it rings, or is refused.
    pub(super) fn port(&mut self, now: Instant, key: CallKey, bound: Option<SocketAddr>) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let (Some(dialog), Phase::Binding) = (call.dialog, call.phase) else {
            return;
        };
        let at = bound.map(|bound| {
            let ip = self.plan.media_address.unwrap_or(call.local);
            SocketAddr::new(ip, bound.port())
        });
        let settled = at.map(|at| Session::answer(&call.offer.bytes, at, &mut self.dice));
        match settled {
            Some(Ok(settled)) => call.settled = Some(settled),
            refused => {
                let (status, failure) = match refused {
                    None => (503, Failure::Own),
                    _ => (488, Failure::BadAnswer),
                };
                call.outcome.status = Some(status);
                call.outcome.failure = Some(failure);
                call.dialog = None;
                self.dialogs.remove(&dialog);
                self.endpoint.reject(now, dialog, Rejection::status(status));
                return self.signalling_over(now, key);
            }
        }
        call.phase = Phase::Ringing;
        if self.plan.misbehaviour != Some(AnswerMisbehaviour::NoRing) {
            self.endpoint.provisional(now, dialog, 180, None);
            if let Some(call) = self.calls.get_mut(&key) {
                let since = now.duration_since(call.come);
                call.outcome.post_dial_delay = Some(since);
            }
        }
        match self.plan.misbehaviour {
            Some(AnswerMisbehaviour::NoAnswer | AnswerMisbehaviour::NoRing) => {}
            _ if self.plan.ring.is_zero() => self.answer(now, key),
            _ => {
                self.timers
                    .insert((now + self.plan.ring, key, Timer::Answer));
            }
        }
    }

    pub(super) fn answer(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let (Some(dialog), Phase::Ringing, Some((_, agreed, body))) =
            (call.dialog, call.phase, &call.settled)
        else {
            return;
        };
        let (agreed, body) = match self.plan.misbehaviour {
            Some(AnswerMisbehaviour::BadAnswer) => {
                let nonsense = "v=0\r\nm=audio nonsense\r\n";
                (agreed.clone(), Body::sdp(nonsense))
            }
            _ => (agreed.clone(), body.clone()),
        };
        call.phase = Phase::Talking;
        call.answered = Some(now);
        call.outcome.status = Some(200);
        call.outcome.setup = Some(now.duration_since(call.come));
        call.start_media();
        self.endpoint.answer(now, dialog, body);
        if let Some(talk) = self.plan.talk {
            self.timers.insert((now + talk, key, Timer::HangUp));
        }
        if self.plan.misbehaviour == Some(AnswerMisbehaviour::ReinviteStorm) {
            let at = now + Misbehaviour::STORM_EVERY;
            self.timers.insert((at, key, Timer::Storm));
        }
        let plan = Box::new(self.leg(key, &agreed));
        self.outputs
            .push_back(Output::StartMedia { call: key, plan });
        if agreed.held {
            self.outputs.push_back(Output::ChangeMedia {
                call: key,
                remote: None,
                held: true,
            });
        }
    }

    fn leg(&mut self, key: CallKey, agreed: &Agreed) -> LegPlan {
        let law = agreed.coding.law();
        let sends = match &self.plan.says {
            Says::Echo => Sends::Echo,
            Says::Nothing => Sends::Nothing,
            Says::Play(scripts) => {
                let same = |script: &super::super::script::Coding| script.law() == law;
                match scripts.iter().position(same) {
                    Some(index) => Sends::Script { index, again: true },
                    None => Sends::Nothing,
                }
            }
        };
        let expectation = match (self.plan.back, law) {
            (Return::Audio(expected), Some(law)) => Some(Expectation {
                law,
                expected,
                own: Mark(key.0 as u32),
            }),
            _ => None,
        };
        let mut seed = [0; 32];
        self.dice.fill_bytes(&mut seed);
        LegPlan {
            remote: agreed.remote,
            sends,
            audio: agreed.audio,
            law,
            clock_hz: agreed.coding.clock_hz(),
            events: agreed.events,
            ssrc: self.dice.next_u32(),
            sequence: self.dice.next_u32() as u16,
            timestamp: self.dice.next_u32(),
            keys: agreed.keys.clone(),
            impairment: self.plan.impairment.map(|plan| (plan, seed)),
            mark: None,
            expectation,
            copies: match self.plan.misbehaviour {
                Some(AnswerMisbehaviour::Flood) => FLOOD,
                _ => 1,
            },
        }
    }

    fn gone(&mut self, now: Instant, dialog: DialogId, status: Option<u16>) {
        let Some(key) = self.dialogs.remove(&dialog) else {
            return;
        };
        if let Some(call) = self.calls.get_mut(&key) {
            call.dialog = None;
            call.outcome.status = status.or(call.outcome.status);
        }
        self.signalling_over(now, key);
    }

    fn offered(
        &mut self,
        now: Instant,
        dialog: DialogId,
        request: RequestId,
        offer: Option<&Body>,
    ) {
        let key = self.dialogs.get(&dialog).copied();
        let call = key.and_then(|key| Some((key, self.calls.get_mut(&key)?)));
        let settled = call.and_then(|(key, call)| Some((key, call.settled.as_mut()?)));
        let Some((key, (session, _, _))) = settled else {
            return self.respond(now, request, 481);
        };
        let (body, changed) = match offer.map(|offer| session.take_offer(offer)) {
            None => (session.describe(), None),
            Some(Ok((remote, held, body))) => (body, Some((remote, held))),
            Some(Err(_)) => return self.respond(now, request, 488),
        };
        self.endpoint.respond(
            now,
            request,
            Response {
                status: 200,
                body: Some(body),
                ..Response::default()
            },
        );
        if let Some((remote, held)) = changed {
            self.outputs.push_back(Output::ChangeMedia {
                call: key,
                remote: Some(remote),
                held,
            });
        }
    }

    pub(super) fn storm(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let (Some(dialog), Phase::Talking, Some((session, _, _))) =
            (call.dialog, call.phase, &mut call.settled)
        else {
            return;
        };
        let body = session.turn(Direction::SendRecv);
        self.endpoint.reinvite(now, dialog, body);
        let at = now + Misbehaviour::STORM_EVERY;
        self.timers.insert((at, key, Timer::Storm));
    }
}

/// Packets that a flooding far end sends for one.
const FLOOD: u32 = 50;
