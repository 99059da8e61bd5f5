//! Who is where.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use squelch_sip::{EndpointConfig, Listener, Protocol};

use crate::peer::{carrier, openai};

// From TEST-NET-1 (RFC 5737).
pub(super) const CARRIER: SocketAddr = at(1, 5_060);
pub(super) const GATEWAY: SocketAddr = at(2, 5_060);
pub(super) const OPENAI: SocketAddr = at(3, 5_060);

/// Where the carrier signals.
pub const fn carrier_address() -> SocketAddr {
    CARRIER
}

/// Where the gateway signals.
pub const fn gateway_address() -> SocketAddr {
    GATEWAY
}

/// Where OpenAI signals.
pub const fn openai_address() -> SocketAddr {
    OPENAI
}

/// Somebody who is in no trunk.
pub const fn stranger_address() -> SocketAddr {
    at(99, 5_060)
}

pub(super) const fn at(host: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)), port)
}

pub(super) fn listener(local: SocketAddr) -> Listener {
    Listener {
        protocol: Protocol::Udp,
        local,
        advertised_host: local.ip().to_string(),
        advertised_port: local.port(),
    }
}

/// Where the one at `address` takes TLS.
pub(super) const fn tls(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), 5_061)
}

pub(super) fn tls_listener(local: SocketAddr) -> Listener {
    let local = tls(local);
    Listener {
        protocol: Protocol::Tls,
        ..listener(local)
    }
}

/// An endpoint's configuration; its dice are the world's, told apart by `role`.
pub(super) fn endpoint(mut seed: [u8; 32], role: u8, local: SocketAddr) -> EndpointConfig {
    if let Some(last) = seed.last_mut() {
        *last ^= role;
    }
    let mut config = EndpointConfig::new(seed, "peer");
    config.listeners = vec![listener(local), tls_listener(local)];
    config
}

/// The peers' RTP ports, by call.
#[derive(Debug, Default)]
pub(super) struct Ports {
    carrier: BTreeMap<carrier::CallKey, SocketAddr>,
    openai: BTreeMap<openai::CallKey, SocketAddr>,
}

impl Ports {
    pub(super) fn bind_carrier(&mut self, call: carrier::CallKey) -> SocketAddr {
        let local = at(CARRIER_HOST, port(call.0));
        self.carrier.insert(call, local);
        local
    }

    pub(super) fn bind_openai(&mut self, call: openai::CallKey) -> SocketAddr {
        let local = at(OPENAI_HOST, port(call.0));
        self.openai.insert(call, local);
        local
    }

    pub(super) fn of_carrier(&self, call: carrier::CallKey) -> Option<SocketAddr> {
        self.carrier.get(&call).copied()
    }

    pub(super) fn of_openai(&self, call: openai::CallKey) -> Option<SocketAddr> {
        self.openai.get(&call).copied()
    }

    pub(super) fn carrier_call(&self, to: SocketAddr) -> Option<carrier::CallKey> {
        let found = self.carrier.iter().find(|(_, port)| **port == to);
        found.map(|(call, _)| *call)
    }

    pub(super) fn openai_call(&self, to: SocketAddr) -> Option<openai::CallKey> {
        let found = self.openai.iter().find(|(_, port)| **port == to);
        found.map(|(call, _)| *call)
    }
}

/// An even port for a peer's `number`-th call; some thousand calls fit.
fn port(number: u64) -> u16 {
    20_000 + 2 * (number % 10_000) as u16
}

const CARRIER_HOST: u8 = 1;
const OPENAI_HOST: u8 = 3;
