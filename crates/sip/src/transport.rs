//! What crosses the border to the network: bytes with their addresses, in both directions.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;

/// A SIP transport protocol (RFC 3261 section 18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// Datagrams; the transactions retransmit.
    Udp,
    /// A stream framed by Content-Length.
    Tcp,
    /// The same over TLS.
    Tls,
}

impl Protocol {
    /// Whether transactions may leave retransmission to the transport (RFC 3261 section 17).
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Protocol::Udp)
    }

    /// The port meant when a URI or Via names none (RFC 3261 section 19.1.2).
    pub const fn default_port(self) -> u16 {
        match self {
            Protocol::Udp | Protocol::Tcp => 5060,
            Protocol::Tls => 5061,
        }
    }

    /// The lower-case name: `udp`, `tcp`, `tls`, as in a URI's `transport` parameter.
    pub const fn name(self) -> &'static str {
        match self {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
            Protocol::Tls => "tls",
        }
    }

    /// The upper-case name a Via header carries.
    pub(crate) const fn via_name(self) -> &'static str {
        match self {
            Protocol::Udp => "UDP",
            Protocol::Tcp => "TCP",
            Protocol::Tls => "TLS",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A TCP or TLS connection. Whoever starts it numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConnectionId {
    /// A peer connected to a listener; numbered by the shell, never reused.
    Accepted(u64),
    /// The endpoint asked for it with [`TransportOutput::Connect`]; numbered by the endpoint.
    Opened(u64),
}

/// Something the network did.
#[derive(Debug, Clone)]
pub enum TransportInput<'a> {
    /// A datagram arrived on the listener bound to `local`.
    Datagram {
        /// The listener's bound address.
        local: SocketAddr,
        /// The sender.
        from: SocketAddr,
        /// The whole datagram.
        bytes: &'a [u8],
    },
    /// A peer connected (for TLS: finished its handshake).
    Accepted {
        /// A fresh [`ConnectionId::Accepted`].
        connection: ConnectionId,
        /// TCP or TLS.
        protocol: Protocol,
        /// Our end.
        local: SocketAddr,
        /// The peer's end.
        remote: SocketAddr,
    },
    /// A connection the endpoint asked for is up.
    Connected {
        /// The identifier of the [`TransportOutput::Connect`].
        connection: ConnectionId,
        /// Our end.
        local: SocketAddr,
    },
    /// Bytes arrived on a connection, split anyhow.
    StreamBytes {
        /// Where.
        connection: ConnectionId,
        /// What.
        bytes: &'a [u8],
    },
    /// A connection is gone, or could not be made.
    Closed {
        /// Which.
        connection: ConnectionId,
        /// Why, for people.
        reason: String,
    },
}

/// Something the network shall do. Debug shows how long messages are: their bodies may hold keys.
#[derive(Clone, PartialEq, Eq)]
pub enum TransportOutput {
    /// Send a datagram from the listener bound to `local`.
    Datagram {
        /// The listener's bound address.
        local: SocketAddr,
        /// Where to.
        to: SocketAddr,
        /// One SIP message.
        bytes: Bytes,
    },
    /// Open a connection; answered by `Connected` or `Closed`.
    Connect {
        /// A fresh [`ConnectionId::Opened`].
        connection: ConnectionId,
        /// TCP or TLS.
        protocol: Protocol,
        /// Where to.
        remote: SocketAddr,
        /// The name the peer's certificate must carry; `None` where nobody named one.
        server_name: Option<String>,
    },
    /// Write bytes to a connection that is up.
    Stream {
        /// Which.
        connection: ConnectionId,
        /// One SIP message or a keep-alive answer.
        bytes: Bytes,
    },
    /// Flush and close a connection; the endpoint has forgotten it.
    Close {
        /// Which.
        connection: ConnectionId,
    },
}

impl fmt::Debug for TransportOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransportOutput::Datagram { local, to, bytes } => {
                write!(f, "Datagram({local} -> {to}, {} bytes)", bytes.len())
            }
            TransportOutput::Connect {
                connection,
                protocol,
                remote,
                server_name,
            } => {
                let name = server_name.as_deref().unwrap_or("-");
                write!(f, "Connect({connection:?}, {protocol}, {remote}, {name})")
            }
            TransportOutput::Stream { connection, bytes } => {
                write!(f, "Stream({connection:?}, {} bytes)", bytes.len())
            }
            TransportOutput::Close { connection } => write!(f, "Close({connection:?})"),
        }
    }
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// Its transport protocol.
    pub protocol: Protocol,
    /// Our address it arrived at.
    pub local: SocketAddr,
    /// The peer's address it left from.
    pub remote: SocketAddr,
}
