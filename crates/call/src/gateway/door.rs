//! The door: strangers end here, before a byte of theirs is read.

use super::Gateway;
use crate::io::Output;
use squelch_sip::{ConnectionId, TransportInput, TransportOutput};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Who may signal, beside the trunks.
#[derive(Debug, Default)]
pub(super) struct Door {
    /// Accepted connections of known peers.
    connections: HashSet<ConnectionId>,
    /// Addresses of OpenAI that calls are being held with, and how many. Its side may send a BYE on a connection
    /// of its own.
    openai: HashMap<IpAddr, usize>,
}

impl Door {
    pub(super) fn openai_in(&mut self, ip: IpAddr) {
        *self.openai.entry(ip).or_default() += 1;
    }

    pub(super) fn openai_out(&mut self, ip: IpAddr) {
        if let Some(calls) = self.openai.get_mut(&ip) {
            *calls -= 1;
            if *calls == 0 {
                self.openai.remove(&ip);
            }
        }
    }
}

impl Gateway {
    /// Whether the endpoint gets to see this; a stranger is counted and gets no answer.
    pub(super) fn admit_transport(&mut self, input: &TransportInput<'_>) -> bool {
        match input {
            TransportInput::Datagram { from, .. } => {
                let known = self.knows(from.ip());
                self.counters.strangers += u64::from(!known);
                known
            }
            TransportInput::Accepted {
                connection, remote, ..
            } => {
                if self.knows(remote.ip()) {
                    self.door.connections.insert(*connection);
                    return true;
                }
                self.counters.strangers += 1;
                self.outputs.push_back(Output::Sip(TransportOutput::Close {
                    connection: *connection,
                }));
                false
            }
            TransportInput::StreamBytes { connection, .. } => self.is_open(*connection),
            TransportInput::Closed { connection, .. } => {
                let open = self.is_open(*connection);
                self.door.connections.remove(connection);
                open
            }
            TransportInput::Connected { .. } => true,
        }
    }

    fn knows(&self, ip: IpAddr) -> bool {
        self.config.trunk_of(ip).is_some() || self.door.openai.contains_key(&ip.to_canonical())
    }

    fn is_open(&self, connection: ConnectionId) -> bool {
        match connection {
            ConnectionId::Accepted(_) => self.door.connections.contains(&connection),
            ConnectionId::Opened(_) => true,
        }
    }
}
