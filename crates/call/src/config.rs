//! What a gateway is told when it is made. The shell reads it from the configuration file.

use crate::Secret;
use crate::transfer::Transfer;
use ipnet::IpNet;
use squelch_media::{Format, GuardAction};
use squelch_sip::digest::Algorithm;
use squelch_sip::{Credentials, Listener};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Everything a [`Gateway`](crate::Gateway) needs to know.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// The value of User-Agent and Server.
    pub user_agent: String,
    /// The addresses the shell listens on, in order of preference.
    pub listeners: Vec<Listener>,
    /// The address written into SDP; `None` takes the address that the ports are bound to.
    pub media_address: Option<IpAddr>,
    /// The carriers.
    pub trunks: Vec<Trunk>,
    /// OpenAI's side.
    pub openai: OpenAi,
    /// An application that shows it goes to OpenAI with squelch's key.
    pub http_token: Option<Secret>,
    /// What the guard may do.
    pub guard: Guard,
    /// How long and how many.
    pub limits: Limits,
}

impl GatewayConfig {
    /// The trunk that `address` signals from, if any: the first whose sources hold it.
    pub fn trunk_of(&self, address: IpAddr) -> Option<usize> {
        let address = address.to_canonical();
        self.trunks
            .iter()
            .position(|trunk| trunk.sources.iter().any(|source| source.contains(&address)))
    }
}

/// A carrier.
#[derive(Debug, Clone)]
pub struct Trunk {
    /// Its name in records and metrics.
    pub name: String,
    /// Networks it signals from.
    pub sources: Vec<IpNet>,
    /// Networks its media come from and go to; empty means anywhere.
    pub media_sources: Vec<IpNet>,
    /// Formats squelch speaks with it, in order of preference.
    pub formats: Vec<Format>,
    /// Whether its media are encrypted.
    pub srtp: Srtp,
    /// How long a session lives without a refresh (RFC 4028), where the carrier does not ask for less; `None`
    /// leaves it to the carrier.
    pub session_expires: Option<Duration>,
    /// Calls at once.
    pub max_calls: Option<u32>,
    /// New calls a second.
    pub max_calls_per_second: Option<u32>,
    /// Which numbers OpenAI's side may have it dial.
    pub transfer: Transfer,
    /// Whether its calls are recorded; the shell does that.
    pub record: bool,
    /// What it must prove itself with, beside its address.
    pub digest: Option<TrunkDigest>,
}

/// Digest authentication asked of a carrier.
#[derive(Debug, Clone)]
pub struct TrunkDigest {
    /// What it must know.
    pub credentials: Credentials,
    /// What it may prove that by, as our challenges list it.
    pub algorithms: Vec<Algorithm>,
}

/// OpenAI's side.
#[derive(Debug, Clone)]
pub struct OpenAi {
    /// Where calls go, in order of preference.
    pub routes: Vec<Route>,
    /// How far apart the OPTIONS are by which each route is probed; `None` probes none.
    pub probe: Option<Duration>,
    /// The key for OpenAI's API.
    pub api_key: Option<Secret>,
    /// Secrets that webhooks may be signed with.
    pub webhook_secrets: Vec<Secret>,
    /// Networks OpenAI's media come from and go to; empty means anywhere.
    pub media_sources: Vec<IpNet>,
    /// Formats that it is offered: the carrier's first where it is among them, then in this order.
    pub formats: Vec<Format>,
    /// Whether its media are encrypted.
    pub srtp: Srtp,
    /// What the session guard does with audio formats.
    pub audio_format: AudioFormatPolicy,
    /// What is done before OpenAI ends a session.
    pub at_expiry: AtExpiry,
    /// Where webhooks go on to, body and headers untouched; the application accepts, through squelch.
    pub webhook_forward: Option<String>,
    /// The session squelch accepts calls with itself; `None` leaves accepting to the application.
    pub session: Option<serde_json::Value>,
}

/// A way to OpenAI: SIP and API belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// E.g. `sip:proj_x@sip.api.openai.com;transport=tls`.
    pub sip_uri: String,
    /// E.g. `https://api.openai.com/v1`.
    pub api_base: String,
    /// The name to check the certificate against; `None` takes the URI's host.
    pub server_name: Option<String>,
    /// What its challenges are answered with.
    pub credentials: Option<Credentials>,
}

/// Whether a leg's media are encrypted (RFC 3711), with keys in its SDP (RFC 4568).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Srtp {
    /// Never.
    #[default]
    Off,
    /// In kind where the peer offers; where squelch does, over TLS, and without once that was refused.
    Prefer,
    /// Always, with keys that came over TLS; else there is no call.
    Require,
}

/// What the session guard does with audio formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AudioFormatPolicy {
    /// Takes them out: SIP negotiates the format.
    Omit,
    /// Writes what SIP negotiated.
    Pin,
    /// Only watches.
    Pass,
}

/// What is done a minute before OpenAI ends a session (it ends all after an hour).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum AtExpiry {
    /// Nothing; five minutes before, the record tells it.
    #[default]
    Warn,
    /// OpenAI's leg is placed anew, with a fresh session.
    Redial,
    /// The call ends, with a reason.
    End,
}

/// What the guard may do.
#[derive(Debug, Clone)]
pub struct Guard {
    /// On the path.
    pub action: GuardAction,
    /// Look-back: how long the path delays, at most [`squelch_media::MAX_HOLD`].
    pub hold: Duration,
    /// To the call, in this order.
    pub on_static: Vec<OnStatic>,
    /// Audio that is still faulty after this ends the call; `None` keeps it.
    pub hang_up_after: Option<Duration>,
}

/// What the guard may do to a call with static.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnStatic {
    /// Put the session's format right by a `session.update`.
    Mend,
    /// Place OpenAI's leg anew, once, under the same carrier leg.
    Redial,
    /// End it, with a reason.
    HangUp,
}

/// How long and how many.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From INVITE to OpenAI's first sign of ringing or answer.
    pub setup: Duration,
    /// From INVITE to answer.
    pub ring: Duration,
    /// Without a packet from a leg.
    pub media_timeout: Duration,
    /// A call's length.
    pub max_call: Duration,
    /// From the request to stop to the last BYE.
    pub drain: Duration,
    /// Calls at once, all trunks together.
    pub max_calls: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            setup: Duration::from_secs(15),
            ring: Duration::from_secs(60),
            media_timeout: Duration::from_secs(30),
            max_call: Duration::from_secs(7_200),
            drain: Duration::from_secs(30),
            max_calls: 1_000,
        }
    }
}

impl Trunk {
    /// Whether media may go to an address in the carrier's SDP. Where no `media_sources` are given, this machine and its
    /// link are only meant by a carrier that signals from there.
    pub(crate) fn media_allowed(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let is_near = match ip {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local(),
        };
        let signals_from = || self.sources.iter().any(|network| network.contains(&ip));
        media_allowed(address, &self.media_sources)
            && (!is_near || !self.media_sources.is_empty() || signals_from())
    }
}

/// Whether media may be sent to an address that somebody put into an SDP.
///
/// Multicast, unspecified and broadcast addresses never; else inside the networks, where any are given.
pub(crate) fn media_allowed(address: SocketAddr, networks: &[IpNet]) -> bool {
    let ip = address.ip().to_canonical();
    let never = ip.is_multicast()
        || ip.is_unspecified()
        || matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    !never
        && address.port() >= 1_024
        && (networks.is_empty() || networks.iter().any(|network| network.contains(&ip)))
}
