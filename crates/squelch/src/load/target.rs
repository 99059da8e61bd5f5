//! Who is called: a SIP URI or a host and port, as an address.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};

use squelch_sip::{Protocol, Target, Uri};

/// The target of a load test.
#[derive(Debug, Clone)]
pub(super) struct Called {
    pub(super) request_uri: Uri,
    pub(super) target: Target,
}

/// Why nobody can be called.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    #[error(
        "{0:?} is no SIP URI and no host and port: give sip:user@host:port;transport=udp, or host:port"
    )]
    Malformed(String),
    #[error("transport={0}: there is udp, tcp and tls")]
    Transport(String),
    #[error("{host}: {source}; give an address, or a name that resolves")]
    Unknown {
        host: String,
        source: std::io::Error,
    },
    #[error("{0} has no address")]
    NoAddress(String),
    #[error("no route to {to}: {source}")]
    NoRoute {
        to: SocketAddr,
        source: std::io::Error,
    },
}

impl Called {
    /// Reads TARGET and looks its host up, in the hosts file and the DNS (A and AAAA alone).
    pub(super) fn parse(text: &str) -> Result<Called, TargetError> {
        let malformed = || TargetError::Malformed(text.to_owned());
        let has_scheme = ["sip:", "sips:"].iter().any(|scheme| {
            text.get(..scheme.len())
                .is_some_and(|s| s.eq_ignore_ascii_case(scheme))
        });
        // A number is nobody's host.
        if text
            .get(..4)
            .is_some_and(|s| s.eq_ignore_ascii_case("tel:"))
        {
            return Err(malformed());
        }
        let uri = if has_scheme {
            Uri::parse(text)
        } else {
            Uri::parse(&format!("sip:{text}"))
        };
        let uri = uri.map_err(|_| malformed())?;
        let host = uri.host().ok_or_else(malformed)?;
        let protocol = match (uri.scheme(), uri.param("transport")) {
            (scheme, None) if scheme.eq_ignore_ascii_case("sips") => Protocol::Tls,
            (_, None) => Protocol::Udp,
            (_, Some(name)) => match &name.to_ascii_lowercase()[..] {
                "udp" => Protocol::Udp,
                "tcp" => Protocol::Tcp,
                "tls" => Protocol::Tls,
                _ => return Err(TargetError::Transport(name.to_owned())),
            },
        };
        let port = uri.port().unwrap_or(protocol.default_port());
        let addr = match uri.ip() {
            Some(ip) => SocketAddr::new(ip, port),
            None => resolve(&host, port)?,
        };
        let request_uri = if uri.user().is_some() {
            uri
        } else {
            let bare = Uri::sip(Some(USER), &host, uri.port());
            match protocol {
                Protocol::Udp => bare,
                other => bare.with_param("transport", Some(other.name())),
            }
        };
        Ok(Called {
            request_uri,
            target: Target {
                protocol,
                addr,
                server_name: (protocol == Protocol::Tls).then_some(host),
            },
        })
    }

    /// The address of this machine that packets to the target leave from.
    pub(super) fn local_address(&self) -> Result<IpAddr, TargetError> {
        let to = self.target.addr;
        let any = match to {
            SocketAddr::V4(_) => "0.0.0.0:0",
            SocketAddr::V6(_) => "[::]:0",
        };
        let route = || {
            let socket = UdpSocket::bind(any)?;
            // Sends nothing: the system looks for a route.
            socket.connect(to)?;
            socket.local_addr()
        };
        let local = route().map_err(|source| TargetError::NoRoute { to, source })?;
        Ok(local.ip())
    }
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr, TargetError> {
    let mut found = (host, port)
        .to_socket_addrs()
        .map_err(|source| TargetError::Unknown {
            host: host.to_owned(),
            source,
        })?;
    found
        .next()
        .ok_or_else(|| TargetError::NoAddress(host.to_owned()))
}

/// Who is called where the target names nobody.
const USER: &str = "load";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_or_a_host_and_port_will_do() {
        let called = |text: &str| {
            let called = Called::parse(text).unwrap();
            let target = called.target;
            let uri = called.request_uri.to_string();
            (uri, target.protocol, target.addr.to_string())
        };
        let expected = |uri: &str, protocol, addr: &str| (uri.into(), protocol, addr.into());
        assert_eq!(
            called("192.0.2.1:5070"),
            expected("sip:load@192.0.2.1:5070", Protocol::Udp, "192.0.2.1:5070")
        );
        assert_eq!(
            called("sip:+1555@192.0.2.1;transport=tcp"),
            expected(
                "sip:+1555@192.0.2.1;transport=tcp",
                Protocol::Tcp,
                "192.0.2.1:5060"
            )
        );
        assert_eq!(
            called("[2001:db8::1];transport=tls"),
            expected(
                "sip:load@[2001:db8::1];transport=tls",
                Protocol::Tls,
                "[2001:db8::1]:5061"
            )
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "sip:",
            "tel:123",
            "a b",
            "sip:x@192.0.2.1;transport=sctp",
        ] {
            assert!(Called::parse(text).is_err(), "{text}");
        }
    }
}
