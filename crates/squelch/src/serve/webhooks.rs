//! `[http]`: what OpenAI posts to.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use squelch_call::http;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::ask::{Ask, PATIENCE};
use crate::http_server;

/// Serves until the task is aborted.
pub(super) async fn serve(listener: TcpListener, asks: mpsc::Sender<Ask>) {
    let router = Router::new().fallback(pass).with_state(asks);
    http_server::serve(listener, router).await;
}

/// Takes any request to the gateway: what it makes of method, path and signature is its own.
async fn pass(State(asks): State<mpsc::Sender<Ask>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = match timeout(BODY, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let text =
        |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let request = http::Request {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        headers: (head.headers.iter())
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body,
    };
    let (reply, answer) = oneshot::channel();
    let asked = async {
        asks.send(Ask::Http { request, reply }).await.ok()?;
        answer.await.ok()
    };
    match timeout(PATIENCE, asked).await {
        Ok(Some(response)) => framed(response),
        // OpenAI posts again.
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn framed(response: http::Response) -> Response {
    let mut framed = Response::builder().status(response.status);
    for (name, value) in response.headers {
        framed = framed.header(name, value);
    }
    let framed = framed.body(Body::from(response.body));
    framed.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// A webhook is some 2 KB; SIP headers that it repeats may be long.
const MAX_BODY: usize = 256 * 1024;
const BODY: Duration = Duration::from_secs(10);
