//! TCP and TLS connections: their framers, what waits for them, and when they may go.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;

use crate::command::Target;
use crate::message::Framer;
use crate::transport::{ConnectionId, Protocol};

/// The most messages that wait for one connection; one more is refused as if the connection had
/// failed, which its transaction reports.
const MAX_WAITING: usize = 64;

/// All connections, by number.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    table: BTreeMap<ConnectionId, Connection>,
    opened: u64,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) protocol: Protocol,
    pub(crate) remote: SocketAddr,
    /// Known once the connection is up.
    pub(crate) local: Option<SocketAddr>,
    /// The name asked of the peer's certificate; only a request with the same may share it.
    pub(crate) server_name: Option<String>,
    /// Messages that wait for it to come up; `None` when it is.
    waiting: Option<VecDeque<Bytes>>,
    pub(crate) framer: Framer,
    /// It has answered a ping of ours.
    pub(crate) answers_pings: bool,
    /// When bytes other than keep-alives last went over it, either way.
    pub(crate) last_used: Instant,
}

/// What became of bytes for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handover {
    /// It is up: write them.
    Write,
    /// They are kept until it is.
    Waits,
    /// It is gone or cannot hold more.
    Refused,
}

impl Connections {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        self.table.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.table.get_mut(&id)
    }

    pub(crate) fn contains(&self, id: ConnectionId) -> bool {
        self.table.contains_key(&id)
    }

    /// A peer connected.
    pub(crate) fn accepted(
        &mut self,
        now: Instant,
        id: ConnectionId,
        protocol: Protocol,
        local: SocketAddr,
        remote: SocketAddr,
    ) {
        let connection = Connection {
            protocol,
            remote,
            local: Some(local),
            server_name: None,
            waiting: None,
            framer: Framer::default(),
            answers_pings: false,
            last_used: now,
        };
        self.table.insert(id, connection);
    }

    /// Makes a connection to be opened; the caller asks the network for it.
    pub(crate) fn open(&mut self, now: Instant, target: &Target) -> ConnectionId {
        self.opened += 1;
        let id = ConnectionId::Opened(self.opened);
        let connection = Connection {
            protocol: target.protocol,
            remote: target.addr,
            local: None,
            server_name: target.server_name.clone(),
            waiting: Some(VecDeque::new()),
            framer: Framer::default(),
            answers_pings: false,
            last_used: now,
        };
        self.table.insert(id, connection);
        id
    }

    /// A connection of ours to this target, up or coming up. Those that peers opened are not
    /// offered: what they proved of themselves is not what we would ask.
    pub(crate) fn find(&self, target: &Target) -> Option<ConnectionId> {
        self.table
            .iter()
            .find(|(id, connection)| {
                matches!(id, ConnectionId::Opened(_))
                    && connection.protocol == target.protocol
                    && connection.remote == target.addr
                    && connection.server_name == target.server_name
            })
            .map(|(id, _)| *id)
    }

    /// The connection is up: what waited for it, in order.
    pub(crate) fn connected(&mut self, id: ConnectionId, local: SocketAddr) -> VecDeque<Bytes> {
        match self.table.get_mut(&id) {
            Some(connection) => {
                connection.local = Some(local);
                connection.waiting.take().unwrap_or_default()
            }
            None => VecDeque::new(),
        }
    }

    /// Gives bytes to a connection, or keeps them until it is up.
    pub(crate) fn hand_over(&mut self, now: Instant, id: ConnectionId, bytes: &Bytes) -> Handover {
        let Some(connection) = self.table.get_mut(&id) else {
            return Handover::Refused;
        };
        connection.last_used = now;
        match &mut connection.waiting {
            None => Handover::Write,
            Some(waiting) if waiting.len() < MAX_WAITING => {
                waiting.push_back(bytes.clone());
                Handover::Waits
            }
            Some(_) => Handover::Refused,
        }
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) -> Option<Connection> {
        self.table.remove(&id)
    }
}
