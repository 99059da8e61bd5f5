//! One call on its worker: four sockets around a bridge.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use squelch_call::CallId;
use squelch_media::{Bridge, Channel, Forward, MediaPlan, Side};

use super::ports::{LegSockets, Pair};
use super::sys;

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

/// A leg's sockets. That of RTP is connected to the leg's peer once that is settled.
#[derive(Debug)]
struct Leg {
    sockets: Arc<LegSockets>,
    /// Whom RTP's socket is connected to.
    peer: Option<SocketAddr>,
    /// What the bridge said of the peer when the socket was last looked after.
    settled: Option<SocketAddr>,
}

impl Leg {
    fn new(sockets: Arc<LegSockets>) -> Leg {
        Leg {
            sockets,
            peer: None,
            settled: None,
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
        let sockets = &self.leg(side).sockets;
        match channel {
            Channel::Rtp => &sockets.rtp,
            Channel::Rtcp => &sockets.rtcp,
        }
    }

    fn leg(&self, side: Side) -> &Leg {
        match side {
            Side::Carrier => &self.carrier,
            Side::Openai => &self.openai,
        }
    }

    /// Takes a signalled change: a socket whose peer is no longer settled hears everybody again.
    pub(super) fn update(&mut self, now: Instant, plan: &MediaPlan) {
        self.bridge.update(now, plan);
        for side in Side::ALL {
            self.follow(side);
        }
    }

    /// Receives one packet and sends it on; `false` when none is there.
    pub(super) fn relay_one(
        &mut self,
        now: Instant,
        (side, channel): (Side, Channel),
        buffer: &mut [u8],
    ) -> bool {
        // With its source, connected or not: what lay in the socket when it was connected may be a stranger's. The
        // bridge's rule is the guard, the kernel's filter saves work.
        let (length, from) = match self.socket(side, channel).recv_from(buffer) {
            Ok(received) => received,
            // An ICMP error that an earlier packet of ours met: the next packet is behind it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return true,
            Err(_) => return false,
        };
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
            Forward::Hold | Forward::Report | Forward::Drop(_) => {}
        }
        self.follow(side);
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

    /// Connects the leg's RTP to its settled peer, so that the kernel drops what others send and finds the way once for
    /// all packets; disconnects it when there is none.
    fn follow(&mut self, side: Side) {
        let settled = self.bridge.settled(side);
        let leg = match side {
            Side::Carrier => &mut self.carrier,
            Side::Openai => &mut self.openai,
        };
        if leg.settled == settled {
            return;
        }
        leg.settled = settled;
        let socket = &leg.sockets.rtp;
        // Connecting may fail where there is no way just now: the socket then works by the bridge's rule alone.
        leg.peer = settled.filter(|peer| socket.connect(peer).is_ok());
        if leg.peer.is_none() && sys::disconnect(socket).is_err() {
            // Not seen on Linux. The old peer's packets are refused by the bridge, the new one's never come, and the
            // call ends by its media timeout.
            tracing::error!("a media socket keeps its old peer");
        }
    }

    fn send(&self, side: Side, channel: Channel, to: SocketAddr, buffer: &[u8], length: usize) {
        let Some(packet) = buffer.get(..length) else {
            return;
        };
        let socket = self.socket(side, channel);
        // A packet that the system does not take is lost, as on any network.
        if channel == Channel::Rtp && self.leg(side).peer == Some(to) {
            // A connected socket tells first what an earlier packet met, and only then sends.
            if let Err(error) = socket.send(packet)
                && error.kind() == io::ErrorKind::ConnectionRefused
            {
                let _ = socket.send(packet);
            }
        } else {
            let _ = socket.send_to(packet, to);
        }
    }
}

/// More than a socket's buffer holds.
const STALE: usize = 4_096;
