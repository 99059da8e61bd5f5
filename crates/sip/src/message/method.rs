//! Request methods: rsip's closed set, and any other token.

use std::fmt;

use super::text::is_token;

/// A request method. Methods are case-sensitive (RFC 3261 section 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// One of those rsip knows.
    Known(rsip::Method),
    /// Another token; always answered 501.
    Other(String),
}

/// Every method rsip knows with its name on the wire.
const KNOWN: [(rsip::Method, &str); 14] = [
    (rsip::Method::Invite, "INVITE"),
    (rsip::Method::Ack, "ACK"),
    (rsip::Method::Bye, "BYE"),
    (rsip::Method::Cancel, "CANCEL"),
    (rsip::Method::Options, "OPTIONS"),
    (rsip::Method::Update, "UPDATE"),
    (rsip::Method::PRack, "PRACK"),
    (rsip::Method::Info, "INFO"),
    (rsip::Method::Refer, "REFER"),
    (rsip::Method::Notify, "NOTIFY"),
    (rsip::Method::Subscribe, "SUBSCRIBE"),
    (rsip::Method::Message, "MESSAGE"),
    (rsip::Method::Publish, "PUBLISH"),
    (rsip::Method::Register, "REGISTER"),
];

impl Method {
    /// INVITE.
    pub const INVITE: Method = Method::Known(rsip::Method::Invite);
    /// ACK.
    pub const ACK: Method = Method::Known(rsip::Method::Ack);
    /// BYE.
    pub const BYE: Method = Method::Known(rsip::Method::Bye);
    /// CANCEL.
    pub const CANCEL: Method = Method::Known(rsip::Method::Cancel);
    /// OPTIONS.
    pub const OPTIONS: Method = Method::Known(rsip::Method::Options);
    /// INFO (RFC 6086).
    pub const INFO: Method = Method::Known(rsip::Method::Info);
    /// NOTIFY (RFC 6665).
    pub const NOTIFY: Method = Method::Known(rsip::Method::Notify);
    /// PRACK (RFC 3262).
    pub const PRACK: Method = Method::Known(rsip::Method::PRack);
    /// REFER (RFC 3515).
    pub const REFER: Method = Method::Known(rsip::Method::Refer);
    /// UPDATE (RFC 3311).
    pub const UPDATE: Method = Method::Known(rsip::Method::Update);

    /// Reads a method. `None` where `text` is no token.
    pub fn parse(text: &str) -> Option<Method> {
        match KNOWN.iter().find(|(_, name)| *name == text) {
            Some((method, _)) => Some(Method::Known(*method)),
            None => is_token(text).then(|| Method::Other(text.to_owned())),
        }
    }

    /// The name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Method::Known(method) => KNOWN
                .iter()
                .find(|(known, _)| known == method)
                .map_or("", |(_, name)| name),
            Method::Other(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
