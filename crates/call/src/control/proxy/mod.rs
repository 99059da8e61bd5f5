//! The application's own requests about a call, on their way to OpenAI: `POST
//! /v1/realtime/calls/{call_id}/accept | reject | refer | hangup`, at the paths that OpenAI has, so that an
//! application changes its base URL and nothing else. Nothing else below `/v1` goes anywhere.

mod accepts;
mod error;

pub(crate) use accepts::{Accepts, Credential, Turn};
pub(crate) use error::{Problem, refusal};

use crate::http::{Request, Response};
use crate::secret::Secret;
use subtle::ConstantTimeEq;

/// What is asked of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Operation {
    Accept,
    Reject,
    Refer,
    Hangup,
}

impl Operation {
    const ALL: [Operation; 4] = [
        Operation::Accept,
        Operation::Reject,
        Operation::Refer,
        Operation::Hangup,
    ];

    /// The last segment of the path, and the metric's label.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Accept => "accept",
            Operation::Reject => "reject",
            Operation::Refer => "refer",
            Operation::Hangup => "hangup",
        }
    }
}

/// What a path below `/v1` leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Addressed<'a> {
    pub(crate) call_id: &'a str,
    pub(crate) operation: Operation,
}

/// Whether the proxy answers for a target at all.
pub(crate) fn is_proxied(target: &str) -> bool {
    target == "/v1" || target.starts_with("/v1/")
}

/// Reads method and path; what else lies below `/v1` is refused.
pub(crate) fn address(request: &Request) -> Result<Addressed<'_>, Problem> {
    let target = &request.target;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let rest = path.strip_prefix("/v1/realtime/calls/");
    let (call_id, operation) = rest
        .and_then(|rest| rest.split_once('/'))
        .ok_or(Problem::Path)?;
    let operation = Operation::ALL
        .into_iter()
        .find(|known| known.name() == operation);
    let operation = operation.ok_or(Problem::Path)?;
    if !is_call_id(call_id) || !query.is_empty() {
        return Err(Problem::Path);
    }
    if request.method != "POST" {
        return Err(Problem::Method);
    }
    Ok(Addressed { call_id, operation })
}

/// The call that a WebSocket is about: `/v1/realtime?call_id=...`. What else an application asks for in the query is
/// for sessions without a call, which don't come here.
pub(crate) fn socket_address(request: &Request) -> Result<&str, Problem> {
    let target = request.target.split_once('?');
    let (path, query) = target.ok_or(Problem::Path)?;
    let call_id = query
        .split('&')
        .find_map(|one| one.strip_prefix("call_id="));
    match call_id.filter(|id| path == "/v1/realtime" && is_call_id(id)) {
        Some(call_id) => Ok(call_id),
        None => Err(Problem::Path),
    }
}

/// Whether the text is what OpenAI calls a call: nothing that could change the path it is put into.
pub(crate) fn is_call_id(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    (1..=MAX_CALL_ID).contains(&text.len()) && text.bytes().all(fits)
}

/// Whose key goes upstream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The client showed squelch's own token: squelch's key.
    Own,
    /// What the client showed, as it is.
    Shown(String),
}

/// What the request shows, and what goes upstream for it.
///
/// `token` is squelch's own; it never goes to anybody.
pub(crate) fn key(authorization: Option<&str>, token: Option<&Secret>) -> Result<Key, Problem> {
    let shown = authorization
        .map(str::trim)
        .filter(|shown| !shown.is_empty());
    let shown = shown.ok_or(Problem::NoKey)?;
    let bearer = shown
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, bearer)| bearer.trim())
        .ok_or(Problem::NoKey)?;
    let is_token = token.is_some_and(|token| bearer.as_bytes().ct_eq(token.expose()).into());
    match is_token {
        true => Ok(Key::Own),
        false => Ok(Key::Shown(shown.to_owned())),
    }
}

/// What goes on of a request's headers beside its authorization: what OpenAI reads, no more.
pub(crate) fn headers_upstream(request: &Request) -> Vec<(String, String)> {
    pick(&request.headers, &UPSTREAM)
}

/// What comes back of OpenAI's answer.
pub(crate) fn answer_downstream(response: Response) -> Response {
    Response {
        headers: pick(&response.headers, &DOWNSTREAM),
        ..response
    }
}

fn pick(headers: &[(String, String)], names: &[&str]) -> Vec<(String, String)> {
    let wanted = |name: &str| names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
    let headers = headers.iter().filter(|(name, _)| wanted(name));
    headers.cloned().collect()
}

/// OpenAI's are some 40 characters long.
const MAX_CALL_ID: usize = 128;
/// Headers of OpenAI's API, and those that its clients send to be told apart by.
const UPSTREAM: [&str; 7] = [
    "Content-Type",
    "User-Agent",
    "OpenAI-Organization",
    "OpenAI-Project",
    "OpenAI-Beta",
    "Idempotency-Key",
    "X-Client-Request-Id",
];
/// What a client reads of an answer: its type, its number for support, when to come again.
const DOWNSTREAM: [&str; 6] = [
    "Content-Type",
    "X-Request-Id",
    "Retry-After",
    "Retry-After-Ms",
    "X-Should-Retry",
    "OpenAI-Processing-Ms",
];
