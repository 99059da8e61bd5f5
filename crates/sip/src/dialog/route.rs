//! Route sets (RFC 3261 sections 12.1 and 12.2.1.1).

use std::net::SocketAddr;

use crate::message::{Headers, NameAddr, Uri};

use super::Dialog;

impl Dialog {
    /// Request-URI and Route values of a request in this dialog: loose routing, or strict where
    /// the first proxy is an old one.
    pub(crate) fn request_target(&self) -> (Uri, Vec<String>) {
        let mut routes = self.route_set.iter();
        match routes.next() {
            Some(first) if first.uri.param("lr").is_none() => {
                let mut rest: Vec<String> = routes.map(NameAddr::to_string).collect();
                rest.push(format!("<{}>", self.remote_target));
                (first.uri.clone().without_headers(), rest)
            }
            _ => (
                self.remote_target.clone(),
                self.route_set.iter().map(NameAddr::to_string).collect(),
            ),
        }
    }

    /// The address of the next hop. Only the port is taken from Route or Contact, and only where
    /// they name the neighbour's own address: whatever a peer writes there, requests of this
    /// dialog go to the host its messages come from.
    pub(crate) fn next_hop(&self) -> SocketAddr {
        let uri = self
            .route_set
            .first()
            .map_or(&self.remote_target, |first| &first.uri);
        let peer = self.peer.remote;
        match uri.ip() {
            Some(ip) if ip.to_canonical() == peer.ip().to_canonical() => {
                let port = uri.port().unwrap_or(self.peer.protocol.default_port());
                SocketAddr::new(peer.ip(), port)
            }
            _ => peer,
        }
    }
}

/// The route set of a UAS: Record-Route as it stands. Unreadable values are left out.
pub(crate) fn of_request(headers: &Headers) -> Vec<NameAddr> {
    headers
        .all("Record-Route")
        .filter_map(NameAddr::parse_list)
        .flatten()
        .filter(|route| route.uri.is_sip())
        .collect()
}

/// The route set of a UAC: Record-Route in reverse.
pub(crate) fn of_response(headers: &Headers) -> Vec<NameAddr> {
    let mut routes = of_request(headers);
    routes.reverse();
    routes
}

/// The URI of the one Contact that counts; `None` where there is none that can be called.
pub(crate) fn contact(headers: &Headers) -> Option<Uri> {
    let contact = NameAddr::parse_list(headers.get("Contact")?)?
        .into_iter()
        .next()?;
    contact.uri.is_sip().then(|| contact.uri.without_headers())
}
