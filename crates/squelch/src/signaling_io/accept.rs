//! Accepting connections. Handshakes run beside the accepting loop, never in it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::ServerConfig;
use squelch_sip::{ConnectionId, Protocol};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::Lost;
use super::arrival::{Arrival, Note};
use super::connection::{self, HANDSHAKE};
use super::slots::{Slot, Slots};

/// What a listener needs to accept.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) protocol: Protocol,
    pub(super) server: Option<Arc<ServerConfig>>,
    pub(super) slots: Slots,
    pub(super) numbers: Arc<AtomicU64>,
    pub(super) tell: mpsc::Sender<Note>,
    pub(super) lost: Arc<Lost>,
}

/// Accepts until the task is aborted.
pub(super) async fn accept(listener: TcpListener, local: SocketAddr, door: Door) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => match door.slots.take(remote.ip()) {
                Some(slot) => {
                    tokio::spawn(welcome(stream, local, remote, slot, door.clone()));
                }
                None => {
                    door.lost.refused.fetch_add(1, Ordering::Relaxed);
                }
            },
            // No file descriptor is left, or the peer is gone already: neither mends at once.
            Err(error) => {
                tracing::warn!(%local, %error, "accepting a SIP connection failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn welcome(stream: TcpStream, local: SocketAddr, remote: SocketAddr, slot: Slot, door: Door) {
    // Without it small messages wait for acknowledgements; a socket that can't is no worse.
    let _ = stream.set_nodelay(true);
    // Our own end: the listener may stand for all addresses of the machine.
    let local_end = stream.local_addr().unwrap_or(local);
    let connection = ConnectionId::Accepted(door.numbers.fetch_add(1, Ordering::Relaxed));
    let arrival = Arrival::Accepted {
        connection,
        protocol: door.protocol,
        local,
        remote,
    };
    let (writer, queue) = connection::queue((local_end, remote));
    // Strangers that say nothing don't hold their place.
    let first = (!slot.is_expected()).then_some(FIRST_BYTES);
    match door.server {
        None => {
            if door.tell.send(Note::Up(writer, arrival)).await.is_ok() {
                connection::run(stream, connection, queue, first, door.tell).await;
            }
        }
        Some(server) => {
            let handshake = TlsAcceptor::from(server).accept(stream);
            match tokio::time::timeout(HANDSHAKE, handshake).await {
                Ok(Ok(stream)) => {
                    if door.tell.send(Note::Up(writer, arrival)).await.is_ok() {
                        connection::run(stream, connection, queue, first, door.tell).await;
                    }
                }
                Ok(Err(error)) => tracing::debug!(%remote, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(%remote, "TLS handshake took too long"),
            }
        }
    }
    drop(slot);
}

/// How long a stranger may stay silent after connecting.
const FIRST_BYTES: Duration = Duration::from_secs(5);
/// Between attempts to accept when one failed.
const PAUSE: Duration = Duration::from_millis(100);
