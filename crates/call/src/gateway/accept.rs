//! OpenAI's webhook comes in, and squelch accepts the call it announces.
//!
//! OpenAI holds its 200 OK until somebody accepts, so none of this waits for the INVITE.

use super::{Clock, Gateway};
use crate::call::{Accept, State};
use crate::control::proxy::{self, Credential};
use crate::control::session_guard::{self, Context, Finding, Judgement, Message};
use crate::control::webhook::{self, CallIncoming, Refused, Webhook};
use crate::http::{Request, Response};
use crate::io::{CallId, ExchangeId, FetchId, Output};
use crate::termination::EndReason;
use crate::timers::Timer;
use rand_core::Rng;
use std::collections::VecDeque;
use std::time::Duration;

/// Where OpenAI posts.
const PATH: &str = "/webhooks/openai";
/// The header that ties a webhook to a call.
const CALL_ID_HEADER: &str = "X-Squelch-Call-ID";
/// 487: who called has given up (RFC 3261 section 21.4.25).
const REQUEST_TERMINATED: u16 = 487;
/// Webhooks remembered as done; the oldest is forgotten. Repeats come with growing pauses, calls don't wait for them.
const MAX_REMEMBERED: usize = 4_096;
/// Accepts tried for one call.
const MAX_ATTEMPTS: u32 = 4;
/// The first pause between two; it doubles, and a random part of up to as much again is added.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The webhooks that were acted on.
#[derive(Debug, Default)]
pub(super) struct Remembered(VecDeque<String>);

impl Remembered {
    /// Whether this one is new; it is not from now on.
    fn is_new(&mut self, id: &str) -> bool {
        if self.0.iter().any(|known| known == id) {
            return false;
        }
        if self.0.len() == MAX_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(id.to_owned());
        true
    }
}

impl Gateway {
    pub(super) fn http_request(&mut self, clock: Clock, exchange: ExchangeId, request: &Request) {
        if proxy::is_proxied(&request.target) {
            return self.proxy(clock, exchange, request);
        }
        let (status, verdict) = self.answer_webhook(clock, request);
        if let Some(verdict) = verdict {
            *self.counters.webhooks.entry(verdict).or_default() += 1;
        }
        self.outputs.push_back(Output::HttpReply {
            exchange,
            response: Response::empty(status),
        });
    }

    fn answer_webhook(&mut self, clock: Clock, request: &Request) -> (u16, Option<&'static str>) {
        let path = request.target.split('?').next().unwrap_or_default();
        if path != PATH {
            return (404, None);
        }
        if request.method != "POST" {
            return (405, None);
        }
        match webhook::read(request, &self.config.openai.webhook_secrets, clock.wall) {
            Err(Refused::Signature) => (401, Some("bad_signature")),
            Err(Refused::Time) => (401, Some("bad_time")),
            Err(Refused::Header(_) | Refused::Body) => (400, Some("malformed")),
            // What can't be used any more is taken all the same, or it would be sent again for three days.
            Ok(Webhook::Stale { .. }) => (200, Some("stale")),
            // What the application can't be told now, OpenAI tells again.
            Ok(_) if !self.can_forward() => (503, Some("too_many")),
            Ok(Webhook::Other { webhook_id, .. }) => {
                if self.config.openai.webhook_forward.is_none() {
                    return (200, Some("ignored"));
                }
                if !self.remembered.is_new(&webhook_id) {
                    return (200, Some("duplicate"));
                }
                self.forward_webhook(clock, request, None);
                (200, Some("forwarded"))
            }
            Ok(Webhook::CallIncoming(incoming)) => {
                if !self.remembered.is_new(&incoming.webhook_id) {
                    return (200, Some("duplicate"));
                }
                let call_id = incoming.call_id.clone();
                let verdict = self.call_incoming(clock, incoming);
                if self.config.openai.webhook_forward.is_none() {
                    return (200, Some(verdict));
                }
                // A call that no INVITE of squelch's led to is the application's all the same.
                self.forward_webhook(clock, request, Some(call_id));
                (200, Some("forwarded"))
            }
        }
    }

    fn call_incoming(&mut self, clock: Clock, incoming: CallIncoming) -> &'static str {
        let token = incoming.sip_header(CALL_ID_HEADER);
        let found = token.and_then(|token| self.tokens.get(token)).copied();
        let Some((id, call)) = found.and_then(|id| Some((id, self.calls.get_mut(&id)?))) else {
            return "unknown_call";
        };
        // A token is bound to the first call that shows it.
        match &call.openai.call_id {
            Some(known) if *known != incoming.call_id => return "token_reused",
            Some(_) => {}
            None => {
                call.openai.call_id = Some(incoming.call_id.clone());
                call.openai_call_ids.push(incoming.call_id.clone());
                self.call_ids.insert(incoming.call_id, id);
                call.diary
                    .note(clock.now, "webhook", "OpenAI announced the call");
            }
        }
        if matches!(
            (&call.openai.accept, &call.state),
            (Accept::Waiting, State::Inviting)
        ) {
            self.accept(clock, id, 1);
        }
        "accepted"
    }

    /// Sends the accept, if squelch is the one that accepts.
    fn accept(&mut self, clock: Clock, id: CallId, attempt: u32) {
        let Some(session) = &self.config.openai.session else {
            return;
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some(name) = &call.openai.call_id
            && self.proxied.accepts.knows(name)
        {
            // The application was quicker.
            return;
        }
        let (Some(route), Some(call_id)) = (
            self.config.openai.routes.get(call.openai.route),
            call.openai.call_id.as_ref(),
        ) else {
            return;
        };
        let context = Context {
            policy: self.config.openai.audio_format,
            negotiated: call.negotiated_with_openai(&self.config.openai.formats),
        };
        let (verdict, body) = match session_guard::judge_session(session, Message::Accept, context)
        {
            Judgement::Pass { .. } => ("pass", Some(session.to_string())),
            Judgement::Rewrite { value, changes, .. } => {
                let diary = &mut call.diary;
                diary.note(clock.now, "session_rewritten", changes.join("; "));
                ("rewrite", Some(value.to_string()))
            }
            Judgement::Refuse(findings) => {
                let said: Vec<String> = findings.iter().map(Finding::to_string).collect();
                let diary = &mut call.diary;
                diary.note(clock.now, "session_refused", said.join(". "));
                ("refuse", None)
            }
        };
        let counted = self.counters.session_guard.entry(("accept", verdict));
        *counted.or_default() += 1;
        let Some(body) = body else {
            return self.end(clock, id, EndReason::AcceptFailed);
        };
        let (call_id, base) = (call_id.clone(), route.api_base.clone());
        let authorization = self.own_authorization();
        let who = Credential::of(authorization.as_bytes());
        let request = Request {
            method: "POST".into(),
            target: format!(
                "{}/realtime/calls/{call_id}/accept",
                base.trim_end_matches('/')
            ),
            headers: vec![
                ("Authorization".into(), authorization),
                ("Content-Type".into(), "application/json".into()),
            ],
            body: body.into(),
        };
        let fetch = self.fetch(request);
        self.proxied.accepts.began(&call_id, fetch, None, who);
        self.accepting.insert(fetch, (id, call_id));
        if let Some(call) = self.calls.get_mut(&id) {
            call.openai.accept = Accept::Asked { fetch, attempt };
        }
    }

    /// The call ends before OpenAI answered it, but was announced: OpenAI holds its answer back until somebody
    /// accepts, and a CANCEL alone would leave the application with a call that is no more. What OpenAI says to
    /// this changes nothing.
    pub(super) fn withdraw(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let is_up = !matches!(call.state, State::Inviting) || call.openai.dialog.is_none();
        let Some(name) = call.openai.call_id.as_ref().filter(|_| !is_up) else {
            return;
        };
        if self.config.openai.api_key.is_none() {
            return;
        }
        // Somebody may have accepted it, or be about to: then it is not to be rejected but hung up.
        let (operation, body) = match self.proxied.accepts.knows(name) {
            true => ("hangup", String::new()),
            false => (
                "reject",
                format!("{{\"status_code\":{REQUEST_TERMINATED}}}"),
            ),
        };
        let base = self.api_base(Some(id));
        let request = Request {
            method: "POST".into(),
            target: format!("{base}/realtime/calls/{name}/{operation}"),
            headers: vec![
                ("Authorization".into(), self.own_authorization()),
                ("Content-Type".into(), "application/json".into()),
            ],
            body: body.into(),
        };
        self.fetch(request);
    }

    pub(super) fn http_response(
        &mut self,
        clock: Clock,
        fetch: FetchId,
        result: Result<Response, String>,
    ) {
        if self.proxied_response(clock, fetch, &result)
            || self.webhook_delivered(clock, fetch, &result)
        {
            return;
        }
        let Some((id, call_id)) = self.accepting.remove(&fetch) else {
            return;
        };
        self.tell_joined(&call_id, fetch, &result);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let attempt = match call.openai.accept {
            Accept::Asked {
                fetch: asked,
                attempt,
            } if asked == fetch => attempt,
            // Of an INVITE that was given up since.
            _ => return,
        };
        let (again, said) = match &result {
            Ok(response) if (200..300).contains(&response.status) => {
                call.openai.accept = Accept::Done;
                call.diary
                    .note(clock.now, "accepted", "OpenAI took the session");
                return self.open_own_sideband(clock, id);
            }
            // Who refuses once refuses always; these say "not now".
            Ok(response) => (
                matches!(response.status, 408 | 409 | 429 | 500..=599),
                format!("status {}", response.status),
            ),
            Err(why) => (true, why.clone()),
        };
        call.diary.note(clock.now, "accept_failed", said);
        if !again || attempt >= MAX_ATTEMPTS {
            return self.end(clock, id, EndReason::AcceptFailed);
        }
        call.openai.accept = Accept::Pausing { attempt };
        let pause = FIRST_PAUSE * 2_u32.pow(attempt - 1);
        let jitter = pause.mul_f64(f64::from(self.random.next_u32()) / f64::from(u32::MAX));
        self.timers
            .set(id, Timer::Accept, clock.now + pause + jitter);
    }

    pub(super) fn accept_again(&mut self, clock: Clock, id: CallId) {
        if let Some(Accept::Pausing { attempt }) =
            self.calls.get(&id).map(|call| &call.openai.accept)
        {
            let next = attempt + 1;
            self.accept(clock, id, next);
        }
    }
}
