//! What a capture holds, once the headers below UDP and TCP are off.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

/// One UDP datagram or TCP segment of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// When it was captured, counted from the capture's first packet.
    /// Zero where the capture says it came before that one.
    pub at: Duration,
    /// When it was captured, counted from 1970-01-01T00:00:00Z.
    pub epoch: Duration,
    /// Who sent it.
    pub source: SocketAddr,
    /// Whom it was sent to.
    pub destination: SocketAddr,
    /// What carried it.
    pub transport: Transport,
    /// What it carried; never empty.
    pub payload: Bytes,
    /// Bytes of the payload that went over the wire and that the capture left out (its snap length).
    pub missing_bytes: usize,
}

/// What carried a [`Packet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A segment of a byte stream.
    Tcp {
        /// The sequence number of the payload's first byte (RFC 9293, 3.1).
        sequence: u32,
    },
}
