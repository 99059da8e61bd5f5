//! Keep-alives on the connections that we open (RFC 5626 sections 3.5.1 and 4.4.1): two line ends
//! as a ping, one as the pong.
//!
//! Only a peer that has answered a ping once is held to it. RFC 5626 lets a client expect pongs
//! where the peer said so in its registration; nobody registers here, and a peer that knows nothing
//! of pings passes over them as RFC 3261 section 7.5 asks.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::schedule::Owner;
use crate::timers::Timer;
use crate::transport::{ConnectionId, TransportOutput};

use super::Endpoint;

/// Two line ends.
const PING: &[u8] = b"\r\n\r\n";
/// The longest between two pings where the peer names no time; each lasts between 80 and 100 % of
/// it. **Source**: RFC 5626 section 4.4.1, for connection-oriented transports: 95 to 120 s.
const LONGEST: Duration = Duration::from_secs(120);
/// **Source**: RFC 5626 section 4.4.1: no pong within 10 s means that the flow has failed.
const PONG: Duration = Duration::from_secs(10);

impl Endpoint {
    /// A connection of ours is up: pings from now on.
    pub(crate) fn start_keep_alive(&mut self, now: Instant, id: ConnectionId) {
        let after = self.random.between(LONGEST * 19 / 24, LONGEST);
        self.set_timer(now, Owner::Connection(id), Timer::KeepAlive, after);
    }

    /// A ping is due. It does not count as use: a connection that nothing else goes over closes.
    pub(crate) fn ping(&mut self, now: Instant, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.framer.expect_pong();
        if connection.answers_pings {
            self.set_timer(now, Owner::Connection(id), Timer::Pong, PONG);
        }
        self.transmit(TransportOutput::Stream {
            connection: id,
            bytes: Bytes::from_static(PING),
        });
        self.start_keep_alive(now, id);
    }

    /// A pong came.
    pub(crate) fn take_pong(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.answers_pings = true;
        }
        self.schedule.clear(Owner::Connection(id), Timer::Pong);
    }
}
