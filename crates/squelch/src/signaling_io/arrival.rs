//! What the network did, with its bytes.

use std::net::SocketAddr;

use bytes::Bytes;
use squelch_sip::{ConnectionId, Protocol, TransportInput};

use super::connection::Writer;

/// Something the network did. [`Arrival::as_input`] is what the endpoint takes.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// A datagram.
    Datagram {
        /// The listener's bound address.
        local: SocketAddr,
        /// The sender.
        from: SocketAddr,
        /// The whole datagram.
        bytes: Bytes,
    },
    /// A peer connected, its TLS handshake done.
    Accepted {
        /// Numbered here, never reused.
        connection: ConnectionId,
        /// TCP or TLS.
        protocol: Protocol,
        /// Our end.
        local: SocketAddr,
        /// The peer's end.
        remote: SocketAddr,
    },
    /// A connection that was asked for is up.
    Connected {
        /// Which.
        connection: ConnectionId,
        /// Our end.
        local: SocketAddr,
    },
    /// Bytes of a connection.
    StreamBytes {
        /// Which.
        connection: ConnectionId,
        /// What.
        bytes: Bytes,
    },
    /// A connection is gone or could not be made.
    Closed {
        /// Which.
        connection: ConnectionId,
        /// Why, for people.
        reason: String,
    },
}

impl Arrival {
    /// As the endpoint takes it.
    pub fn as_input(&self) -> TransportInput<'_> {
        match self {
            Arrival::Datagram { local, from, bytes } => TransportInput::Datagram {
                local: *local,
                from: *from,
                bytes,
            },
            Arrival::Accepted {
                connection,
                protocol,
                local,
                remote,
            } => TransportInput::Accepted {
                connection: *connection,
                protocol: *protocol,
                local: *local,
                remote: *remote,
            },
            Arrival::Connected { connection, local } => TransportInput::Connected {
                connection: *connection,
                local: *local,
            },
            Arrival::StreamBytes { connection, bytes } => TransportInput::StreamBytes {
                connection: *connection,
                bytes,
            },
            Arrival::Closed { connection, reason } => TransportInput::Closed {
                connection: *connection,
                reason: reason.clone(),
            },
        }
    }
}

/// What the sockets' tasks tell their owner.
#[derive(Debug)]
pub(super) enum Note {
    /// A connection is up: how to write to it.
    Up(Writer, Arrival),
    /// Anything else.
    Happened(Arrival),
}
