//! Via (RFC 3261 section 20.42) with rport (RFC 3581).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use rsip::HostWithPort;

use super::host;
use super::params::Params;
use super::text::{is_token, trim};

/// One hop of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// `SIP/2.0`, or whatever stood there.
    protocol: String,
    /// `UDP`, `TCP`, `TLS` or any other token.
    pub transport: String,
    sent_by: HostWithPort,
    /// branch, received, rport, ...
    pub params: Params,
}

impl Via {
    /// The branch prefix of RFC 3261 section 8.1.1.7: with it a branch is unique by itself.
    pub(crate) const MAGIC_COOKIE: &'static str = "z9hG4bK";

    /// Our own hop, asking for `rport`.
    pub(crate) fn own(transport: &str, host: &str, port: u16, branch: &str) -> Via {
        let mut params = Params::default();
        params.set("branch", Some(branch));
        params.set("rport", None);
        Via {
            protocol: "SIP/2.0".into(),
            transport: transport.into(),
            sent_by: HostWithPort {
                host: host::own(host),
                port: Some(port.into()),
            },
            params,
        }
    }

    /// Reads one value. `None` where it is malformed.
    pub fn parse(text: &str) -> Option<Via> {
        let (name, rest) = text.split_once('/')?;
        let (version, rest) = rest.split_once('/')?;
        let (name, version, rest) = (trim(name), trim(version), trim(rest));
        let (transport, rest) = rest.split_once([' ', '\t'])?;
        let (sent_by, params) = match rest.split_once(';') {
            Some((sent_by, params)) => (sent_by, Params::parse(params)?),
            None => (rest, Params::default()),
        };
        if !is_token(name) || !is_token(version) || !is_token(transport) {
            return None;
        }
        Some(Via {
            protocol: format!("{name}/{version}"),
            transport: transport.to_owned(),
            sent_by: host::parse(trim(sent_by))?,
            params,
        })
    }

    /// The branch, if any.
    pub fn branch(&self) -> Option<&str> {
        self.params
            .get("branch")
            .filter(|branch| !branch.is_empty())
    }

    /// The branch if it identifies the transaction alone: it starts with the magic cookie and
    /// does not end there.
    pub(crate) fn unique_branch(&self) -> Option<&str> {
        self.branch().filter(|branch| {
            branch.len() > Via::MAGIC_COOKIE.len()
                && branch
                    .get(..Via::MAGIC_COOKIE.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(Via::MAGIC_COOKIE))
        })
    }

    /// The host and port the sender gave, as one text without regard to case.
    pub(crate) fn sent_by(&self) -> String {
        self.sent_by.to_string().to_ascii_lowercase()
    }

    /// The sender's host: a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> String {
        self.sent_by.host.to_string()
    }

    /// The port the sender listens on, where it names one.
    pub fn port(&self) -> Option<u16> {
        self.sent_by.port.map(|port| *port.value())
    }

    /// Writes in where the request really came from (RFC 3261 section 18.2.1, RFC 3581 section 4).
    pub(crate) fn stamp(&mut self, source: SocketAddr) {
        let asked = self.params.get("rport").is_some();
        if asked {
            self.params.set("rport", Some(&source.port().to_string()));
        }
        if asked || host::ip_of(&self.sent_by.host) != Some(source.ip().to_canonical()) {
            self.params.set("received", Some(&unmapped(source.ip())));
        } else {
            // Only we may say what we received from.
            self.params.remove("received");
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{} {}{}",
            self.protocol, self.transport, self.sent_by, self.params
        )
    }
}

/// The address as `received` writes it: IPv6 without brackets, as the grammar of RFC 3261 has it.
fn unmapped(ip: IpAddr) -> String {
    ip.to_canonical().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4475_spaces_and_folds_are_read() {
        let via =
            Via::parse("SIP  / 2.0  / TCP     spindle.example.com   ; branch  =   z9hG4bK9ikj8")
                .unwrap();
        assert_eq!(
            via.to_string(),
            "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8"
        );
    }

    #[test]
    fn rfc5118_received_with_and_without_brackets() {
        for received in ["[2001:db8::9:255]", "2001:db8::9:255"] {
            let text =
                format!("SIP/2.0/UDP [2001:db8::9:1]:6050;received={received};branch=z9hG4bKas3");
            let via = Via::parse(&text).unwrap();
            assert_eq!(via.to_string(), text);
            assert_eq!(via.port(), Some(6050));
        }
    }

    #[test]
    fn rfc3581_rport_is_filled_in() {
        let mut via = Via::parse("SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff").unwrap();
        via.stamp("192.0.2.1:9988".parse().unwrap());
        assert_eq!(
            via.to_string(),
            "SIP/2.0/UDP 10.1.1.1:4540;rport=9988;branch=z9hG4bKkjshdyff;received=192.0.2.1"
        );
    }

    #[test]
    fn a_received_the_peer_made_up_is_taken_out() {
        let mut via =
            Via::parse("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx;received=203.0.113.9").unwrap();
        via.stamp("192.0.2.1:5060".parse().unwrap());
        assert_eq!(via.params.get("received"), None);
    }

    #[test]
    fn malformed_values_are_refused() {
        for text in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP 192.0.2.15;;,;,,",
            "SIP/2.0 UDP h;branch=1",
            "SIP/2.0/UDP h:x",
            "SIP/2.0/UDP ;branch=1",
            "SIP/2.0/UDP 2001:db8::1;branch=1",
        ] {
            assert_eq!(Via::parse(text), None, "{text:?}");
        }
    }
}
