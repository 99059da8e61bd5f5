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
    /// The earliest timer that the worker keeps for this call.
    pub(super) timer: Option<Instant>,
    carrier: UdpSocket,
    openai: UdpSocket,
}

impl Call {
    /// Takes the sockets over. What waits in them came before the call was up and is dropped.
    pub(super) fn new(id: CallId, pair: Pair, bridge: Bridge) -> Call {
        let call = Call {
            id,
            bridge,
            timer: None,
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
        match (self.bridge).forward(now, side, from, buffer, length) {
            Forward::Send { to, len } => self.send(side.other(), to, buffer, len),
            // More came at once than is held: the oldest is due.
            Forward::Hold if self.bridge.poll_timeout().is_some_and(|at| at <= now) => {
                self.transmit_due(now, buffer);
            }
            Forward::Hold | Forward::Drop(_) => {}
        }
        true
    }

    /// The timer to be kept from now on, where it is earlier than the one that is kept.
    pub(super) fn earlier_timer(&mut self) -> Option<Instant> {
        let at = self.bridge.poll_timeout()?;
        if self.timer.is_some_and(|kept| kept <= at) {
            return None;
        }
        self.timer = Some(at);
        Some(at)
    }

    /// Sends what the bridge held or made by itself and is due.
    pub(super) fn transmit_due(&mut self, now: Instant, buffer: &mut [u8]) {
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
