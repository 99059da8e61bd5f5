//! Redialling: a fresh leg to OpenAI under the carrier's leg, which stays and hears silence meanwhile.
//!
//! The old leg ends first: its audio is muted, or its session about to end, and one pair of ports serves both.

use super::{Clock, Gateway, reason};
use crate::call::State;
use crate::config::{AtExpiry, OnStatic};
use crate::control::proxy::Problem;
use crate::io::{CallId, Output};
use crate::negotiate;
use crate::termination::EndReason;
use crate::timers::Timer;
use squelch_media::Direction;
use std::time::{Duration, Instant};

/// A call's redials.
#[derive(Debug, Default)]
pub(crate) struct Redials {
    /// OpenAI's answer to a fresh INVITE is awaited.
    pub(crate) is_under_way: bool,
    /// Static was answered by one. A second would hardly do better, and the caller has waited long enough.
    for_static: bool,
    /// When the present leg was answered, if it is not the first.
    pub(crate) answered: Option<Instant>,
}

impl Gateway {
    /// No update of the session helped, or none could be said: a fresh session, where `[guard] on_static` asks for
    /// one.
    pub(super) fn redial_for_static(&mut self, clock: Clock, id: CallId) {
        if self.may_redial_for_static(id)
            && let Some(call) = self.calls.get_mut(&id)
        {
            call.redials.for_static = true;
            self.redial(clock, id, EndReason::Static, "the audio stays broken");
        }
    }

    pub(super) fn may_redial_for_static(&self, id: CallId) -> bool {
        let tried = self.calls.get(&id).map(|call| call.redials.for_static);
        self.config.guard.on_static.contains(&OnStatic::Redial) && tried == Some(false)
    }

    /// OpenAI's session is about to end: what `[openai] at_expiry` says.
    pub(super) fn act_at_expiry(&mut self, clock: Clock, id: CallId) {
        match self.config.openai.at_expiry {
            AtExpiry::Warn => {}
            AtExpiry::End => self.end(clock, id, EndReason::OpenaiExpiry),
            AtExpiry::Redial => {
                let Some(call) = self.calls.get(&id) else {
                    return;
                };
                // An expiry that comes with every session must not make squelch dial without end.
                let since = call.redials.answered;
                let is_early = |at| clock.now.saturating_duration_since(at) < SHORTEST_LEG;
                if since.is_some_and(is_early) {
                    return self.note(clock, id, "redial_refused", "the leg is too young".into());
                }
                self.redial(clock, id, EndReason::OpenaiExpiry, "the session expires");
            }
        }
    }

    fn redial(&mut self, clock: Clock, id: CallId, ending: EndReason, why: &str) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let is_up = matches!(call.state, State::Bridged) && call.ending.is_none();
        let Some(plan) = call.plan.as_mut().filter(|_| is_up) else {
            return;
        };
        // The caller is on its way elsewhere.
        if call.transfer.is_some() {
            return;
        }
        call.diary.note(clock.now, "redial", why.to_owned());
        plan.openai.direction = Direction::Inactive;
        self.outputs.push_back(Output::UpdateMedia {
            call: id,
            plan: plan.clone(),
        });
        call.redials.is_under_way = true;
        let old = std::mem::take(&mut call.openai);
        call.openai.refers = old.refers;
        // The fault went with the leg that had it.
        call.is_faulty = false;
        call.mending = None;
        call.audio_clock = Default::default();
        call.playback.forget();
        for timer in [Timer::Mend, Timer::HangUp, Timer::Expiry] {
            self.timers.clear(id, timer);
        }
        if let Some(token) = &old.token {
            self.tokens.remove(token);
        }
        if let Some(dialog) = old.dialog {
            self.dialogs.remove(&dialog);
            let said = reason::said(ending, None);
            self.endpoint.bye(clock.now, dialog, Some(said));
        }
        if let Some(peer) = &old.peer {
            self.door
                .openai_out(clock.now, peer.addr.ip().to_canonical());
        }
        self.leave_sidebands(id);
        let limits = self.config.limits;
        self.timers.set(id, Timer::Setup, clock.now + limits.setup);
        self.timers.set(id, Timer::Ring, clock.now + limits.ring);
        self.begin_routes(clock, id);
    }

    /// OpenAI's answer to the fresh INVITE: its media take the place of the old ones.
    pub(super) fn redialled(&mut self, clock: Clock, id: CallId, answer: &[u8]) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let Some(trunk) = self.config.trunks.get(call.trunk) else {
            return;
        };
        let Some(invited) = super::openai_leg::invited(&self.config.openai, call) else {
            return;
        };
        let plan = negotiate::plan(
            &self.config,
            trunk,
            &call.offer,
            invited,
            answer,
            clock.media(),
            &mut self.random,
        );
        let fresh = match plan {
            Ok(plan) => plan.openai,
            Err(unacceptable) => {
                self.note(clock, id, "bad_answer", unacceptable.text);
                return self.end(clock, id, unacceptable.reason);
            }
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(plan) = &mut call.plan else {
            return;
        };
        // The carrier's part stands, whatever became of it since its first offer.
        let dialog = plan.openai.dialog.wrapping_add(1);
        plan.openai = squelch_media::LegPlan { dialog, ..fresh };
        let plan = plan.clone();
        call.state = State::Bridged;
        call.redials.is_under_way = false;
        call.redials.answered = Some(clock.now);
        let detail = format!("OpenAI's media at {}", plan.openai.remote);
        call.diary.note(clock.now, "redialled", detail);
        self.timers.clear(id, Timer::Setup);
        self.timers.clear(id, Timer::Ring);
        self.outputs
            .push_back(Output::UpdateMedia { call: id, plan });
    }

    /// The sockets about the old leg's call say nothing of this one any more.
    fn leave_sidebands(&mut self, id: CallId) {
        for (sideband, exchange) in self.sidebands.leave(id) {
            if let Some(exchange) = exchange {
                self.refuse_socket(exchange, Problem::NoCall);
            }
            self.outputs.push_back(Output::SidebandClose { sideband });
        }
    }
}

/// A leg placed anew lasts so long before the next is: OpenAI's sessions have an hour.
const SHORTEST_LEG: Duration = Duration::from_secs(300);
