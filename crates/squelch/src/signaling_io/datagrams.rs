//! Reading datagrams.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::Lost;
use super::arrival::{Arrival, Note};

/// Reads `socket` until the owner is gone.
pub(super) async fn receive(
    socket: UdpSocket,
    local: SocketAddr,
    tell: mpsc::Sender<Note>,
    lost: Arc<Lost>,
) {
    let mut buffer = vec![0; LARGEST_DATAGRAM];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                let bytes = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
                let arrival = Arrival::Datagram { local, from, bytes };
                match tell.try_send(Note::Happened(arrival)) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Full(_)) => {
                        lost.arrivals.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(mpsc::error::TrySendError::Closed(_)) => return,
                }
            }
            // An ICMP error of an earlier datagram, or memory that is short: the socket lives on.
            Err(error) => {
                tracing::debug!(%local, %error, "receiving a SIP datagram failed");
                tokio::task::yield_now().await;
            }
        }
    }
}

/// What UDP can carry.
const LARGEST_DATAGRAM: usize = 65_535;
