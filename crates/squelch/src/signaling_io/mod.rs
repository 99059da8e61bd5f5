//! SIP's sockets: datagrams and connections in, [`Arrival`]s out; [`TransportOutput`]s in, bytes out.
//!
//! The gateway and the simulator's peers share it. Whoever owns a [`SignalingIo`]:
//!
//! 1. binds it ([`SignalingIo::bind`]) and tells its endpoint the listeners as they were bound;
//! 2. hands each [`SignalingIo::next`] to the endpoint as a [`squelch_sip::TransportInput`];
//! 3. hands each [`TransportOutput`] of the endpoint to [`SignalingIo::send`].
//!
//! Queues and who loses: what arrives waits in one queue of `ARRIVALS`; when it is full datagrams
//! are dropped and counted (their sender repeats them) and connections wait unread. A connection's
//! writes wait in a queue of its own; a peer that does not read until it is full is cut off.

mod accept;
mod arrival;
mod connection;
mod datagrams;
mod slots;
pub mod tls;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::{ClientConfig, ServerConfig};
use squelch_sip::{ConnectionId, Protocol, TransportOutput};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

pub use arrival::Arrival;
use arrival::Note;
use connection::Writer;
use slots::Slots;

use crate::config::Listen;

/// What a [`SignalingIo`] is told when it is made.
#[derive(Clone)]
pub struct SignalingConfig {
    /// The addresses to listen on; port 0 takes any free one.
    pub listen: Vec<Listen>,
    /// What `tls:` listeners show; without it they can't be bound.
    pub server: Option<Arc<ServerConfig>>,
    /// How outgoing TLS checks its peer.
    pub client: Arc<ClientConfig>,
    /// Whether connections from there are expected: half of the room is kept for those.
    pub expected: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

impl std::fmt::Debug for SignalingConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignalingConfig")
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// An address that could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("sip.listen: {listen}: {}", explain(source))]
pub struct BindError {
    /// Which.
    pub listen: Listen,
    /// Why.
    pub source: io::Error,
}

/// The bind error for people, with the mend.
pub(crate) fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "already taken; stop the program that has it or choose another port".into()
        }
        io::ErrorKind::AddrNotAvailable => {
            "not an address of this machine; choose one of its own or 0.0.0.0".into()
        }
        io::ErrorKind::PermissionDenied => "not permitted; choose a port from 1024 up".into(),
        _ => error.to_string(),
    }
}

/// SIP's sockets, owned by one task.
#[derive(Debug)]
pub struct SignalingIo {
    bound: Vec<Listen>,
    /// For sending. The runtime's own handles refuse to write until they were once told that they may.
    datagrams: Vec<(SocketAddr, std::net::UdpSocket)>,
    writers: HashMap<ConnectionId, Writer>,
    client: Arc<ClientConfig>,
    notes: mpsc::Receiver<Note>,
    /// For the tasks of outgoing connections.
    tell: mpsc::Sender<Note>,
    tasks: Vec<AbortHandle>,
    lost: Arc<Lost>,
}

/// What was lost at the queues.
#[derive(Debug, Default)]
pub struct Lost {
    arrivals: AtomicU64,
    datagrams_out: AtomicU64,
    connections: AtomicU64,
    refused: AtomicU64,
}

impl Lost {
    /// Datagrams that came while the queue was full.
    pub fn arrivals(&self) -> u64 {
        self.arrivals.load(Ordering::Relaxed)
    }

    /// Datagrams that the socket did not take.
    pub fn datagrams_out(&self) -> u64 {
        self.datagrams_out.load(Ordering::Relaxed)
    }

    /// Connections cut because their peer did not read.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Connections closed at once because a limit was reached.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl SignalingIo {
    /// Binds every address and starts listening.
    ///
    /// **Errors**: an address can't be bound; those bound before are free again.
    pub async fn bind(config: SignalingConfig) -> Result<SignalingIo, BindError> {
        let (tell, notes) = mpsc::channel(ARRIVALS);
        let mut io = SignalingIo {
            bound: Vec::new(),
            datagrams: Vec::new(),
            writers: HashMap::new(),
            client: config.client,
            notes,
            tell,
            tasks: Vec::new(),
            lost: Arc::default(),
        };
        let slots = Slots::new(config.expected);
        let numbers = Arc::new(AtomicU64::new(0));
        for listen in config.listen {
            let failed = |source| BindError { listen, source };
            let address = listen.address;
            let local = match listen.protocol {
                Protocol::Udp => {
                    let sending = std::net::UdpSocket::bind(address).map_err(failed)?;
                    sending.set_nonblocking(true).map_err(failed)?;
                    // A wish: a system that grants less drops more of a burst, and its senders repeat it.
                    let _ = socket2::SockRef::from(&sending).set_recv_buffer_size(BURST_BYTES);
                    let socket = sending.try_clone().and_then(UdpSocket::from_std);
                    let socket = socket.map_err(failed)?;
                    let local = sending.local_addr().map_err(failed)?;
                    io.datagrams.push((local, sending));
                    let task = datagrams::receive(socket, local, io.tell.clone(), io.lost.clone());
                    io.tasks.push(tokio::spawn(task).abort_handle());
                    local
                }
                Protocol::Tcp | Protocol::Tls => {
                    let server = match listen.protocol {
                        Protocol::Tls => {
                            let kind = io::ErrorKind::InvalidInput;
                            let none = || io::Error::new(kind, "no certificate for it");
                            Some(config.server.clone().ok_or_else(none).map_err(failed)?)
                        }
                        _ => None,
                    };
                    let listener = TcpListener::bind(address).await.map_err(failed)?;
                    let local = listener.local_addr().map_err(failed)?;
                    let door = accept::Door {
                        protocol: listen.protocol,
                        server,
                        slots: slots.clone(),
                        numbers: Arc::clone(&numbers),
                        tell: io.tell.clone(),
                        lost: Arc::clone(&io.lost),
                    };
                    let task = accept::accept(listener, local, door);
                    io.tasks.push(tokio::spawn(task).abort_handle());
                    local
                }
            };
            io.bound.push(Listen {
                protocol: listen.protocol,
                address: local,
            });
        }
        Ok(io)
    }

    /// The addresses as they were bound, in the order they were asked for.
    pub fn bound(&self) -> &[Listen] {
        &self.bound
    }

    /// What was lost at the queues, for as long as anyone wants to know.
    pub fn lost(&self) -> Arc<Lost> {
        Arc::clone(&self.lost)
    }

    /// The two ends of a connection, ours first, while it is up.
    pub fn ends(&self, connection: ConnectionId) -> Option<(SocketAddr, SocketAddr)> {
        self.writers.get(&connection).map(|writer| writer.ends)
    }

    /// Waits for the next thing the network did. Nothing is lost when the wait is given up.
    pub async fn next(&mut self) -> Arrival {
        loop {
            let Some(note) = self.notes.recv().await else {
                // Not reached: this owner holds a sender itself.
                return std::future::pending().await;
            };
            if let Some(arrival) = self.take(note) {
                return arrival;
            }
        }
    }

    fn take(&mut self, note: Note) -> Option<Arrival> {
        match note {
            Note::Up(writer, arrival) => {
                let (Arrival::Accepted { connection, .. } | Arrival::Connected { connection, .. }) =
                    arrival
                else {
                    return None;
                };
                if matches!(arrival, Arrival::Accepted { .. }) {
                    self.writers.insert(connection, writer);
                } else {
                    // It may have been given up while it was being made.
                    self.writers.get_mut(&connection)?.ends = writer.ends;
                }
                Some(arrival)
            }
            Note::Happened(arrival) => match arrival {
                Arrival::StreamBytes { connection, .. } => {
                    self.writers.contains_key(&connection).then_some(arrival)
                }
                Arrival::Closed { connection, .. } => {
                    self.writers.remove(&connection).map(|_| arrival)
                }
                _ => Some(arrival),
            },
        }
    }

    /// Does what the endpoint wants done. Never waits.
    pub fn send(&mut self, output: TransportOutput) {
        match output {
            TransportOutput::Datagram { local, to, bytes } => {
                let socket = self.datagrams.iter().find(|(bound, _)| *bound == local);
                let sent = socket.map(|(_, socket)| socket.send_to(&bytes, to));
                if !matches!(sent, Some(Ok(_))) {
                    self.lost.datagrams_out.fetch_add(1, Ordering::Relaxed);
                }
            }
            TransportOutput::Connect {
                connection,
                protocol,
                remote,
                server_name,
            } => {
                let (writer, queue) = connection::queue((remote, remote));
                self.writers.insert(connection, writer);
                let plan = connection::Outgoing {
                    connection,
                    protocol,
                    remote,
                    server_name,
                    client: Arc::clone(&self.client),
                };
                tokio::spawn(connection::open(plan, queue, self.tell.clone()));
            }
            TransportOutput::Stream { connection, bytes } => {
                if let Some(writer) = self.writers.get(&connection)
                    && !writer.write(bytes)
                {
                    self.lost.connections.fetch_add(1, Ordering::Relaxed);
                    writer.cut();
                }
            }
            TransportOutput::Close { connection } => {
                // The task writes what is queued, then closes.
                self.writers.remove(&connection);
            }
        }
    }
}

impl Drop for SignalingIo {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Arrivals that wait for the owner. Datagrams beyond it are dropped, counted as lost arrivals;
/// connections block.
const ARRIVALS: usize = 2_048;
/// Room in a socket for a burst of datagrams: some thousand INVITEs with what the kernel adds to each.
const BURST_BYTES: usize = 4 * 1024 * 1024;
