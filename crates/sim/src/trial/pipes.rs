//! TCP and TLS between the gateway and OpenAI: bytes in order, in pieces, until the connection breaks.

use std::time::Instant;

use squelch_sip::ConnectionId;

/// One connection.
#[derive(Debug)]
pub(super) struct Pipe {
    /// The gateway's name for it.
    pub(super) connection: ConnectionId,
    /// Both ends may write.
    pub(super) up: bool,
    /// What OpenAI's end has of the next message.
    pub(super) buffer: Vec<u8>,
    /// Line ends that OpenAI's end has had of a ping (RFC 5626): two of them make one.
    pub(super) pinged: usize,
    /// What the gateway's end has of the next message.
    pub(super) inward: Vec<u8>,
    /// When the last bytes arrive, to the gateway and from it.
    arrived: [Option<Instant>; 2],
}

impl Pipe {
    pub(super) fn new(connection: ConnectionId) -> Pipe {
        Pipe {
            connection,
            up: true,
            buffer: Vec::new(),
            pinged: 0,
            inward: Vec::new(),
            arrived: [None; 2],
        }
    }

    /// When bytes arrive that could at `at`: never before those that were written before.
    pub(super) fn in_order(&mut self, to_gateway: bool, at: Instant) -> Instant {
        let [there, back] = &mut self.arrived;
        let last = if to_gateway { there } else { back };
        let at = last.map_or(at, |last| last.max(at));
        *last = Some(at);
        at
    }
}
