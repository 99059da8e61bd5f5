//! What of a URI says where its requests go (RFC 3263 section 4).

use std::net::IpAddr;

use super::records::plain;
use crate::message::Uri;
use crate::transport::Protocol;

/// The parts of a URI that choose its servers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
    /// What the URI itself settles.
    pub(super) protocol: Option<Protocol>,
    /// `sips`: nothing but TLS will do.
    pub(super) is_secure: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Host {
    Address(IpAddr),
    Name(String),
}

impl Place {
    /// **Errors**: what keeps the URI from being reached.
    pub(super) fn of(uri: &Uri) -> Result<Place, String> {
        if !uri.is_sip() {
            return Err(format!("{} URIs have no server", uri.scheme()));
        }
        let host = match (uri.ip(), uri.host()) {
            (Some(ip), _) => Host::Address(ip),
            (None, Some(name)) => Host::Name(plain(&name)),
            (None, None) => return Err("the URI has no host".into()),
        };
        let is_secure = uri.scheme().eq_ignore_ascii_case("sips");
        let transport = uri.param("transport").map(str::to_ascii_lowercase);
        let protocol = match transport.as_deref() {
            Some("tls") => Some(Protocol::Tls),
            // RFC 3261 section 26.2.2: of sips it names what is under TLS.
            Some("tcp") if is_secure => Some(Protocol::Tls),
            Some("tcp") => Some(Protocol::Tcp),
            Some("udp") if !is_secure => Some(Protocol::Udp),
            Some(other) => return Err(format!("transport={other} is not spoken here")),
            None => None,
        };
        let port = uri.port();
        // RFC 3263 section 4.1: an address or a port leaves nothing for NAPTR to say.
        let settled = port.is_some() || matches!(host, Host::Address(_));
        let default = if is_secure {
            Protocol::Tls
        } else {
            Protocol::Udp
        };
        Ok(Place {
            host,
            port,
            protocol: protocol.or(settled.then_some(default)),
            is_secure,
        })
    }
}
