//! The door: strangers end here, before a byte of theirs is read.

use super::Gateway;
use crate::io::Output;
use squelch_sip::{ConnectionId, TransportInput, TransportOutput};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long an address of OpenAI stays known after its last call: what the gateway forgets at once, the
/// endpoint has transactions for. The longest: a CANCEL's (timer F), then the wait for the 487, then timer D.
/// **Source**: RFC 3261 sections 9.1 and 17.1; each is 64 times T1, 32 s.
const AFTERWARDS: Duration = Duration::from_secs(3 * 32);

/// Who may signal, beside the trunks.
#[derive(Debug, Default)]
pub(super) struct Door {
    /// Accepted connections of known peers.
    connections: HashSet<ConnectionId>,
    /// Addresses of OpenAI that calls are held with, or were until lately. Its side may send a BYE on a
    /// connection of its own.
    openai: HashMap<IpAddr, Peer>,
}

#[derive(Debug)]
struct Peer {
    calls: usize,
    /// When the last one ended.
    left: Instant,
}

impl Door {
    /// A call with `ip` begins.
    pub(super) fn openai_in(&mut self, now: Instant, ip: IpAddr) {
        let idle = Peer {
            calls: 0,
            left: now,
        };
        self.openai.entry(ip).or_insert(idle).calls += 1;
    }

    /// A call with `ip` has ended.
    pub(super) fn openai_out(&mut self, now: Instant, ip: IpAddr) {
        if let Some(peer) = self.openai.get_mut(&ip) {
            peer.calls = peer.calls.saturating_sub(1);
            peer.left = now;
        }
        self.openai.retain(|_, peer| peer.is_known(now));
    }

    /// No connection is open and no call is held with OpenAI.
    pub(super) fn is_idle(&self) -> bool {
        self.connections.is_empty() && self.openai.values().all(|peer| peer.calls == 0)
    }

    fn knows(&self, now: Instant, ip: IpAddr) -> bool {
        let peer = self.openai.get(&ip.to_canonical());
        peer.is_some_and(|peer| peer.is_known(now))
    }
}

impl Peer {
    fn is_known(&self, now: Instant) -> bool {
        self.calls > 0 || now.saturating_duration_since(self.left) < AFTERWARDS
    }
}

impl Gateway {
    /// Whether the endpoint gets to see this; a stranger is counted and gets no answer.
    pub(super) fn admit_transport(&mut self, now: Instant, input: &TransportInput<'_>) -> bool {
        match input {
            TransportInput::Datagram { from, .. } => {
                let known = self.knows(now, from.ip());
                self.counters.strangers += u64::from(!known);
                known
            }
            TransportInput::Accepted {
                connection, remote, ..
            } => {
                if self.knows(now, remote.ip()) {
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

    fn knows(&self, now: Instant, ip: IpAddr) -> bool {
        self.config.trunk_of(ip).is_some() || self.door.knows(now, ip) || self.is_leaving(ip)
    }

    fn is_open(&self, connection: ConnectionId) -> bool {
        match connection {
            ConnectionId::Accepted(_) => self.door.connections.contains(&connection),
            ConnectionId::Opened(_) => true,
        }
    }
}
