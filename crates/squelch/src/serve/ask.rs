//! What others ask of the gateway's task.

use bytes::Bytes;
use squelch_call::http;
use tokio::sync::oneshot;

use super::sideband::Opened;
use crate::captures::NotRecorded;
use crate::config::Config;

/// A question or an order.
#[derive(Debug)]
pub(super) enum Ask {
    /// An HTTP request for the gateway.
    Http {
        /// The request.
        request: http::Request,
        /// For its answer.
        reply: oneshot::Sender<http::Response>,
    },
    /// The application opens a WebSocket.
    Socket {
        /// The request to upgrade.
        request: http::Request,
        /// For the conversation, or why there is none.
        reply: oneshot::Sender<Opened>,
    },
    /// All metrics, as Prometheus reads them.
    Metrics(oneshot::Sender<String>),
    /// The calls that are up, as JSON.
    Calls(oneshot::Sender<Bytes>),
    /// Record a call, by the id in its record; answered with the file's name.
    Record {
        /// Which.
        id: String,
        /// For the answer.
        reply: oneshot::Sender<Result<String, NotRecorded>>,
    },
    /// Record it no longer.
    StopRecording {
        /// Which.
        id: String,
        /// For the answer.
        reply: oneshot::Sender<Result<String, NotRecorded>>,
    },
    /// Whether new calls are taken.
    Ready(oneshot::Sender<bool>),
    /// Go by another configuration.
    Reload(Box<Config>),
    /// Take no new calls, end when the last is over.
    Drain,
}

/// Asks that wait; who asks waits too, the servers for [`PATIENCE`] at most.
pub(super) const WAITING: usize = 256;
/// How long an HTTP server waits for the gateway's task before it answers 503.
pub(super) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
