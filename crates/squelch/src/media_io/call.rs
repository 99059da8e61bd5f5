//! One call on its worker: four sockets around a bridge.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::UdpSocket;
use squelch_call::CallId;
use squelch_media::{Bridge, Channel, Forward, Side};

use super::ports::{LegSockets, Pair};

/// A call that is relayed.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) bridge: Bridge,
    /// The earliest timer that the worker keeps for this call.
    pub(super) timer: Option<Instant>,
    carrier: Leg,
    openai: Leg,
}

#[derive(Debug)]
struct Leg {
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

impl Leg {
    fn new(sockets: LegSockets) -> Leg {
        Leg {
            rtp: UdpSocket::from_std(sockets.rtp),
            rtcp: UdpSocket::from_std(sockets.rtcp),
        }
    }
}

/// The sockets of a call.
pub(super) const SOCKETS: [(Side, Channel); 4] = [
    (Side::Carrier, Channel::Rtp),
    (Side::Carrier, Channel::Rtcp),
    (Side::Openai, Channel::Rtp),
    (Side::Openai, Channel::Rtcp),
];

impl Call {
    /// Takes the sockets over. What waits in them came before the call was up and is dropped.
    pub(super) fn new(id: CallId, pair: Pair, bridge: Bridge) -> Call {
        let call = Call {
            id,
            bridge,
            timer: None,
            carrier: Leg::new(pair.carrier),
            openai: Leg::new(pair.openai),
        };
        for (side, channel) in SOCKETS {
            for _ in 0..STALE {
                if call.socket(side, channel).recv_from(&mut [0; 1]).is_err() {
                    break;
                }
            }
        }
        call
    }

    pub(super) fn socket(&self, side: Side, channel: Channel) -> &UdpSocket {
        match (side, channel) {
            (Side::Carrier, Channel::Rtp) => &self.carrier.rtp,
            (Side::Carrier, Channel::Rtcp) => &self.carrier.rtcp,
            (Side::Openai, Channel::Rtp) => &self.openai.rtp,
            (Side::Openai, Channel::Rtcp) => &self.openai.rtcp,
        }
    }

    pub(super) fn socket_mut(&mut self, side: Side, channel: Channel) -> &mut UdpSocket {
        match (side, channel) {
            (Side::Carrier, Channel::Rtp) => &mut self.carrier.rtp,
            (Side::Carrier, Channel::Rtcp) => &mut self.carrier.rtcp,
            (Side::Openai, Channel::Rtp) => &mut self.openai.rtp,
            (Side::Openai, Channel::Rtcp) => &mut self.openai.rtcp,
        }
    }

    /// Receives one packet and sends it on. `false` when none is there.
    pub(super) fn relay_one(&mut self, side: Side, channel: Channel, buffer: &mut [u8]) -> bool {
        let (length, from) = match self.socket(side, channel).recv_from(buffer) {
            Ok(received) => received,
            // An ICMP error that an earlier packet of ours met: the next packet is behind it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return true,
            Err(_) => return false,
        };
        let now = Instant::now();
        if channel == Channel::Rtcp {
            self.bridge.handle_rtcp(now, side, from, buffer, length);
            return true;
        }
        match (self.bridge).forward(now, side, from, buffer, length) {
            Forward::Send { to, len } => {
                self.send(side.other(), Channel::Rtp, to, buffer, len);
            }
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
            self.send(own.side, own.channel, own.to, buffer, own.len);
        }
    }

    fn send(&self, side: Side, channel: Channel, to: SocketAddr, buffer: &[u8], length: usize) {
        if let Some(packet) = buffer.get(..length) {
            // A packet that the system does not take is lost, as on any network.
            let _ = self.socket(side, channel).send_to(packet, to);
        }
    }
}

/// More than a socket's buffer holds.
const STALE: usize = 4_096;
