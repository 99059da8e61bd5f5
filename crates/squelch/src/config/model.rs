//! The configuration, read and checked: what files and the environment hold is in it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use squelch_sip::Protocol;

use squelch_call::{GatewayConfig, Secret};

/// All that the gateway needs to start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where SIP is listened for. Port 0 takes any free port.
    pub listen: Vec<Listen>,
    /// What `tls:` listeners show.
    pub certificate: Option<ShownCertificate>,
    /// Who vouches for those that connect to `tls:` listeners; `None` asks them for nothing.
    pub client_authority: Option<Arc<[CertificateDer<'static>]>>,
    /// The host or address that peers reach SIP by; without it the listening address itself.
    pub public_host: Option<String>,
    /// The ports of media.
    pub ports: PortRange,
    /// Media threads.
    pub workers: usize,
    /// What upstream certificates are checked against.
    pub authorities: Authorities,
    /// What is shown to an upstream that asks for a certificate.
    pub client_certificate: Option<ShownCertificate>,
    /// What the calls go by. Its `listeners` are filled in when the sockets are bound.
    pub gateway: GatewayConfig,
    /// Captures of calls.
    pub tap: Option<Tap>,
    /// Where webhooks are listened for.
    pub http: Option<SocketAddr>,
    /// Metrics, health, calls.
    pub admin: Option<Admin>,
    /// The file of call records.
    pub records: Option<PathBuf>,
}

/// A listening address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// Its transport protocol.
    pub protocol: Protocol,
    /// The address to bind.
    pub address: SocketAddr,
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.protocol, self.address)
    }
}

/// A certificate with its chain and private key.
pub struct ShownCertificate {
    /// The certificate, then those that vouch for it.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key. Never shown.
    pub key: PrivateKeyDer<'static>,
}

impl Clone for ShownCertificate {
    fn clone(&self) -> Self {
        ShownCertificate {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

impl fmt::Debug for ShownCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownCertificate")
            .field("chain", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// Who may vouch for an upstream certificate.
#[derive(Debug, Clone)]
pub enum Authorities {
    /// The public ones, as Mozilla lists them.
    Public,
    /// Only these.
    Configured(Arc<[CertificateDer<'static>]>),
}

/// A range of UDP ports, both ends in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

impl PortRange {
    /// How many pairs of an even port and the odd one above it are in it (RFC 3550 section 11).
    pub fn pairs(self) -> u16 {
        let first = u32::from(self.first).next_multiple_of(2);
        let end = u32::from(self.last) + 1;
        u16::try_from(end.saturating_sub(first) / 2).unwrap_or(u16::MAX)
    }

    /// The even ports of the pairs.
    pub fn even_ports(self) -> impl Iterator<Item = u16> {
        let first = u32::from(self.first).next_multiple_of(2);
        let last = u32::from(self.last).saturating_sub(1);
        (first..=last)
            .step_by(2)
            .filter_map(|port| u16::try_from(port).ok())
    }
}

/// Captures: where they go and how much they may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    /// The folder.
    pub path: PathBuf,
    /// How much of a call is kept in case of a fault; zero captures no faults.
    pub ring: Duration,
    /// What all files in the folder may take together.
    pub max_bytes: u64,
}

/// The admin server.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What a client must show; needed off loopback.
    pub token: Option<Secret>,
}

/// The media address squelch takes when the file names none.
pub(super) fn only_address(listen: &[Listen]) -> Option<IpAddr> {
    let ip = listen.first()?.address.ip();
    let same = listen.iter().all(|listener| listener.address.ip() == ip);
    (same && !ip.is_unspecified()).then_some(ip)
}
