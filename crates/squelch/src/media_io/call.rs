//! One call on its worker: two sockets around a bridge.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::UdpSocket;
use squelch_call::CallId;
use squelch_media::{Bridge, Forward, Side};

use super::ports::Pair;

/// A call that is relayed.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) bridge: Bridge,
    carrier: UdpSocket,
    openai: UdpSocket,
}

impl Call {
    /// Takes the sockets over. What waits in them came before the call was up and is dropped.
    pub(super) fn new(id: CallId, pair: Pair, bridge: Bridge) -> Call {
        let call = Call {
            id,
            bridge,
            carrier: UdpSocket::from_std(pair.carrier),
            openai: UdpSocket::from_std(pair.openai),
        };
        for side in Side::ALL {
            for _ in 0..STALE {
                if call.socket(side).recv_from(&mut [0; 1]).is_err() {
                    break;
                }
            }
        }
        call
    }

    pub(super) fn socket(&self, side: Side) -> &UdpSocket {
        match side {
            Side::Carrier => &self.carrier,
            Side::Openai => &self.openai,
        }
    }

    pub(super) fn socket_mut(&mut self, side: Side) -> &mut UdpSocket {
        match side {
            Side::Carrier => &mut self.carrier,
            Side::Openai => &mut self.openai,
        }
    }

    /// Receives one packet and sends it on. `false` when none is there.
    pub(super) fn relay_one(&mut self, side: Side, buffer: &mut [u8]) -> bool {
        let (length, from) = match self.socket(side).recv_from(buffer) {
            Ok(received) => received,
            // An ICMP error that an earlier packet of ours met: the next packet is behind it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return true,
            Err(_) => return false,
        };
        let now = Instant::now();
        if let Forward::Send { to, len } = (self.bridge).forward(now, side, from, buffer, length) {
            self.send(side.other(), to, buffer, len);
        }
        true
    }

    /// Sends what the bridge makes by itself.
    pub(super) fn transmit_own(&mut self, now: Instant, buffer: &mut [u8]) {
        while let Some(own) = self.bridge.poll_transmit(now, buffer) {
            self.send(own.side, own.to, buffer, own.len);
        }
    }

    fn send(&self, side: Side, to: SocketAddr, buffer: &[u8], length: usize) {
        if let Some(packet) = buffer.get(..length) {
            // A packet that the system does not take is lost, as on any network.
            let _ = self.socket(side).send_to(packet, to);
        }
    }
}

/// More than a socket's buffer holds.
const STALE: usize = 4_096;
