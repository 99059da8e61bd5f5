//! What an endpoint is told when it is made.

use std::net::SocketAddr;
use std::time::Duration;

use crate::timers::Timers;
use crate::transport::Protocol;

/// Everything an [`Endpoint`](crate::Endpoint) needs to know.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// Seed of the generator behind tags, branches and Call-IDs; from the operating system except
    /// in tests.
    pub seed: [u8; 32],
    /// Timer values; `Default` is RFC 3261's.
    pub timers: Timers,
    /// The value of User-Agent and Server.
    pub user_agent: String,
    /// The addresses the shell listens on, in order of preference.
    pub listeners: Vec<Listener>,
    /// How much state is kept at most.
    pub limits: Limits,
}

impl EndpointConfig {
    /// A configuration with RFC timers, default limits and no listener yet.
    pub fn new(seed: [u8; 32], user_agent: impl Into<String>) -> Self {
        EndpointConfig {
            seed,
            timers: Timers::default(),
            user_agent: user_agent.into(),
            listeners: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// One listening address and the name peers reach it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Its transport protocol.
    pub protocol: Protocol,
    /// The bound address; datagrams are sent from here.
    pub local: SocketAddr,
    /// Host or address written into Via and Contact (an IPv6 address with or without brackets).
    pub advertised_host: String,
    /// Port written into Via and Contact.
    pub advertised_port: u16,
}

/// Caps of the endpoint's tables. What is over a cap is refused; nothing alive is ever evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Transactions at once; a new request over it gets 503 with Retry-After. Requests inside a
    /// dialog may use twice as many, so that calls can end under overload.
    pub transactions: usize,
    /// Dialogs at once; a new INVITE over it gets 503 with Retry-After.
    pub dialogs: usize,
    /// TCP and TLS connections at once; one more is closed at once.
    pub connections: usize,
    /// The seconds in the Retry-After of those 503.
    pub retry_after: u32,
    /// A connection that carries no dialog and no transaction closes after this long without bytes.
    pub idle_connection: Duration,
    /// A message begun on a stream must be complete after this long, or the connection closes.
    pub incomplete_message: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            transactions: 250_000,
            dialogs: 5_000,
            connections: 1_000,
            retry_after: 5,
            idle_connection: Duration::from_secs(120),
            incomplete_message: Duration::from_secs(5),
        }
    }
}
