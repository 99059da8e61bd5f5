//! RTP ports of a peer's calls.

use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::tap::{Seen, SeenMessage, Tap};

/// The ports, by call.
#[derive(Debug)]
pub(super) struct Ports<K> {
    open: HashMap<K, Port>,
    tell: mpsc::Sender<(K, Bytes)>,
    heard: mpsc::Receiver<(K, Bytes)>,
    tap: Tap,
}

#[derive(Debug)]
struct Port {
    local: SocketAddr,
    /// For sending; the runtime's handle of the same socket receives.
    socket: UdpSocket,
    receiving: AbortHandle,
}

impl<K: Copy + Eq + Hash + Send + 'static> Ports<K> {
    pub(super) fn new(tap: Tap) -> Ports<K> {
        let (tell, heard) = mpsc::channel(WAITING);
        Ports {
            open: HashMap::new(),
            tell,
            heard,
            tap,
        }
    }

    /// Binds any free port for a call.
    pub(super) fn bind(&mut self, call: K, ip: IpAddr) -> io::Result<SocketAddr> {
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        let receiver = Arc::new(tokio::net::UdpSocket::from_std(socket.try_clone()?)?);
        let (tell, tap) = (self.tell.clone(), self.tap.clone());
        let receiving = tokio::spawn(async move {
            let mut buffer = [0; 2_048];
            loop {
                let Ok((length, from)) = receiver.recv_from(&mut buffer).await else {
                    // An ICMP error that an earlier packet met.
                    tokio::task::yield_now().await;
                    continue;
                };
                let bytes = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
                tap.tell(|| {
                    Seen::RtpReceived(SeenMessage {
                        at: SystemTime::now(),
                        from,
                        to: local,
                        bytes: bytes.clone(),
                    })
                });
                if tell.send((call, bytes)).await.is_err() {
                    return;
                }
            }
        });
        let port = Port {
            local,
            socket,
            receiving: receiving.abort_handle(),
        };
        self.open.insert(call, port);
        Ok(local)
    }

    pub(super) fn send(&self, call: K, to: SocketAddr, bytes: Vec<u8>) {
        let Some(port) = self.open.get(&call) else {
            return;
        };
        // A packet that the system does not take is lost, as on any network.
        if port.socket.send_to(&bytes, to).is_ok() {
            self.tap.tell(|| {
                Seen::RtpSent(SeenMessage {
                    at: SystemTime::now(),
                    from: port.local,
                    to,
                    bytes: bytes.into(),
                })
            });
        }
    }

    pub(super) fn close(&mut self, call: K) {
        if let Some(port) = self.open.remove(&call) {
            port.receiving.abort();
        }
    }

    /// Waits for a packet. Nothing is lost when the wait is given up.
    pub(super) async fn next(&mut self) -> (K, Bytes) {
        match self.heard.recv().await {
            Some(packet) => packet,
            // Not reached: this owner holds a sender itself.
            None => std::future::pending().await,
        }
    }
}

impl<K> Drop for Ports<K> {
    fn drop(&mut self) {
        for port in self.open.values() {
            port.receiving.abort();
        }
    }
}

/// Packets that wait for the peer's task; their sockets wait with them.
const WAITING: usize = 1_024;
