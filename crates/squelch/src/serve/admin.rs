//! `[admin]`: metrics, health, calls.

use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use sha2::{Digest, Sha256};
use squelch_call::Secret;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::ask::{Ask, PATIENCE};
use crate::captures::NotRecorded;
use crate::http_server;

/// Serves until the task is aborted.
pub(super) async fn serve(listener: TcpListener, token: Option<Secret>, asks: mpsc::Sender<Ask>) {
    let orders = Router::new()
        .route("/calls/{id}/record", post(record).delete(stop_recording))
        .layer(middleware::from_fn_with_state(
            token.clone(),
            only_where_asked,
        ));
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/calls", get(calls))
        .merge(orders)
        .layer(middleware::from_fn_with_state(token, only_with_token))
        // What a load balancer asks carries no token and tells nothing.
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(asks);
    http_server::serve(listener, router).await;
}

async fn metrics(State(asks): State<mpsc::Sender<Ask>>) -> Response {
    match ask(&asks, Ask::Metrics).await {
        Some(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn calls(State(asks): State<mpsc::Sender<Ask>>) -> Response {
    match ask(&asks, Ask::Calls).await {
        Some(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Begins to record a call; where it is being recorded already, that goes on.
async fn record(State(asks): State<mpsc::Sender<Ask>>, Path(id): Path<String>) -> Response {
    recording(ask(&asks, |reply| Ask::Record { id, reply }).await)
}

async fn stop_recording(State(asks): State<mpsc::Sender<Ask>>, Path(id): Path<String>) -> Response {
    recording(ask(&asks, |reply| Ask::StopRecording { id, reply }).await)
}

fn recording(answer: Option<Result<String, NotRecorded>>) -> Response {
    match answer {
        Some(Ok(file)) => Json(json!({ "file": file })).into_response(),
        Some(Err(refused)) => {
            let status = match refused {
                NotRecorded::NoCall => StatusCode::NOT_FOUND,
                NotRecorded::NoTap | NotRecorded::NotRunning | NotRecorded::Closing => {
                    StatusCode::CONFLICT
                }
            };
            (status, Json(json!({ "error": refused.to_string() }))).into_response()
        }
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Orders need a token, on loopback too: a page in the operator's browser can send them there, and knows none.
async fn only_where_asked(
    State(token): State<Option<Secret>>,
    request: Request,
    next: Next,
) -> Response {
    match token {
        Some(_) => next.run(request).await,
        None => {
            let error = "orders need a token: write token_env in [admin]";
            (StatusCode::FORBIDDEN, Json(json!({ "error": error }))).into_response()
        }
    }
}

/// Alive: the gateway's task answers.
async fn healthz(State(asks): State<mpsc::Sender<Ask>>) -> (StatusCode, &'static str) {
    match ask(&asks, Ask::Ready).await {
        Some(_) => (StatusCode::OK, "ok\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "stuck\n"),
    }
}

/// Ready: new calls are taken.
async fn readyz(State(asks): State<mpsc::Sender<Ask>>) -> (StatusCode, &'static str) {
    match ask(&asks, Ask::Ready).await {
        Some(true) => (StatusCode::OK, "ready\n"),
        Some(false) => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "stuck\n"),
    }
}

async fn ask<T>(
    asks: &mpsc::Sender<Ask>,
    question: impl FnOnce(oneshot::Sender<T>) -> Ask,
) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    let asked = async {
        asks.send(question(reply)).await.ok()?;
        answer.await.ok()
    };
    timeout(PATIENCE, asked).await.ok().flatten()
}

async fn only_with_token(
    State(token): State<Option<Secret>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let shown = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let right = match (&token, shown) {
        (None, _) => true,
        (Some(token), Some(shown)) => same(token.expose(), shown),
        (Some(_), None) => false,
    };
    match right {
        true => next.run(request).await,
        false => {
            // A guesser gets few tries a second on each connection.
            tokio::time::sleep(GUESS).await;
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response()
        }
    }
}

/// Whether two secrets are the same, in a time that tells nothing: their digests are compared.
fn same(one: &[u8], other: &[u8]) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}

/// What Prometheus asks for first and `prometheus-client` writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const GUESS: Duration = Duration::from_millis(200);
