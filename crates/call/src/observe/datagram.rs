//! What an observer is given.

use std::net::SocketAddr;
use std::time::Duration;

/// One datagram or segment that was seen on the wire.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<'a> {
    /// When, on a clock that all datagrams of one observer share.
    pub at: Duration,
    /// Who sent it.
    pub source: SocketAddr,
    /// Whom it was sent to.
    pub destination: SocketAddr,
    /// What carried it.
    pub carrier: Carrier,
    /// What it carried, as far as it was seen.
    pub payload: &'a [u8],
    /// Bytes at the payload's end that were on the wire and were not seen.
    pub missing_bytes: usize,
}

/// What carried a [`Datagram`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// UDP.
    Udp,
    /// A TCP segment.
    Tcp {
        /// Sequence number of the payload's first byte.
        sequence: u32,
    },
}
