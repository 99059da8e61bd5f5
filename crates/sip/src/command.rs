//! What the transaction user hands to the endpoint.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::digest::Credentials;
use crate::message::{Method, NameAddr, Uri};
use crate::transport::Protocol;

/// A message body and its type. Debug shows how long it is: a session description may hold keys (RFC 4568).
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// The Content-Type value, e.g. `application/sdp`.
    pub content_type: String,
    /// The bytes, sent and received untouched.
    pub bytes: Bytes,
}

impl Body {
    /// An SDP body.
    pub fn sdp(bytes: impl Into<Bytes>) -> Self {
        Body {
            content_type: "application/sdp".into(),
            bytes: bytes.into(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({}, {} bytes)", self.content_type, self.bytes.len())
    }
}

/// Where a request is sent, already resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// By which protocol.
    pub protocol: Protocol,
    /// To which address.
    pub addr: SocketAddr,
    /// The name the peer's certificate must carry (TLS only).
    pub server_name: Option<String>,
}

/// A call to be placed.
#[derive(Debug, Clone)]
pub struct OutgoingInvite {
    /// The Request-URI.
    pub request_uri: Uri,
    /// From, without tag: the endpoint adds one.
    pub from: NameAddr,
    /// To.
    pub to: NameAddr,
    /// Further headers. Names the endpoint writes itself (Via, Contact, Route, ...) and values
    /// with control characters are left out and counted.
    pub headers: Vec<(String, String)>,
    /// The offer, or `None` to ask the peer for one.
    pub body: Option<Body>,
    /// How long the session shall live without a refresh (RFC 4028); `None` offers no timer.
    pub session_expires: Option<Duration>,
    /// Where it goes.
    pub target: Target,
    /// Max-Forwards: a B2BUA gives what it received minus one (RFC 7332).
    pub max_forwards: u8,
    /// What challenges of this very peer are answered with, in the whole dialog. `None` answers
    /// none.
    pub credentials: Option<Credentials>,
}

/// An OPTIONS outside any dialog: whether the peer is there (RFC 3261 section 11).
#[derive(Debug, Clone)]
pub struct OutgoingOptions {
    /// The Request-URI.
    pub request_uri: Uri,
    /// From, without tag: the endpoint adds one.
    pub from: NameAddr,
    /// To.
    pub to: NameAddr,
    /// Where it goes.
    pub target: Target,
}

/// A final refusal of an incoming INVITE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejection {
    /// 300..=699; anything else is sent as 500.
    pub status: u16,
    /// Retry-After, in seconds.
    pub retry_after: Option<u32>,
    /// Warning (RFC 3261 section 20.43).
    pub warning: Option<Warning>,
    /// Reason (RFC 3326).
    pub reason: Option<Reason>,
    /// Further headers, under the rules of [`OutgoingInvite::headers`].
    pub headers: Vec<(String, String)>,
}

impl Rejection {
    /// A bare status.
    pub fn status(status: u16) -> Self {
        Rejection {
            status,
            ..Rejection::default()
        }
    }
}

/// A Warning header value (RFC 3261 section 20.43).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Three digits, e.g. 305 "incompatible media format".
    pub code: u16,
    /// The text.
    pub text: String,
}

/// A Reason header value (RFC 3326).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// `SIP`, `Q.850`, ...
    pub protocol: String,
    /// The cause in that protocol.
    pub cause: u16,
    /// The text, if any.
    pub text: Option<String>,
}

/// The methods of requests inside a dialog that are the transaction user's to send and to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DialogMethod {
    /// INFO (RFC 6086): application data.
    Info,
    /// NOTIFY (RFC 6665): how what was asked for goes on.
    Notify,
    /// PRACK (RFC 3262) that carries an offer; others the endpoint answers by itself.
    Prack,
    /// REFER (RFC 3515): the peer shall be called by somebody else.
    Refer,
    /// UPDATE (RFC 3311): the session changes, or lives on.
    Update,
}

impl DialogMethod {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            DialogMethod::Info => "INFO",
            DialogMethod::Notify => "NOTIFY",
            DialogMethod::Prack => "PRACK",
            DialogMethod::Refer => "REFER",
            DialogMethod::Update => "UPDATE",
        }
    }

    /// The dialog method that a request's method is, if it is one.
    pub(crate) fn of(method: &Method) -> Option<DialogMethod> {
        [
            DialogMethod::Info,
            DialogMethod::Notify,
            DialogMethod::Prack,
            DialogMethod::Refer,
            DialogMethod::Update,
        ]
        .into_iter()
        .find(|known| known.method() == *method)
    }

    pub(crate) fn method(self) -> Method {
        match self {
            DialogMethod::Info => Method::INFO,
            DialogMethod::Notify => Method::NOTIFY,
            DialogMethod::Prack => Method::PRACK,
            DialogMethod::Refer => Method::REFER,
            DialogMethod::Update => Method::UPDATE,
        }
    }
}

/// A request to be sent inside a dialog.
#[derive(Debug, Clone)]
pub struct OutgoingRequest {
    /// Its method.
    pub method: DialogMethod,
    /// Further headers, under the rules of [`OutgoingInvite::headers`].
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Body>,
}

/// The answer to [`Event::Options`](crate::Event::Options),
/// [`Event::Reinvite`](crate::Event::Reinvite) or [`Event::Request`](crate::Event::Request).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// 200..=699; anything else is sent as 500.
    pub status: u16,
    /// Further headers, under the rules of [`OutgoingInvite::headers`].
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Body>,
}
