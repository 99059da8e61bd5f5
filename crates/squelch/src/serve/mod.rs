//! `squelch serve`: the gateway on real sockets.
//!
//! One task (`driver`) owns the [`squelch_call::Gateway`] and every handle to the outside. It
//! waits for one thing, hands it in with the time, and does what the gateway puts out. All else
//! runs beside it and talks to it through bounded channels: SIP's sockets, the media workers, names
//! (`names`) and HTTP requests on their way (`errands`), the two HTTP servers (`webhooks`, `admin`), the
//! file of call records (`records`).

mod admin;
mod args;
mod ask;
mod driver;
mod errands;
mod metrics;
mod names;
mod open_files;
mod records;
mod reload;
mod run;
mod sideband;

mod webhooks;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use squelch_call::Gateway;
use squelch_sip::Listener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::captures::Keeper;
use crate::config::{Config, Listen};
use crate::http_server::{self, ListenError};
use crate::media_io::MediaIo;
use crate::signaling_io::{self, SignalingConfig, SignalingIo};
pub use args::Args;
use ask::Ask;
use driver::Driver;
use errands::Errands;
use metrics::Metrics;
use records::Records;
pub use run::run;
use sideband::Sidebands;

/// Why the gateway can't start: one line that says what to mend.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A SIP address can't be bound.
    #[error(transparent)]
    Sip(#[from] signaling_io::BindError),
    /// A web server's address can't be bound.
    #[error(transparent)]
    Http(#[from] ListenError),
    /// The certificates can't be used.
    #[error("{key}: {source}")]
    Tls {
        /// The configuration's key.
        key: &'static str,
        /// Why.
        source: rustls::Error,
    },
    /// The file of call records can't be written.
    #[error("records.path: can't write {path}: {source}")]
    Records {
        /// Its path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The folder of captures can't be used.
    #[error("tap.path: can't use the folder {}: {source}", path.display())]
    Captures {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system gives no thread, no random bytes or no HTTP client.
    #[error("can't start: {0}")]
    System(String),
}

/// A gateway that runs.
#[derive(Debug)]
pub struct Running {
    sip: Vec<Listen>,
    http: Option<SocketAddr>,
    admin: Option<SocketAddr>,
    asks: mpsc::Sender<Ask>,
    driver: JoinHandle<()>,
    servers: Vec<JoinHandle<()>>,
}

/// Binds everything, then runs.
///
/// **Errors**: something can't be bound, read or written; nothing is left running then.
pub async fn start(config: Config) -> Result<Running, StartError> {
    open_files::raise(config.gateway.limits.max_calls);
    let tls = |key, source| StartError::Tls { key, source };
    let asks_for = config.client_authority.as_deref();
    let server = (config.certificate.as_ref())
        .map(|certificate| signaling_io::tls::server(certificate, asks_for));
    let server = server
        .transpose()
        .map_err(|source| tls("sip.certificate", source))?;
    let shows = config.client_certificate.as_ref();
    let client = signaling_io::tls::client(&config.authorities, shows);
    let client = Arc::new(client.map_err(|source| tls("openai.certificate_authority", source))?);
    let known = Arc::new(RwLock::new(config.gateway.clone()));
    let trunks = Arc::clone(&known);
    let signaling = SignalingIo::bind(SignalingConfig {
        listen: config.listen.clone(),
        server,
        client: Arc::clone(&client),
        expected: Arc::new(move |ip| {
            let trunks = trunks.read().unwrap_or_else(PoisonError::into_inner);
            trunks.trunk_of(ip).is_some()
        }),
    })
    .await?;
    let (asks, asked) = mpsc::channel(ask::WAITING);
    let mut servers = Vec::new();
    let http = match config.http {
        Some(address) => {
            let listener = http_server::listen("http.listen", address).await?;
            let local = listener.local_addr().unwrap_or(address);
            servers.push(tokio::spawn(webhooks::serve(listener, asks.clone())));
            Some(local)
        }
        None => None,
    };
    let admin = match &config.admin {
        Some(admin) => {
            let listener = http_server::listen("admin.listen", admin.listen).await?;
            let local = listener.local_addr().unwrap_or(admin.listen);
            let token = admin.token.clone();
            servers.push(tokio::spawn(admin::serve(listener, token, asks.clone())));
            Some(local)
        }
        None => None,
    };
    let captures = Keeper::new(config.tap.as_ref(), config.gateway.media_address);
    let captures = captures.map_err(|source| StartError::Captures {
        path: config
            .tap
            .as_ref()
            .map(|tap| tap.path.clone())
            .unwrap_or_default(),
        source,
    })?;
    let records = Records::open(config.records.as_deref())?;
    let system = |error: io::Error| StartError::System(error.to_string());
    let media = MediaIo::start(media_address(&config.listen), config.ports, config.workers);
    let mut seed = [0; 32];
    crate::random::fill(&mut seed).map_err(|error| StartError::System(error.to_string()))?;
    let mut gateway = config.gateway.clone();
    gateway.listeners = listeners(signaling.bound(), config.public_host.as_deref());
    let driver = Driver {
        metrics: Metrics::new(),
        gateway: Gateway::new(gateway, seed),
        lost: signaling.lost(),
        signaling,
        media: media.map_err(system)?,
        errands: Errands::new(&client)?,
        records,
        captures,
        known,
        asked,
        replies: Default::default(),
        handshakes: Default::default(),
        sidebands: Sidebands::new(Arc::clone(&client)),
        next_exchange: 0,
        draining: false,
    };
    Ok(Running {
        sip: driver.signaling.bound().to_vec(),
        http,
        admin,
        asks,
        driver: tokio::spawn(driver.run()),
        servers,
    })
}

impl Running {
    /// The SIP addresses as they were bound.
    pub fn sip(&self) -> &[Listen] {
        &self.sip
    }

    /// Where webhooks are listened for.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Where metrics and health are.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Waits for the gateway's task to end although nobody told it to, which is a mistake of ours.
    pub async fn broken(&mut self) {
        if let Err(error) = (&mut self.driver).await {
            tracing::error!(%error, "the gateway's task ended by a panic");
        }
    }

    /// Goes by another configuration from now on, as far as that can be changed; `reload::fixed` says what can't.
    pub async fn reload(&self, config: Config) {
        // A driver that is gone is told of elsewhere.
        let _ = self.asks.send(Ask::Reload(Box::new(config))).await;
    }

    /// Takes no new calls, waits for those that are up as long as `limits.drain` says, then ends
    /// them. Every record is in the file when this returns.
    pub async fn stop(self) {
        // A driver that is gone already has nothing left to drain.
        let _ = self.asks.send(Ask::Drain).await;
        if let Err(error) = self.driver.await {
            tracing::error!(%error, "the gateway's task ended by a panic");
        }
        for server in self.servers {
            server.abort();
        }
    }
}

/// How peers reach the listeners.
pub(crate) fn listeners(bound: &[Listen], public_host: Option<&str>) -> Vec<Listener> {
    let listener = |listen: &Listen| Listener {
        protocol: listen.protocol,
        local: listen.address,
        advertised_host: public_host.map_or_else(|| listen.address.ip().to_string(), Into::into),
        advertised_port: listen.address.port(),
    };
    bound.iter().map(listener).collect()
}

/// Where RTP's ports are bound: the one address that SIP listens on, where it is one.
fn media_address(listen: &[Listen]) -> IpAddr {
    let first = listen.first().map(|listen| listen.address.ip());
    match first {
        Some(ip) if listen.iter().all(|listen| listen.address.ip() == ip) => ip,
        Some(IpAddr::V6(_)) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
        _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    }
}
