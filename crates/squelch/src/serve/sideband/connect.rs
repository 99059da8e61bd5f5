//! A WebSocket to OpenAI.

use std::time::Duration;

use squelch_call::http;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Request, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::relay::MAX_MESSAGE;

/// A connection in the clear or over TLS.
pub(in crate::serve) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connected WebSocket.
pub(in crate::serve) struct Upstream(pub(super) WebSocketStream<Box<dyn Stream>>);

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Upstream")
    }
}

/// Why there is none: OpenAI's answer, or that there was none.
type Refused = Result<http::Response, String>;

/// Connects, in [`PATIENCE`] at most.
pub(super) async fn connect(
    tls: &TlsConnector,
    request: &http::Request,
) -> Result<Upstream, Refused> {
    match timeout(PATIENCE, open(tls, request)).await {
        Ok(done) => done,
        Err(_) => Err(Err(format!("no answer in {} s", PATIENCE.as_secs()))),
    }
}

async fn open(tls: &TlsConnector, request: &http::Request) -> Result<Upstream, Refused> {
    let upgrade = upgrade(request).map_err(Err)?;
    let stream = stream(tls, upgrade.uri()).await.map_err(Err)?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    match client_async_with_config(upgrade, stream, Some(limits)).await {
        Ok((socket, _)) => Ok(Upstream(socket)),
        Err(Error::Http(answer)) => Err(Ok(as_data(*answer))),
        Err(error) => Err(Err(error.to_string())),
    }
}

fn upgrade(request: &http::Request) -> Result<Request<()>, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let mut upgrade = (request.target.as_str())
        .into_client_request()
        .map_err(|e| text(&e))?;
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| text(&e))?;
        let value = HeaderValue::from_str(value).map_err(|e| text(&e))?;
        upgrade.headers_mut().insert(name, value);
    }
    Ok(upgrade)
}

async fn stream(tls: &TlsConnector, url: &Uri) -> Result<Box<dyn Stream>, String> {
    let host = url.host().ok_or("the URL has no host")?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_tls = url.scheme_str() == Some("wss");
    let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let connected = TcpStream::connect((bare, port)).await;
    let tcp = connected.map_err(|error| format!("{host}:{port}: {error}"))?;
    // Events are small, and each is somebody's turn.
    let _ = tcp.set_nodelay(true);
    if !is_tls {
        return Ok(Box::new(tcp));
    }
    let name = rustls::pki_types::ServerName::try_from(bare.to_owned());
    let name = name.map_err(|error| format!("{host}: {error}"))?;
    let secured = tls.connect(name, tcp).await;
    Ok(Box::new(
        secured.map_err(|error| format!("{host}: {error}"))?,
    ))
}

fn as_data(
    answer: tokio_tungstenite::tungstenite::http::Response<Option<Vec<u8>>>,
) -> http::Response {
    let (head, body) = answer.into_parts();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    http::Response {
        status: head.status.as_u16(),
        headers: (head.headers.iter())
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: body.unwrap_or_default().into(),
    }
}

/// Name, connection, TLS and handshake.
const PATIENCE: Duration = Duration::from_secs(5);
