//! What the proxy says where a request does not reach OpenAI, in the shape of OpenAI's errors.

use crate::http::Response;
use serde_json::{Value, json};

/// Why a request stays here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    Path,
    Method,
    NoKey,
    Busy,
    /// The call ended before its WebSocket was there.
    NoCall,
    /// OpenAI could not be reached or gave no answer.
    NoAnswer,
}

impl Problem {
    fn status(self) -> u16 {
        match self {
            Problem::Path | Problem::NoCall => 404,
            Problem::Method => 405,
            Problem::NoKey => 401,
            Problem::Busy => 503,
            Problem::NoAnswer => 502,
        }
    }

    /// The kind, in OpenAI's words.
    fn kind(self) -> &'static str {
        match self {
            Problem::Busy | Problem::NoAnswer => "server_error",
            Problem::Path | Problem::NoCall | Problem::Method | Problem::NoKey => {
                "invalid_request_error"
            }
        }
    }

    fn message(self) -> &'static str {
        match self {
            Problem::Path => {
                "squelch forwards POST /v1/realtime/calls/{call_id}/accept, reject, refer and hangup, and \
                 the WebSocket /v1/realtime?call_id=..., nothing else; ask OpenAI itself for the rest"
            }
            Problem::Method => "this path takes POST alone",
            Problem::NoKey => {
                "no key: send Authorization: Bearer with an OpenAI key, or with squelch's own token \
                 ([http] token_env)"
            }
            Problem::NoCall => "the call is over",
            Problem::Busy => "too many requests wait for OpenAI's answer; try again shortly",
            Problem::NoAnswer => "OpenAI gave no answer; squelch's log says why",
        }
    }
}

/// The answer for it.
pub(crate) fn refusal(problem: Problem) -> Response {
    let body = json!({"error": {
        "type": problem.kind(),
        "code": null,
        "message": problem.message(),
        "param": null,
    }});
    let mut response = as_json(problem.status(), &body);
    match problem {
        Problem::Method => response.headers.push(("Allow".into(), "POST".into())),
        Problem::Busy => response.headers.push(("Retry-After".into(), "1".into())),
        _ => {}
    }
    response
}

/// An answer of ours.
pub(crate) fn as_json(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.to_string().into(),
    }
}
