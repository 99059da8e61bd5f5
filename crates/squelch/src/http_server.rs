//! A small HTTP/1.1 server around a router: so many connections, so much patience.
//! A connection that became a WebSocket is counted no longer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use squelch_call::http;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::signaling_io::explain;

/// An address that could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {address}: {}", explain(source))]
pub struct ListenError {
    /// What named it: a key of the configuration or an option.
    pub key: &'static str,
    /// Which.
    pub address: SocketAddr,
    /// Why.
    pub source: std::io::Error,
}

/// Binds the address that `key` names.
pub(crate) async fn listen(
    key: &'static str,
    address: SocketAddr,
) -> Result<TcpListener, ListenError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ListenError {
        key,
        address,
        source,
    })
}

/// Serves until the task is aborted. Connections beyond [`CONNECTIONS`] wait to be accepted.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "accepting an HTTP connection failed");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let mut builder = Builder::new(TokioExecutor::new()).http1_only();
            builder
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS)
                .max_buf_size(HEADERS_BYTES);
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
            match tokio::time::timeout(CONNECTION, connection).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(error)) => tracing::debug!(%error, "an HTTP connection failed"),
            }
            drop(permit);
        });
    }
}

/// A request as data.
pub(crate) fn as_data(head: &request::Parts, body: Bytes) -> http::Request {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    http::Request {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        headers: (head.headers.iter())
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body,
    }
}

/// A response out of data.
pub(crate) fn framed(response: http::Response) -> Response {
    let mut framed = Response::builder().status(response.status);
    for (name, value) in response.headers {
        framed = framed.header(name, value);
    }
    let framed = framed.body(Body::from(response.body));
    framed.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Connections of one server at once.
const CONNECTIONS: usize = 256;
/// For a request's headers, and for the next request of an idle connection.
const HEADERS: Duration = Duration::from_secs(5);
/// A request's line and headers at most; OpenAI's webhooks have some 1 KB of them. A body comes through the same
/// buffer, piece by piece.
const HEADERS_BYTES: usize = 16 * 1024;
/// The longest a connection lasts; clients open another.
const CONNECTION: Duration = Duration::from_secs(300);
/// Between attempts to accept when one failed.
const PAUSE: Duration = Duration::from_millis(100);
