//! Flows: where bytes go, and what the connections under them do.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;

use crate::command::Target;
use crate::event::Failure;
use crate::message::{Frame, Framing};
use crate::schedule::Owner;
use crate::timers::Timer;
use crate::transport::{ConnectionId, Protocol, Source, TransportInput, TransportOutput};

use super::connections::Handover;
use super::receive::Origin;
use super::{DialogId, Endpoint};

/// The way to a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Datagram {
        local: SocketAddr,
        remote: SocketAddr,
    },
    Stream(ConnectionId),
}

impl Endpoint {
    /// Takes in what the network did.
    pub fn handle_transport(&mut self, now: Instant, input: TransportInput<'_>) {
        match input {
            TransportInput::Datagram { local, from, bytes } => {
                let source = Source {
                    protocol: Protocol::Udp,
                    local,
                    remote: from,
                };
                let origin = Origin {
                    source,
                    connection: None,
                };
                self.handle_message(now, origin, bytes, Framing::Datagram);
            }
            TransportInput::Accepted {
                connection,
                protocol,
                local,
                remote,
            } => {
                if self.connections.len() >= self.config.limits.connections {
                    self.counters.refused_connections += 1;
                    self.transmit(TransportOutput::Close { connection });
                    return;
                }
                self.connections
                    .accepted(now, connection, protocol, local, remote);
                self.set_idle_timer(now, connection);
            }
            TransportInput::Connected { connection, local } => {
                for bytes in self.connections.connected(connection, local) {
                    self.transmit(TransportOutput::Stream { connection, bytes });
                }
                if self.connections.contains(connection) {
                    self.schedule
                        .clear(Owner::Connection(connection), Timer::Connect);
                    self.set_idle_timer(now, connection);
                    self.start_keep_alive(now, connection);
                }
            }
            TransportInput::StreamBytes { connection, bytes } => {
                self.handle_stream_bytes(now, connection, bytes);
            }
            TransportInput::Closed { connection, reason } => {
                self.forget_connection(now, connection, &reason);
            }
        }
    }

    /// Sends bytes on a flow.
    ///
    /// **Errors**: why they could not be.
    pub(crate) fn send(&mut self, now: Instant, flow: Flow, bytes: &Bytes) -> Result<(), String> {
        match flow {
            Flow::Datagram { local, remote } => {
                self.transmit(TransportOutput::Datagram {
                    local,
                    to: remote,
                    bytes: bytes.clone(),
                });
            }
            Flow::Stream(connection) => match self.connections.hand_over(now, connection, bytes) {
                Handover::Write => {
                    self.transmit(TransportOutput::Stream {
                        connection,
                        bytes: bytes.clone(),
                    });
                }
                Handover::Waits => {}
                Handover::Refused => return Err("the connection is gone or overloaded".into()),
            },
        }
        self.counters.messages_sent += 1;
        Ok(())
    }

    /// The way to a target: a datagram from the best listener, or a connection of ours, opened if
    /// need be.
    ///
    /// **Errors**: why there is no way.
    pub(crate) fn flow_to(&mut self, now: Instant, target: &Target) -> Result<Flow, String> {
        if target.protocol == Protocol::Udp {
            return self
                .config
                .listeners
                .iter()
                .filter(|listener| listener.protocol == Protocol::Udp)
                .find(|listener| listener.local.is_ipv6() == target.addr.is_ipv6())
                .map(|listener| Flow::Datagram {
                    local: listener.local,
                    remote: target.addr,
                })
                .ok_or_else(|| format!("no UDP listener can reach {}", target.addr));
        }
        if let Some(connection) = self.connections.find(target) {
            return Ok(Flow::Stream(connection));
        }
        if self.connections.len() >= self.config.limits.connections {
            self.counters.refused_connections += 1;
            return Err("too many connections".into());
        }
        let connection = self.connections.open(now, target);
        self.transmit(TransportOutput::Connect {
            connection,
            protocol: target.protocol,
            remote: target.addr,
            server_name: target.server_name.clone(),
        });
        // Longer than any request waits for an answer, so that only a shell that never says
        // whether it connected is caught by it.
        let after = self.config.timers.give_up();
        self.set_timer(now, Owner::Connection(connection), Timer::Connect, after);
        Ok(Flow::Stream(connection))
    }

    /// The way of a dialog's next request.
    pub(crate) fn dialog_flow(&mut self, now: Instant, id: DialogId) -> Result<Flow, String> {
        let dialog = self.dialogs.get(&id).ok_or("the dialog is gone")?;
        let target = Target {
            protocol: dialog.peer.protocol,
            addr: dialog.next_hop(),
            server_name: dialog.peer.server_name.clone(),
        };
        if let (Protocol::Udp, Some(local)) = (target.protocol, dialog.peer.local) {
            return Ok(Flow::Datagram {
                local,
                remote: target.addr,
            });
        }
        if let Some(connection) = dialog.peer.connection
            && self.connections.contains(connection)
        {
            return Ok(Flow::Stream(connection));
        }
        let flow = self.flow_to(now, &target)?;
        if let (Flow::Stream(connection), Some(dialog)) = (flow, self.dialogs.get_mut(&id)) {
            dialog.peer.connection = Some(connection);
        }
        Ok(flow)
    }

    pub(crate) fn handle_connection_timer(&mut self, now: Instant, id: ConnectionId, timer: Timer) {
        match timer {
            Timer::Connect => self.close_connection(now, id, "no connection in time"),
            Timer::Incomplete => {
                self.close_connection(now, id, "a message was not completed in time")
            }
            Timer::KeepAlive => self.ping(now, id),
            Timer::Pong => self.close_connection(now, id, "a ping was not answered"),
            Timer::Idle => {
                let idle = self.config.limits.idle_connection;
                let Some(connection) = self.connections.get(id) else {
                    return;
                };
                if connection.last_used + idle > now {
                    let at = connection.last_used + idle;
                    self.schedule.set(Owner::Connection(id), Timer::Idle, at);
                } else if self.is_in_use(id) {
                    self.set_idle_timer(now, id);
                } else {
                    self.close_connection(now, id, "idle");
                }
            }
            _ => {}
        }
    }

    fn handle_stream_bytes(&mut self, now: Instant, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        // A keep-alive is no use: else two idle peers would keep each other's connection for ever.
        if bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
            connection.last_used = now;
        }
        connection.framer.push(bytes);
        // A connection of ours may be given bytes before it is said to be up; its local address is
        // then unknown and the remote one stands in, which only shows in what we log.
        let source = Source {
            protocol: connection.protocol,
            local: connection.local.unwrap_or(connection.remote),
            remote: connection.remote,
        };
        let origin = Origin {
            source,
            connection: Some(id),
        };
        let owner = Owner::Connection(id);
        while let Some(frame) = self
            .connections
            .get_mut(id)
            .and_then(|c| c.framer.next_frame())
        {
            // What is incomplete from here on began later.
            self.schedule.clear(owner, Timer::Incomplete);
            match frame {
                Frame::Message(bytes) => self.handle_message(now, origin, &bytes, Framing::Stream),
                Frame::Ping => self.transmit(TransportOutput::Stream {
                    connection: id,
                    bytes: Bytes::from_static(b"\r\n"),
                }),
                Frame::Pong => self.take_pong(id),
                Frame::Lost(refusal) => {
                    self.refuse(now, origin, refusal);
                    self.close_connection(now, id, "the stream lost its framing");
                }
            }
        }
        match self.connections.get(id) {
            Some(connection) if connection.framer.is_incomplete() => {
                if !self.schedule.is_set(owner, Timer::Incomplete) {
                    let after = self.config.limits.incomplete_message;
                    self.set_timer(now, owner, Timer::Incomplete, after);
                }
            }
            _ => self.schedule.clear(owner, Timer::Incomplete),
        }
    }

    fn close_connection(&mut self, now: Instant, id: ConnectionId, reason: &str) {
        if self.connections.contains(id) {
            self.transmit(TransportOutput::Close { connection: id });
            self.forget_connection(now, id, reason);
        }
    }

    /// The connection is gone: requests that wait for an answer on it have failed
    /// (RFC 3261 section 17.1.4).
    fn forget_connection(&mut self, now: Instant, id: ConnectionId, reason: &str) {
        if self.connections.remove(id).is_none() {
            return;
        }
        self.schedule.clear_all(Owner::Connection(id));
        let failed: Vec<_> = self
            .clients
            .iter()
            .filter(|(_, client)| client.flow == Flow::Stream(id) && client.is_pending())
            .map(|(transaction, _)| *transaction)
            .collect();
        for transaction in failed {
            self.fail_client(now, transaction, Failure::Transport(reason.to_owned()));
        }
    }

    fn set_idle_timer(&mut self, now: Instant, id: ConnectionId) {
        let after = self.config.limits.idle_connection;
        self.set_timer(now, Owner::Connection(id), Timer::Idle, after);
    }

    fn is_in_use(&self, id: ConnectionId) -> bool {
        self.dialogs
            .values()
            .any(|dialog| dialog.peer.connection == Some(id))
            || self
                .clients
                .values()
                .any(|client| client.flow == Flow::Stream(id))
            || self
                .servers
                .values()
                .any(|server| server.path.flow == Flow::Stream(id))
    }
}
