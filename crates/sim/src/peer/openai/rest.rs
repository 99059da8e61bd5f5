//! `POST /v1/realtime/calls/{call_id}/accept | reject | hangup`.

use std::time::{Instant, SystemTime};

use bytes::Bytes;
use serde_json::Value;
use squelch_sip::Rejection;

use super::config::Profile;
use super::refusal::Refusal;
use super::session::PatchRules;
use super::{CallKey, OpenAi, State};
use crate::http::{Request, Response};

impl OpenAi {
    /// Answers a REST request.
    pub fn http(&mut self, now: Instant, wall: SystemTime, request: &Request) -> Response {
        let response = self.route(now, request);
        self.run_endpoint(now, wall);
        response.unwrap_or_else(|refused| refused)
    }

    fn route(&mut self, now: Instant, request: &Request) -> Result<Response, Response> {
        self.authorize(request)?;
        let path = request.target.split('?').next().unwrap_or_default();
        let action = path
            .split_once("/v1/realtime/calls/")
            .and_then(|(_, rest)| rest.split_once('/'));
        let Some((id, action)) = action.filter(|_| request.method == "POST") else {
            let message = format!("Invalid URL ({} {path})", request.method);
            return Err(Refusal::coded(message, None).to_response(404));
        };
        let key = self.live_call(id)?;
        match action {
            "accept" => self.accept(now, key, &request.body),
            "reject" => self.reject(now, key, &request.body),
            "hangup" => self.hangup(now, key),
            _ => {
                let message = format!("The stand-in does not do '{action}'.");
                Err(Refusal::coded(message, None).to_response(404))
            }
        }
    }

    /// Wants the Bearer token.
    pub(super) fn authorize(&self, request: &Request) -> Result<(), Response> {
        let expected = format!("Bearer {}", self.config.api_key);
        let mut headers = request.headers.iter();
        let shown = headers.find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        match shown {
            Some((_, value)) if *value == expected => Ok(()),
            _ => {
                let refusal =
                    Refusal::coded("Incorrect API key provided.", Some("invalid_api_key"));
                Err(refusal.to_response(401))
            }
        }
    }

    /// A call by its id, unless it is over.
    pub(super) fn live_call(&self, id: &str) -> Result<CallKey, Response> {
        let mut calls = self.calls.iter();
        let found = calls.find(|(_, call)| call.id == id && call.state != State::Over);
        found.map(|(key, _)| *key).ok_or_else(|| {
            let message = format!("No session found for call_id '{id}'.");
            Refusal::coded(message, Some("call_id_not_found")).to_response(404)
        })
    }

    fn accept(&mut self, now: Instant, key: CallKey, body: &[u8]) -> Result<Response, Response> {
        let call = self.pending(key)?;
        let session: Value = serde_json::from_slice(body).map_err(|_| {
            Refusal::coded("We could not parse the JSON body of your request.", None)
                .to_response(400)
        })?;
        let Some(patch) = session.as_object() else {
            return Err(Refusal::wrong_type("session", "an object", &session).to_response(400));
        };
        let rules = PatchRules {
            initial: true,
            has_spoken: false,
            prompts: &self.config.prompts,
        };
        let call = match self.calls.get_mut(&call) {
            Some(call) => call,
            None => return Err(not_pending()),
        };
        if let Err(refusal) = call.session.patch(patch, &rules) {
            match self.config.profile {
                // The seed: 200 all the same; the error is only seen by who listens.
                Profile::Seed if refusal.clobbers => {
                    let event = refusal.to_event("event_initial", Some("initial_session_update"));
                    call.notices.push(event);
                }
                Profile::Seed => return Err(refusal.to_response(400)),
                // Since then: an invalid accept ends the call.
                Profile::Current => {
                    let dialog = call.dialog;
                    self.endpoint
                        .reject(now, dialog, Rejection::status(REJECTED));
                    self.over(dialog);
                    return Err(refusal.to_response(400));
                }
            }
        }
        call.state = State::Accepted;
        self.answer_if_ready(now, key);
        Ok(done())
    }

    fn reject(&mut self, now: Instant, key: CallKey, body: &[u8]) -> Result<Response, Response> {
        let key = self.pending(key)?;
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let asked = body.get("status_code").and_then(Value::as_u64);
        let status = asked
            .and_then(|status| u16::try_from(status).ok())
            .unwrap_or(REJECTED);
        if !(300..700).contains(&status) {
            let message = format!("Invalid value: {status}. Expected a status of 300 to 699.");
            return Err(Refusal::invalid(message, "status_code").to_response(400));
        }
        if let Some(call) = self.calls.get(&key) {
            let dialog = call.dialog;
            self.endpoint.reject(now, dialog, Rejection::status(status));
            self.over(dialog);
        }
        Ok(done())
    }

    fn hangup(&mut self, now: Instant, key: CallKey) -> Result<Response, Response> {
        if let Some(call) = self.calls.get(&key) {
            let dialog = call.dialog;
            if call.state == State::Answered {
                self.endpoint.bye(now, dialog, None);
            } else {
                self.endpoint
                    .reject(now, dialog, Rejection::status(REJECTED));
                self.over(dialog);
            }
        }
        Ok(done())
    }

    /// A call on which nothing was decided yet.
    fn pending(&self, key: CallKey) -> Result<CallKey, Response> {
        let state = self.calls.get(&key).map(|call| call.state);
        if state == Some(State::Pending) {
            Ok(key)
        } else {
            Err(not_pending())
        }
    }
}

fn not_pending() -> Response {
    let message = "A decision was already made for this call.";
    Refusal::coded(message, Some("decision_already_made")).to_response(400)
}

/// OpenAI answers with an empty 200, without Content-Type.
fn done() -> Response {
    Response {
        status: 200,
        headers: Vec::new(),
        body: Bytes::new(),
    }
}

/// What a call is refused with where nobody names a status.
const REJECTED: u16 = 603;
