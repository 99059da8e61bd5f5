//! The stand-in's REST and WebSocket.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use squelch_sim::http;
use squelch_sim::peer::openai::SocketId;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::http_server;

/// What a client did.
#[derive(Debug)]
pub(super) enum WebAsk {
    Http {
        request: http::Request,
        reply: oneshot::Sender<http::Response>,
    },
    Open {
        request: http::Request,
        reply: oneshot::Sender<Opened>,
    },
    Text {
        socket: SocketId,
        text: String,
    },
    Closed {
        socket: SocketId,
    },
}

/// A socket with the texts to send, or why it is refused.
pub(super) type Opened = Result<(SocketId, mpsc::Receiver<String>), http::Response>;
type Asks = mpsc::Sender<WebAsk>;

pub(super) async fn serve(listener: TcpListener, asks: Asks) {
    let router = Router::new()
        .route("/v1/realtime", any(sideband))
        .fallback(rest)
        .with_state(asks);
    http_server::serve(listener, router).await;
}

async fn rest(State(asks): State<Asks>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (reply, answer) = oneshot::channel();
    let request = http_server::as_data(&head, body);
    if asks.send(WebAsk::Http { request, reply }).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answer.await {
        Ok(response) => http_server::framed(response),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn sideband(
    State(asks): State<Asks>,
    upgrade: WebSocketUpgrade,
    request: Request,
) -> Response {
    let (head, _) = request.into_parts();
    let (reply, answer) = oneshot::channel();
    let request = http_server::as_data(&head, bytes::Bytes::new());
    if asks.send(WebAsk::Open { request, reply }).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answer.await {
        Ok(Ok((socket, texts))) => {
            upgrade.on_upgrade(move |stream| converse(stream, socket, texts, asks))
        }
        Ok(Err(refused)) => http_server::framed(refused),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn converse(
    mut stream: WebSocket,
    socket: SocketId,
    mut texts: mpsc::Receiver<String>,
    asks: Asks,
) {
    loop {
        tokio::select! {
            text = texts.recv() => match text {
                Some(text) => {
                    if stream.send(Message::Text(text.into())).await.is_err() {
                        break;
                    }
                }
                // The call is over.
                None => {
                    let _ = stream.send(Message::Close(None)).await;
                    return;
                }
            },
            message = stream.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    let text = text.to_string();
                    if asks.send(WebAsk::Text { socket, text }).await.is_err() {
                        break;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    let _ = asks.send(WebAsk::Closed { socket }).await;
}

/// More than a session may be long.
const MAX_BODY: usize = 4 * 1024 * 1024;
