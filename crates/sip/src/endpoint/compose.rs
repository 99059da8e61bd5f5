//! Our own headers: Via, Contact, and what goes with a request or response of ours.

use std::net::SocketAddr;

use crate::command::{Body, Response as UserResponse};
use crate::config::Listener;
use crate::message::{
    self, Headers, InvalidHeader, Mandatory, Method, Request, Response, Uri, Via,
};
use crate::transport::Protocol;

use super::network::Flow;
use super::{DialogId, Endpoint};

/// The methods this endpoint serves.
pub(crate) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY";

/// The one body type this endpoint passes on.
pub(crate) const ACCEPT: &str = "application/sdp";

/// RFC 3261 section 8.1.1.6.
pub(crate) const MAX_FORWARDS: u8 = 70;

/// Headers that commands cannot set: they decide where a message goes, what it belongs to and
/// where its body ends, and prove who we are.
const RESERVED: [&str; 15] = [
    "Via",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Contact",
    "Route",
    "Record-Route",
    "Max-Forwards",
    "Content-Length",
    "Content-Type",
    "Content-Encoding",
    "Transfer-Encoding",
    "Authorization",
    "Proxy-Authorization",
];

impl Endpoint {
    /// Our Via for a request on `flow`.
    pub(crate) fn via(&self, flow: Flow, branch: &str) -> Via {
        let (protocol, local) = self.protocol_of(flow);
        match self.listener(protocol, local) {
            Some(listener) => {
                let (host, port) = (&listener.advertised_host, listener.advertised_port);
                Via::own(protocol.via_name(), host, port, branch)
            }
            // Nobody listens: answers come back on the connection all the same.
            None => Via::own(
                protocol.via_name(),
                "anonymous.invalid",
                protocol.default_port(),
                branch,
            ),
        }
    }

    /// Our Contact towards a peer reached by `protocol`.
    pub(crate) fn contact(
        &self,
        protocol: Protocol,
        local: Option<SocketAddr>,
        user: Option<&str>,
    ) -> String {
        let uri = match self.listener(protocol, local) {
            Some(listener) => {
                let host = &listener.advertised_host;
                let uri = Uri::sip(user, host, Some(listener.advertised_port));
                match listener.protocol {
                    Protocol::Udp => uri,
                    stream => uri.with_param("transport", Some(stream.name())),
                }
            }
            None => Uri::sip(user, "anonymous.invalid", None)
                .with_param("transport", Some(protocol.name())),
        };
        format!("<{uri}>")
    }

    /// The listener peers shall use to reach us: the one they already use, else one of the same
    /// protocol and address family, else one of the same protocol, else any.
    fn listener(&self, protocol: Protocol, local: Option<SocketAddr>) -> Option<&Listener> {
        let listeners = || self.config.listeners.iter();
        let same_protocol = || listeners().filter(move |listener| listener.protocol == protocol);
        same_protocol()
            .find(|listener| Some(listener.local) == local)
            .or_else(|| {
                same_protocol().find(|listener| {
                    local.is_none_or(|local| local.is_ipv6() == listener.local.is_ipv6())
                })
            })
            .or_else(|| same_protocol().next())
            .or_else(|| listeners().next())
    }

    /// Protocol and local address of a flow. A connection not up yet gives an address of the
    /// peer's family.
    pub(crate) fn protocol_of(&self, flow: Flow) -> (Protocol, Option<SocketAddr>) {
        match flow {
            Flow::Datagram { local, .. } => (Protocol::Udp, Some(local)),
            Flow::Stream(id) => match self.connections.get(id) {
                Some(connection) => (
                    connection.protocol,
                    Some(connection.local.unwrap_or(connection.remote)),
                ),
                None => (Protocol::Tcp, None),
            },
        }
    }

    /// A request inside a dialog (RFC 3261 section 12.2.1.1), with credentials where the peer has
    /// asked for some.
    pub(crate) fn dialog_request(
        &mut self,
        id: DialogId,
        method: Method,
        cseq: u32,
        flow: Flow,
        branch: &str,
    ) -> Option<Request> {
        let dialog = self.dialogs.get(&id)?;
        let (uri, routes) = dialog.request_target();
        let mut headers = Headers::default();
        headers.set("Via", self.via(flow, branch).to_string());
        headers.set("Max-Forwards", MAX_FORWARDS.to_string());
        for route in routes {
            headers.set("Route", route);
        }
        headers.set("From", dialog.local.to_string());
        headers.set("To", dialog.remote.to_string());
        headers.set("Call-ID", &dialog.call_id);
        headers.set("CSeq", format!("{cseq} {method}"));
        headers.set("User-Agent", &self.config.user_agent);
        let mut request = Request {
            method,
            uri,
            headers,
            body: bytes::Bytes::new(),
        };
        self.add_credentials(id, &mut request);
        Some(request)
    }

    /// Adds headers a command asks for; those it may not set are left out and counted.
    pub(crate) fn add_user_headers(&mut self, headers: &mut Headers, wanted: &[(String, String)]) {
        for (name, value) in wanted {
            let name = message::long_name(name);
            let pushed = if RESERVED
                .iter()
                .any(|reserved| reserved.eq_ignore_ascii_case(name))
            {
                Err(InvalidHeader::Reserved)
            } else {
                headers.push(name, value)
            };
            if let Err(error) = pushed {
                self.counters.refused_headers += 1;
                tracing::warn!(%error, "a header was left out");
            }
        }
    }

    /// Dresses a response of the user.
    pub(crate) fn user_response(
        &mut self,
        request: &Headers,
        tag: Option<&str>,
        wanted: &UserResponse,
    ) -> Response {
        let status = if (200..=699).contains(&wanted.status) {
            wanted.status
        } else {
            500
        };
        let mut response = self.response(request, status, tag);
        if (200..=299).contains(&status) {
            response.headers.set("Allow", ALLOW);
            response.headers.set("Accept", ACCEPT);
            response
                .headers
                .set("Supported", message::SUPPORTED.join(", "));
        }
        self.add_user_headers(&mut response.headers, &wanted.headers);
        if let Some(body) = &wanted.body {
            add_body(&mut response.headers, &mut response.body, body);
        }
        response
    }

    /// A response with our Server header.
    pub(crate) fn response(&self, request: &Headers, status: u16, tag: Option<&str>) -> Response {
        let mut response = Response::to(request, status, tag);
        response.headers.set("Server", &self.config.user_agent);
        response
    }
}

/// Gives a message its body.
pub(crate) fn add_body(headers: &mut Headers, bytes: &mut bytes::Bytes, body: &Body) {
    headers.set("Content-Type", &body.content_type);
    *bytes = body.bytes.clone();
}

/// The ACK of a final non-2xx (RFC 3261 section 17.1.1.3): of the same hop as the INVITE.
pub(crate) fn ack_of_refusal(invite: &Request, refusal: &Response) -> Request {
    let mut ack = same_hop(invite, Method::ACK);
    if let Some(to) = refusal.headers.get("To") {
        ack.headers.remove("To");
        ack.headers.push_received("To", to);
    }
    ack
}

/// The ACK of a 2xx whose dialog is gone: a transaction of its own, to where the INVITE went.
pub(crate) fn ack_without_dialog(invite: &Request, via: &Via) -> Request {
    let mut ack = same_hop(invite, Method::ACK);
    ack.headers.replace_first("Via", &via.to_string());
    ack
}

/// The CANCEL of an INVITE (RFC 3261 section 9.1): the INVITE's Request-URI, Via, To and Route.
pub(crate) fn cancel_of(invite: &Request) -> Request {
    same_hop(invite, Method::CANCEL)
}

fn same_hop(invite: &Request, method: Method) -> Request {
    let mut headers = Headers::default();
    for (name, value) in invite.headers.iter() {
        match name {
            "Via" | "From" | "To" | "Call-ID" | "Route" => headers.push_received(name, value),
            "CSeq" => {
                let number = value.split(' ').next().unwrap_or_default();
                headers.set("CSeq", format!("{number} {method}"));
            }
            "Max-Forwards" => headers.set("Max-Forwards", MAX_FORWARDS.to_string()),
            "User-Agent" => headers.push_received(name, value),
            // Section 22.1: an ACK repeats the credentials of its INVITE.
            "Authorization" | "Proxy-Authorization" if method == Method::ACK => {
                headers.push_received(name, value);
            }
            _ => {}
        }
    }
    Request {
        method,
        uri: invite.uri.clone(),
        headers,
        body: bytes::Bytes::new(),
    }
}

/// Whether a request's To makes it part of a dialog.
pub(crate) fn names_dialog(fields: &Mandatory) -> bool {
    fields.to.tag().is_some()
}
