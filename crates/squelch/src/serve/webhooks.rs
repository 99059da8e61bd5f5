//! `[http]`: what OpenAI posts to, and what the application asks of OpenAI through squelch.

use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::ask::{Ask, PATIENCE};
use super::sideband::MAX_MESSAGE;
use crate::http_server;

/// Serves until the task is aborted.
pub(super) async fn serve(listener: TcpListener, asks: mpsc::Sender<Ask>) {
    let router = Router::new()
        .route("/v1/realtime", any(socket))
        .fallback(pass)
        .with_state(asks);
    http_server::serve(listener, router).await;
}

/// Takes the application's WebSocket: it is open to the application once it is open to OpenAI.
async fn socket(
    State(asks): State<mpsc::Sender<Ask>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let (head, _) = request.into_parts();
    let request = http_server::as_data(&head, Bytes::new());
    let (reply, answer) = oneshot::channel();
    let asked = async {
        asks.send(Ask::Socket { request, reply }).await.ok()?;
        answer.await.ok()
    };
    match timeout(UPSTREAM, asked).await {
        Ok(Some(Ok(conversation))) => upgrade
            .max_message_size(MAX_MESSAGE)
            .max_frame_size(MAX_MESSAGE)
            .on_upgrade(|application| conversation.between(application)),
        Ok(Some(Err(refused))) => http_server::framed(refused),
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Takes any request to the gateway: what it makes of method, path and signature is its own.
async fn pass(State(asks): State<mpsc::Sender<Ask>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = match timeout(BODY, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let request = http_server::as_data(&head, body);
    let patience = match head.uri.path().starts_with("/v1/") {
        true => UPSTREAM,
        false => PATIENCE,
    };
    let (reply, answer) = oneshot::channel();
    let asked = async {
        asks.send(Ask::Http { request, reply }).await.ok()?;
        answer.await.ok()
    };
    match timeout(patience, asked).await {
        Ok(Some(response)) => http_server::framed(response),
        // OpenAI posts again, and so does its client.
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// A webhook is some 2 KB, but SIP headers that it repeats may be long; a session's instructions and tools too.
const MAX_BODY: usize = 256 * 1024;
const BODY: Duration = Duration::from_secs(10);
/// Longer than a request of ours to OpenAI may take (`errands`).
const UPSTREAM: Duration = Duration::from_secs(12);
