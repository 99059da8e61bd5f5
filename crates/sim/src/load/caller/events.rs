//! What the endpoint tells of the calls.

use std::time::Instant;

use rand_core::Rng;
use squelch_sip::sdp::Direction;
use squelch_sip::{Body, DialogId, DialogMethod, EndCause, Event, Rejection, RequestId, Response};

use super::call::{Call, Phase, Timer};
use super::{CallKey, Caller, Misbehaviour, Output, Return};
use crate::load::Failure;
use crate::load::content::{Expectation, Mark};
use crate::load::leg::{LegPlan, Sends};
use crate::load::session::Agreed;

impl Caller {
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
            Event::Provisional { dialog, .. } => self.rings(now, dialog),
            Event::Answered { dialog, body } => self.answered(now, dialog, body.as_ref()),
            Event::Rejected { dialog, failure } => self.rejected(now, dialog, &failure),
            Event::Bye { dialog, .. } => self.far_end_hung_up(now, dialog),
            Event::Ended { dialog, cause } => self.ended(now, dialog, &cause),
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
                // A load test's calls go nowhere else.
                (DialogMethod::Refer, _) => self.respond(now, request, 603),
                _ => self.respond(now, request, 200),
            },
            Event::RefreshDue { dialog } => self.refresh(now, dialog),
            Event::Options { request, .. } => self.respond(now, request, 200),
            Event::Invite { dialog, .. } => {
                self.endpoint.reject(now, dialog, Rejection::status(480));
            }
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

    fn call_of(&mut self, dialog: DialogId) -> Option<(CallKey, &mut Call)> {
        let key = *self.dialogs.get(&dialog)?;
        Some((key, self.calls.get_mut(&key)?))
    }

    fn rings(&mut self, now: Instant, dialog: DialogId) {
        let Some((key, call)) = self.call_of(dialog) else {
            return;
        };
        call.responded(now);
        if call.misbehaviour == Some(Misbehaviour::Abandon) {
            self.hang_up(now, key, None);
        }
    }

    fn answered(&mut self, now: Instant, dialog: DialogId, body: Option<&Body>) {
        let Some((key, call)) = self.call_of(dialog) else {
            return;
        };
        call.answered(now);
        let held_back = call.misbehaviour == Some(Misbehaviour::NoAck);
        let agreed = call
            .session
            .as_ref()
            .and_then(|session| session.take_answer(body).ok());
        // The answer may have crossed a CANCEL: the endpoint then ends the call by itself.
        let expected = call.phase == Phase::Calling;
        if !held_back {
            self.endpoint.acknowledge(now, dialog, None);
        }
        match agreed {
            Some(agreed) if expected => self.talk(now, key, &agreed),
            _ => {
                if let Some(call) = self.calls.get_mut(&key) {
                    call.phase = Phase::Ending;
                    if expected {
                        call.fail(Failure::BadAnswer);
                    }
                }
                self.endpoint.bye(now, dialog, None);
            }
        }
    }

    fn talk(&mut self, now: Instant, key: CallKey, agreed: &Agreed) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let Some(part) = self.plan.parts.get(call.part) else {
            return;
        };
        call.phase = Phase::Talking;
        call.start_media();
        let lasts = self.plan.talk.unwrap_or(part.duration);
        let ends = now + lasts;
        call.ends = Some(ends);
        self.timers.insert((ends, key, Timer::HangUp));
        if let Some(turn) = part.turns.first() {
            self.timers.insert((now + turn.at, key, Timer::Turn));
        }
        match call.misbehaviour {
            Some(Misbehaviour::ReinviteStorm) => {
                let at = now + Misbehaviour::STORM_EVERY;
                self.timers.insert((at, key, Timer::Storm));
            }
            Some(Misbehaviour::NoAck) => {
                // RFC 3261 section 13.3.1.4: the far end says BYE 64*T1 after its 200.
                let at = ends.max(now + 2 * squelch_sip::Timers::default().give_up());
                self.timers.insert((at, key, Timer::NoAck));
            }
            _ => {}
        }
        let mark = Mark(key.0 as u32);
        let law = agreed.coding.law();
        // All calls are marked, whether they are listened to or not: a listener hears whose audio came to it.
        let is_marked = matches!(self.plan.back, Return::Audio(_)) && law.is_some();
        let is_heard = key.0.is_multiple_of(u64::from(self.plan.listen_to.max(1)));
        let expectation = match (self.plan.back, law) {
            (Return::Audio(expected), Some(law)) if is_heard => Some(Expectation {
                law,
                expected,
                own: mark,
            }),
            _ => None,
        };
        let plan = Box::new(LegPlan {
            remote: agreed.remote,
            sends: Sends::Script {
                index: call.part,
                again: lasts > part.duration,
            },
            audio: agreed.audio,
            law,
            clock_hz: agreed.coding.clock_hz(),
            events: agreed.events,
            ssrc: self.dice.next_u32(),
            sequence: self.dice.next_u32() as u16,
            timestamp: self.dice.next_u32(),
            keys: agreed.keys.clone(),
            impairment: self.plan.impairment_of(key.0),
            mark: is_marked.then_some(mark),
            expectation,
            copies: 1,
        });
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

    fn rejected(&mut self, now: Instant, dialog: DialogId, failure: &squelch_sip::Failure) {
        let Some((key, call)) = self.call_of(dialog) else {
            return;
        };
        match failure {
            squelch_sip::Failure::Status { status, .. } => {
                call.responded(now);
                call.outcome.status = Some(*status);
                if call.phase != Phase::Cancelling {
                    call.fail(match status {
                        401 | 407 => Failure::Credentials,
                        _ => Failure::Refused,
                    });
                }
            }
            _ if call.phase != Phase::Cancelling => call.fail(Failure::NoResponse),
            _ => {}
        }
        self.dialog_over(now, key, dialog);
    }

    fn far_end_hung_up(&mut self, now: Instant, dialog: DialogId) {
        let Some((key, call)) = self.call_of(dialog) else {
            return;
        };
        let wanted = call.misbehaviour == Some(Misbehaviour::NoAck);
        let early = call.phase == Phase::Talking && call.ends.is_some_and(|ends| now < ends);
        if early && !wanted {
            call.fail(Failure::EndedEarly);
        }
        self.dialog_over(now, key, dialog);
    }

    fn ended(&mut self, now: Instant, dialog: DialogId, cause: &EndCause) {
        let Some((key, call)) = self.call_of(dialog) else {
            return;
        };
        match cause {
            EndCause::ByeTimeout | EndCause::Transport(_) => call.fail(Failure::NoGoodbye),
            EndCause::SessionExpired => call.fail(Failure::EndedEarly),
            _ => {}
        }
        self.dialog_over(now, key, dialog);
    }

    fn dialog_over(&mut self, now: Instant, key: CallKey, dialog: DialogId) {
        self.dialogs.remove(&dialog);
        if let Some(call) = self.calls.get_mut(&key) {
            call.dialog = None;
        }
        self.signalling_over(now, key);
    }

    /// The far end changes the session: it holds, goes on, or asks what there is.
    fn offered(
        &mut self,
        now: Instant,
        dialog: DialogId,
        request: RequestId,
        offer: Option<&Body>,
    ) {
        let Some((key, call)) = self.call_of(dialog) else {
            return self.respond(now, request, 481);
        };
        let Some(session) = &mut call.session else {
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

    fn refresh(&mut self, now: Instant, dialog: DialogId) {
        let Some((_, call)) = self.call_of(dialog) else {
            return;
        };
        if let Some(body) = call.session.as_ref().map(|session| session.describe()) {
            self.endpoint.reinvite(now, dialog, body);
        }
    }

    /// The captured call's next hold or resumption.
    pub(super) fn turn(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let part = self.plan.parts.get(call.part);
        let turns = part.map_or(&[][..], |part| &part.turns);
        let (Some(turn), Some(dialog), Some(answered)) =
            (turns.get(call.turn), call.dialog, call.answered)
        else {
            return;
        };
        let Some(session) = &mut call.session else {
            return;
        };
        let mut offered = session.clone();
        let body = offered.turn(turn.direction);
        if !self.endpoint.reinvite(now, dialog, body) {
            // Another one is under way.
            self.timers.insert((now + TURN_AGAIN, key, Timer::Turn));
            return;
        }
        *session = offered;
        call.turn += 1;
        if let Some(next) = turns.get(call.turn) {
            let at = (answered + next.at).max(now);
            self.timers.insert((at, key, Timer::Turn));
        }
        let held = matches!(turn.direction, Direction::RecvOnly | Direction::Inactive);
        self.outputs.push_back(Output::ChangeMedia {
            call: key,
            remote: None,
            held,
        });
    }

    pub(super) fn storm(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if let (Some(dialog), Some(session)) = (call.dialog, &mut call.session) {
            let body = session.turn(Direction::SendRecv);
            self.endpoint.reinvite(now, dialog, body);
        }
        let at = now + Misbehaviour::STORM_EVERY;
        self.timers.insert((at, key, Timer::Storm));
    }
}

/// When a re-INVITE could not be sent.
const TURN_AGAIN: std::time::Duration = std::time::Duration::from_millis(100);
