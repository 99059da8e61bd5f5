//! The gateway's media: what a worker does, without sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use squelch_call::{CallId, Input};
use squelch_media::{Bridge, BridgeStats, Channel, Forward, MediaEvent, MediaPlan, Side};

use super::network::Network;
use super::places::at;

/// All bridges and their ports.
#[derive(Debug)]
pub(super) struct Media {
    calls: BTreeMap<CallId, Call>,
    next_port: u16,
    next_stats: Instant,
    last: Option<CallId>,
}

#[derive(Debug)]
struct Call {
    ports: [SocketAddr; 2],
    bridge: Option<Bridge>,
}

impl Call {
    fn port(&self, side: Side) -> SocketAddr {
        let [carrier, openai] = self.ports;
        match side {
            Side::Carrier => carrier,
            Side::Openai => openai,
        }
    }

    /// Sends what the bridge made by itself and is due.
    fn transmit_due(&mut self, now: Instant, network: &mut Network) {
        let [carrier, openai] = self.ports;
        let Some(bridge) = &mut self.bridge else {
            return;
        };
        let mut buffer = [0; BUFFER_BYTES];
        while let Some(own) = bridge.poll_transmit(now, &mut buffer) {
            let rtp = match own.side {
                Side::Carrier => carrier,
                Side::Openai => openai,
            };
            let from = match own.channel {
                Channel::Rtp => rtp,
                Channel::Rtcp => above(rtp),
            };
            if let Some(packet) = buffer.get(..own.len) {
                network.send(now, from, own.to, Bytes::copy_from_slice(packet));
            }
        }
    }

    /// Which of the call's ports this is.
    fn place(&self, port: SocketAddr) -> Option<(Side, Channel)> {
        Side::ALL.into_iter().find_map(|side| {
            let rtp = self.port(side);
            let channel = match port {
                port if port == rtp => Channel::Rtp,
                port if port == above(rtp) => Channel::Rtcp,
                _ => return None,
            };
            Some((side, channel))
        })
    }
}

impl Media {
    pub(super) fn new(start: Instant) -> Media {
        Media {
            calls: BTreeMap::new(),
            next_port: FIRST_PORT,
            next_stats: start + STATS_EVERY,
            last: None,
        }
    }

    pub(super) fn bridges(&self) -> impl Iterator<Item = &Bridge> {
        self.calls.values().filter_map(|call| call.bridge.as_ref())
    }

    /// A leg's port of the call that was bound last.
    pub(super) fn last_port(&self, side: Side) -> Option<SocketAddr> {
        let call = self.calls.get(&self.last?)?;
        Some(call.port(side))
    }

    pub(super) fn bind(&mut self, call: CallId) -> (SocketAddr, SocketAddr) {
        let mut port = || {
            let port = at(GATEWAY_HOST, self.next_port);
            self.next_port = self.next_port.checked_add(2).unwrap_or(FIRST_PORT);
            port
        };
        let (carrier, openai) = (port(), port());
        self.last = Some(call);
        let bound = Call {
            ports: [carrier, openai],
            bridge: None,
        };
        self.calls.insert(call, bound);
        (carrier, openai)
    }

    pub(super) fn start(&mut self, now: Instant, call: CallId, plan: &MediaPlan) {
        if let Some(call) = self.calls.get_mut(&call) {
            call.bridge = Some(Bridge::new(now, plan));
        }
    }

    pub(super) fn update(&mut self, now: Instant, call: CallId, plan: &MediaPlan) {
        let bridge = self.calls.get_mut(&call).and_then(|c| c.bridge.as_mut());
        if let Some(bridge) = bridge {
            bridge.update(now, plan);
        }
    }

    /// The last events and figures of a call that stops.
    pub(super) fn stop(
        &mut self,
        now: Instant,
        call: CallId,
        network: &mut Network,
    ) -> Vec<Input<'static>> {
        let Some(mut stopped) = self.calls.remove(&call) else {
            return Vec::new();
        };
        if let Some(bridge) = &mut stopped.bridge {
            bridge.end();
        }
        stopped.transmit_due(now, network);
        let Some(mut bridge) = stopped.bridge else {
            return Vec::new();
        };
        let events = std::iter::from_fn(|| bridge.poll_event());
        let mut inputs: Vec<_> = events.map(|event| Input::Media { call, event }).collect();
        let stats = Box::new(bridge.stats());
        let last = true;
        inputs.push(Input::MediaStats { call, stats, last });
        inputs
    }

    pub(super) fn release(&mut self, call: CallId) {
        self.calls.remove(&call);
    }

    /// A datagram on one of the gateway's media ports, or on one that nobody has.
    pub(super) fn relay(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        network: &mut Network,
    ) -> Vec<(CallId, MediaEvent)> {
        let found = self.calls.iter_mut().find_map(|(id, call)| {
            let (side, channel) = call.place(to)?;
            Some((*id, side, channel, call))
        });
        let Some((id, side, channel, call)) = found else {
            return Vec::new();
        };
        let out = call.port(side.other());
        let Some(bridge) = &mut call.bridge else {
            return Vec::new();
        };
        let mut buffer = [0; BUFFER_BYTES];
        let length = bytes.len().min(BUFFER_BYTES);
        for (place, byte) in buffer.iter_mut().zip(bytes) {
            *place = *byte;
        }
        if channel == Channel::Rtcp {
            bridge.handle_rtcp(now, side, from, &mut buffer, length);
        } else if let Forward::Send { to, len } =
            bridge.forward(now, side, from, &mut buffer, length)
            && let Some(packet) = buffer.get(..len)
        {
            network.send(now, out, to, Bytes::copy_from_slice(packet));
        }
        std::iter::from_fn(|| bridge.poll_event())
            .map(|event| (id, event))
            .collect()
    }

    /// When a bridge wants to send by itself, or figures are due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let figures = (!self.calls.is_empty()).then_some(self.next_stats);
        let bridges = self.bridges().filter_map(Bridge::poll_timeout);
        bridges.chain(figures).min()
    }

    /// Sends what bridges make by themselves; gives the figures that are due.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        network: &mut Network,
    ) -> Vec<(CallId, BridgeStats)> {
        for call in self.calls.values_mut() {
            if let Some(bridge) = &mut call.bridge {
                bridge.handle_timeout(now);
            }
            call.transmit_due(now, network);
        }
        if self.next_stats > now {
            return Vec::new();
        }
        self.next_stats = now + STATS_EVERY;
        let figures = self.calls.iter().filter_map(|(id, call)| {
            let bridge = call.bridge.as_ref()?;
            Some((*id, bridge.stats()))
        });
        figures.collect()
    }
}

/// RTP's port has RTCP's above it.
fn above(rtp: SocketAddr) -> SocketAddr {
    SocketAddr::new(rtp.ip(), rtp.port() | 1)
}

const GATEWAY_HOST: u8 = 2;
const FIRST_PORT: u16 = 16_384;
const STATS_EVERY: Duration = Duration::from_secs(1);
/// As a worker has.
const BUFFER_BYTES: usize = 2_048;
