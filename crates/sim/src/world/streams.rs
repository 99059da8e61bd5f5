//! Connections between endpoints: who is at the other end.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use squelch_sip::{ConnectionId, Protocol, TransportInput, TransportOutput};

/// Something that happens at an endpoint's end of a connection, one way over the network after it was done at the
/// other's.
#[derive(Debug)]
pub struct StreamEvent {
    /// Whose end.
    pub at: IpAddr,
    what: What,
}

#[derive(Debug)]
enum What {
    Accepted {
        connection: ConnectionId,
        protocol: Protocol,
        local: SocketAddr,
        remote: SocketAddr,
    },
    Connected {
        connection: ConnectionId,
        local: SocketAddr,
    },
    Bytes {
        connection: ConnectionId,
        bytes: bytes::Bytes,
    },
    Closed {
        connection: ConnectionId,
    },
}

impl StreamEvent {
    /// What the endpoint is told.
    pub fn input(&self) -> TransportInput<'_> {
        match &self.what {
            What::Accepted {
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
            What::Connected { connection, local } => TransportInput::Connected {
                connection: *connection,
                local: *local,
            },
            What::Bytes { connection, bytes } => TransportInput::StreamBytes {
                connection: *connection,
                bytes,
            },
            What::Closed { connection } => TransportInput::Closed {
                connection: *connection,
                reason: "closed by the other end".into(),
            },
        }
    }
}

/// TCP and TLS without impairment: every connection comes up, bytes arrive in order.
#[derive(Debug, Default)]
pub struct Streams {
    /// Each end, and the other one.
    ends: BTreeMap<(IpAddr, ConnectionId), (IpAddr, ConnectionId)>,
    next: u64,
}

impl Streams {
    /// What the endpoint at `from` does to a connection; what comes of it.
    pub fn transport(&mut self, from: IpAddr, output: TransportOutput) -> Vec<StreamEvent> {
        match output {
            TransportOutput::Datagram { .. } => Vec::new(),
            TransportOutput::Connect {
                connection,
                protocol,
                remote,
                ..
            } => self.connect(from, connection, protocol, remote),
            TransportOutput::Stream { connection, bytes } => {
                let other = self.ends.get(&(from, connection));
                let event = other.map(|&(at, connection)| StreamEvent {
                    at,
                    what: What::Bytes { connection, bytes },
                });
                event.into_iter().collect()
            }
            TransportOutput::Close { connection } => {
                let Some((at, other)) = self.ends.remove(&(from, connection)) else {
                    return Vec::new();
                };
                self.ends.remove(&(at, other));
                // A shell tells of every end.
                let closed = |at, connection| StreamEvent {
                    at,
                    what: What::Closed { connection },
                };
                vec![closed(at, other), closed(from, connection)]
            }
        }
    }

    fn connect(
        &mut self,
        from: IpAddr,
        opened: ConnectionId,
        protocol: Protocol,
        remote: SocketAddr,
    ) -> Vec<StreamEvent> {
        self.next += 1;
        let accepted = ConnectionId::Accepted(self.next);
        let ours = SocketAddr::new(from, FIRST_PORT + self.next as u16 % 10_000);
        let there = remote.ip();
        self.ends.insert((from, opened), (there, accepted));
        self.ends.insert((there, accepted), (from, opened));
        let at_the_other = What::Accepted {
            connection: accepted,
            protocol,
            local: remote,
            remote: ours,
        };
        let at_ours = What::Connected {
            connection: opened,
            local: ours,
        };
        vec![
            StreamEvent {
                at: there,
                what: at_the_other,
            },
            StreamEvent {
                at: from,
                what: at_ours,
            },
        ]
    }
}

/// Where connections leave from.
const FIRST_PORT: u16 = 40_000;
