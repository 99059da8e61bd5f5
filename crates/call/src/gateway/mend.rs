//! Mending: when a call's audio is static, or OpenAI says that its format was lost, a corrective `session.update`
//! goes to OpenAI on the socket there is, first with the format written in, then without any.

use super::{Clock, Gateway};
use crate::config::OnStatic;
use crate::control::session_guard::format_name;
use crate::io::{CallId, Output};
use crate::timers::Timer;
use serde_json::json;
use std::time::Duration;

/// How far mending a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mending {
    /// Something is to be said, and no socket is open to say it.
    WaitsForSocket,
    /// The format that SIP negotiated was written into the session.
    Pinned,
    /// The session was updated without a format.
    Omitted,
}

impl Gateway {
    pub(super) fn begin_mending(&mut self, clock: Clock, id: CallId, why: &str) {
        if !self.config.guard.on_static.contains(&OnStatic::Mend) {
            // What OpenAI says alone is no reason to take the call from it.
            if self.calls.get(&id).is_some_and(|call| call.is_faulty) {
                self.redial_for_static(clock, id);
            }
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if call.mending.is_some() || call.ending.is_some() {
            return;
        }
        call.mending = Some(Mending::WaitsForSocket);
        call.diary.note(clock.now, "mending", why.to_owned());
        self.timers.set(id, Timer::Mend, clock.now + STEP);
        self.go_on_mending(clock, id);
    }

    /// A socket opened, or mending began: the first step, if there is a socket.
    pub(super) fn go_on_mending(&mut self, clock: Clock, id: CallId) {
        let waits = |mending| mending == Some(Mending::WaitsForSocket);
        if !self.calls.get(&id).is_some_and(|call| waits(call.mending)) {
            return;
        }
        if self.sidebands.of_call(id).is_none() {
            return self.open_own_sideband(clock, id);
        }
        self.mend(clock, id, Mending::Pinned);
    }

    /// The time of a step is over.
    pub(super) fn mend_again(&mut self, clock: Clock, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        match call.mending {
            Some(Mending::WaitsForSocket) if call.is_faulty && self.may_redial_for_static(id) => {
                let said = "no socket to say an update on";
                self.note(clock, id, "mend_failed", said.into());
                self.redial_for_static(clock, id);
            }
            Some(Mending::WaitsForSocket) => {}
            // What was mended before it was heard is mended.
            Some(_) if !call.is_faulty => self.mended(clock, id),
            Some(Mending::Pinned) => self.mend(clock, id, Mending::Omitted),
            Some(Mending::Omitted) => {
                let said = "no update of the session helped";
                self.note(clock, id, "mend_failed", said.into());
                self.redial_for_static(clock, id);
            }
            None => {}
        }
    }

    fn mend(&mut self, clock: Clock, id: CallId, step: Mending) {
        let (Some(sideband), Some(call)) = (self.sidebands.of_call(id), self.calls.get_mut(&id))
        else {
            return;
        };
        let negotiated = call.negotiated_with_openai(&self.config.openai.formats);
        let format = negotiated.map_or("audio/pcm", format_name);
        let (session, said) = match step {
            Mending::Omitted | Mending::WaitsForSocket => (
                json!({"type": "realtime"}),
                "session.update without formats".to_owned(),
            ),
            Mending::Pinned => (
                json!({"type": "realtime", "audio": {
                    "input": {"format": {"type": format}},
                    "output": {"format": {"type": format}},
                }}),
                format!("session.update with {format}"),
            ),
        };
        call.mending = Some(step);
        call.diary.note(clock.now, "mend", said);
        let event =
            json!({"type": "session.update", "event_id": "squelch_mend", "session": session});
        self.outputs.push_back(Output::SidebandSend {
            sideband,
            text: event.to_string(),
        });
        self.timers.set(id, Timer::Mend, clock.now + STEP);
    }

    /// The audio is right again.
    pub(super) fn mended(&mut self, clock: Clock, id: CallId) {
        self.timers.clear(id, Timer::Mend);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        match call.mending.take() {
            Some(Mending::Pinned | Mending::Omitted) => {
                call.session_mended += 1;
                call.diary
                    .note(clock.now, "mended", "the audio is right again");
            }
            Some(Mending::WaitsForSocket) | None => {}
        }
    }
}

/// What one step may take to be heard: an answer of OpenAI's, its next words, the detector's own time.
const STEP: Duration = Duration::from_secs(3);
