//! The application's requests about a call, taken to OpenAI and back.

use super::{Clock, Gateway};
use crate::call::Accept;
use crate::control::proxy::{
    self, Accepts, Addressed, Credential, Key, Operation, Problem, Turn, refusal,
};
use crate::control::session_guard::{self, Code, Context, Finding, Judgement, Message, Weight};
use crate::http::{Request, Response};
use crate::io::{CallId, ExchangeId, FetchId, Output};
use serde_json::Value;
use std::collections::HashMap;

/// What is under way, and whose.
#[derive(Debug, Default)]
pub(super) struct Proxied {
    pub(super) accepts: Accepts,
    asked: HashMap<FetchId, Asked>,
}

/// A request that went upstream for the application.
#[derive(Debug)]
struct Asked {
    call_id: String,
    operation: Operation,
    /// Who waits; of an accept that others may join, [`Accepts`] knows.
    exchange: Option<ExchangeId>,
}

impl Gateway {
    /// Answers a request below `/v1`, now or when OpenAI did.
    pub(super) fn proxy(&mut self, clock: Clock, exchange: ExchangeId, request: &Request) {
        let asked = proxy::address(request).and_then(|addressed| {
            let token = self.config.http_token.as_ref();
            let key = proxy::key(request.header("Authorization"), token)?;
            Ok((addressed, key))
        });
        let (addressed, key) = match asked {
            Ok(asked) => asked,
            Err(problem) => {
                self.counters.proxied("other", "refused");
                return self.reply(exchange, refusal(problem));
            }
        };
        let authorization = match key {
            Key::Own => self.own_authorization(),
            Key::Shown(shown) => shown,
        };
        match addressed.operation {
            Operation::Accept => {
                self.proxy_accept(clock, exchange, request, addressed, authorization);
            }
            Operation::Reject | Operation::Refer | Operation::Hangup => {
                let body = request.body.clone();
                let upstream = self.upstream(request, &addressed, authorization, body);
                self.ask_upstream(exchange, &addressed, upstream);
            }
        }
    }

    fn proxy_accept(
        &mut self,
        clock: Clock,
        exchange: ExchangeId,
        request: &Request,
        addressed: Addressed<'_>,
        authorization: String,
    ) {
        let id = self.call_named(addressed.call_id);
        let body = match self.judge_accept(clock, id, request) {
            Ok(body) => body,
            Err(refused) => {
                self.counters.proxied("accept", "refused");
                return self.reply(exchange, refused);
            }
        };
        let who = Credential::of(authorization.as_bytes());
        let accepts = &mut self.proxied.accepts;
        match accepts.turn(addressed.call_id, exchange, who) {
            Turn::Ask => {
                let upstream = self.upstream(request, &addressed, authorization, body);
                let call_id = addressed.call_id.to_owned();
                let fetch = self.fetch(upstream);
                let accepts = &mut self.proxied.accepts;
                accepts.began(&call_id, fetch, Some(exchange), who);
                let asked = Asked {
                    call_id,
                    operation: Operation::Accept,
                    exchange: None,
                };
                self.proxied.asked.insert(fetch, asked);
                self.counters.proxied("accept", "forwarded");
            }
            Turn::Apart => {
                let upstream = self.upstream(request, &addressed, authorization, body);
                self.ask_upstream(exchange, &addressed, upstream);
            }
            Turn::Joined => self.counters.proxied("accept", "joined"),
            Turn::Known(response) => {
                self.counters.proxied("accept", "repeated");
                self.reply(exchange, response);
            }
            Turn::Busy => {
                self.counters.proxied("accept", "refused");
                self.reply(exchange, refusal(Problem::Busy));
            }
        }
    }

    /// The body that goes upstream, or the 400 that the application gets.
    fn judge_accept(
        &mut self,
        clock: Clock,
        id: Option<CallId>,
        request: &Request,
    ) -> Result<bytes::Bytes, Response> {
        let context = Context {
            policy: self.config.openai.audio_format,
            negotiated: id
                .and_then(|id| self.calls.get(&id))
                .and_then(|call| call.negotiated_with_openai(&self.config.openai.formats)),
        };
        let judged = match serde_json::from_slice::<Value>(&request.body) {
            Ok(session) => session_guard::judge_session(&session, Message::Accept, context),
            Err(error) => Judgement::Refuse(vec![Finding {
                weight: Weight::Refused,
                code: Code::InvalidJson,
                path: None,
                problem: format!("the body is no JSON: {error}"),
                mend: "send the session as a JSON object with \"type\": \"realtime\"".into(),
            }]),
        };
        let (verdict, event, said, outcome) = match judged {
            Judgement::Pass { .. } => ("pass", None, String::new(), Ok(request.body.clone())),
            Judgement::Rewrite { value, changes, .. } => {
                let body = value.to_string().into();
                (
                    "rewrite",
                    Some("session_rewritten"),
                    changes.join("; "),
                    Ok(body),
                )
            }
            Judgement::Refuse(findings) => {
                let said: Vec<String> = findings.iter().map(Finding::to_string).collect();
                let first = findings.iter().find(|f| f.weight == Weight::Refused);
                let body = first.map(Finding::error_body).unwrap_or_default();
                let response = Response {
                    status: 400,
                    headers: vec![("Content-Type".into(), "application/json".into())],
                    body: body.to_string().into(),
                };
                (
                    "refuse",
                    Some("session_refused"),
                    said.join(". "),
                    Err(response),
                )
            }
        };
        let counted = self.counters.session_guard.entry(("accept", verdict));
        *counted.or_default() += 1;
        if let (Some(event), Some(id)) = (event, id) {
            self.note(clock, id, event, said);
        }
        outcome
    }

    fn upstream(
        &self,
        request: &Request,
        addressed: &Addressed<'_>,
        authorization: String,
        body: bytes::Bytes,
    ) -> Request {
        let base = self.api_base(self.call_named(addressed.call_id));
        let mut headers = vec![("Authorization".to_owned(), authorization)];
        headers.extend(proxy::headers_upstream(request));
        Request {
            method: "POST".into(),
            target: format!(
                "{base}/realtime/calls/{}/{}",
                addressed.call_id,
                addressed.operation.name()
            ),
            headers,
            body,
        }
    }

    /// Sends a request that nobody joins.
    fn ask_upstream(&mut self, exchange: ExchangeId, addressed: &Addressed<'_>, upstream: Request) {
        let name = addressed.operation.name();
        if self.proxied.asked.len() >= MAX_ASKED {
            self.counters.proxied(name, "refused");
            return self.reply(exchange, refusal(Problem::Busy));
        }
        let fetch = self.fetch(upstream);
        let asked = Asked {
            call_id: addressed.call_id.to_owned(),
            operation: addressed.operation,
            exchange: Some(exchange),
        };
        self.proxied.asked.insert(fetch, asked);
        self.counters.proxied(name, "forwarded");
    }

    /// Takes OpenAI's answer to whoever asked; `false` where it was no request of the application's.
    pub(super) fn proxied_response(
        &mut self,
        clock: Clock,
        fetch: FetchId,
        result: &Result<Response, String>,
    ) -> bool {
        let Some(asked) = self.proxied.asked.remove(&fetch) else {
            return false;
        };
        let name = asked.operation.name();
        let answer = match result {
            Ok(response) => proxy::answer_downstream(response.clone()),
            Err(_) => {
                self.counters.proxied(name, "failed");
                refusal(Problem::NoAnswer)
            }
        };
        if let Some(id) = self.call_named(&asked.call_id) {
            self.application_asked(clock, id, asked.operation, result);
        }
        match asked.exchange {
            Some(exchange) => self.reply(exchange, answer),
            None => self.answer_joined(&asked.call_id, fetch, &answer),
        }
        true
    }

    /// Gives the outcome of squelch's own accept to the application's that joined it.
    pub(super) fn tell_joined(
        &mut self,
        call_id: &str,
        fetch: FetchId,
        result: &Result<Response, String>,
    ) {
        let answer = match result {
            Ok(response) => proxy::answer_downstream(response.clone()),
            Err(_) => refusal(Problem::NoAnswer),
        };
        self.answer_joined(call_id, fetch, &answer);
    }

    fn answer_joined(&mut self, call_id: &str, fetch: FetchId, answer: &Response) {
        for exchange in self.proxied.accepts.ended(call_id, fetch, answer) {
            self.reply(exchange, answer.clone());
        }
    }

    /// What an answered request of the application means to its call.
    fn application_asked(
        &mut self,
        clock: Clock,
        id: CallId,
        operation: Operation,
        result: &Result<Response, String>,
    ) {
        let is_taken = matches!(result, Ok(response) if (200..300).contains(&response.status));
        let said = match result {
            Ok(response) => format!("status {}", response.status),
            Err(why) => why.clone(),
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let (event, said) = match (operation, is_taken) {
            (Operation::Accept, true) => {
                call.openai.accept = Accept::Done;
                (
                    "accepted",
                    "OpenAI took the application's session".to_owned(),
                )
            }
            (Operation::Accept, false) => ("accept_failed", said),
            (Operation::Reject, _) => ("application_rejects", said),
            (Operation::Refer, _) => ("application_refers", said),
            (Operation::Hangup, _) => ("application_hangs_up", said),
        };
        call.diary.note(clock.now, event, said);
    }

    /// The API that a call belongs to. A call that the carrier placed at OpenAI itself is known by no route: the
    /// first is the one in use.
    pub(super) fn api_base(&self, call: Option<CallId>) -> &str {
        let route = call
            .and_then(|id| self.calls.get(&id))
            .map(|call| call.openai.route);
        let routes = &self.config.openai.routes;
        let first = self.preference.first().and_then(|route| routes.get(*route));
        let base = route.and_then(|route| routes.get(route)).or(first);
        base.map_or("", |route| route.api_base.trim_end_matches('/'))
    }

    /// The call that OpenAI goes by this name.
    pub(super) fn call_named(&self, call_id: &str) -> Option<CallId> {
        self.call_ids.get(call_id).copied()
    }

    /// squelch's own key, as a header says it.
    pub(super) fn own_authorization(&self) -> String {
        let key = self.config.openai.api_key.as_ref();
        let key = key.map(|key| String::from_utf8_lossy(key.expose()).into_owned());
        format!("Bearer {}", key.unwrap_or_default())
    }

    /// Sends an HTTP request.
    pub(super) fn fetch(&mut self, request: Request) -> FetchId {
        self.next_fetch += 1;
        let fetch = FetchId(self.next_fetch);
        self.outputs.push_back(Output::Http { fetch, request });
        fetch
    }

    fn reply(&mut self, exchange: ExchangeId, response: Response) {
        self.outputs
            .push_back(Output::HttpReply { exchange, response });
    }
}

/// Requests of the application that wait for OpenAI at once.
const MAX_ASKED: usize = 1_000;
