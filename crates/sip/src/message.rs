//! SIP messages over rsip's types: rsip is the vocabulary and the writer, never the parser of
//! bytes off the wire (docs/assumptions/sip.md says what its parser gets wrong).
//!
//! One door in, [`Message::read`]; one door out, [`Message::write`]. What the reader accepts the
//! writer gives back: `read(write(m)) == m`.

mod cseq;
mod error;
mod framer;
mod head;
mod header;
mod host;
mod mandatory;
mod method;
mod name_addr;
mod option_tag;
mod params;
mod rack;
mod read;
mod reason;
mod session_expires;
mod status;
mod text;
mod uri;
mod via;
mod write;

use bytes::Bytes;

pub use cseq::CSeq;
pub use error::MessageError;
pub use framer::{Frame, Framer};
pub use header::{Headers, InvalidHeader};
pub use mandatory::Mandatory;
pub use method::Method;
pub use name_addr::NameAddr;
pub use params::Params;
pub use read::{Framing, Refusal, ReplyBasis};
pub use status::phrase;
pub use uri::{InvalidUri, Uri};
pub use via::Via;

pub(crate) use head::long_name;
pub(crate) use option_tag::{RELIABLE, SUPPORTED, TIMER, names};
pub(crate) use rack::{RAck, parse_rseq};
pub(crate) use reason::{parse_reason, parse_warning, write_reason, write_warning};
pub(crate) use session_expires::{Refresher, SessionExpires, parse_min_se};

pub(crate) use text::{is_token, split_outside_quotes, trim};

/// The longest message taken from a datagram: UDP has no longer ones.
pub const MAX_DATAGRAM_BYTES: usize = 64 * 1024;
/// The longest message taken from a stream; a longer one closes the connection.
pub const MAX_STREAM_MESSAGE_BYTES: usize = 128 * 1024;
/// The most header lines of a message. RFC 4475's longest valid one has about 40.
pub const MAX_HEADERS: usize = 128;
/// The longest header, unfolded. RFC 4475's longest has about 500 bytes.
pub const MAX_HEADER_BYTES: usize = 8 * 1024;

/// A request or a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request (RFC 3261 section 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// The header fields, without Content-Length.
    pub headers: Headers,
    /// The body, exactly as long as Content-Length says.
    pub body: Bytes,
}

/// A response (RFC 3261 section 7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 100..=699.
    pub status: u16,
    /// The words behind it; they mean nothing to a machine and may be empty.
    pub reason: String,
    /// The header fields, without Content-Length.
    pub headers: Headers,
    /// The body, exactly as long as Content-Length says.
    pub body: Bytes,
}

impl Response {
    /// A response to a request with these headers (RFC 3261 section 8.2.6.2): Via, From, To,
    /// Call-ID and CSeq are the request's; a `tag` is added to a To without one.
    pub(crate) fn to(request: &Headers, status: u16, tag: Option<&str>) -> Response {
        let mut headers = Headers::default();
        for (name, value) in request.iter() {
            match name {
                "Via" | "From" | "Call-ID" | "CSeq" => headers.push_received(name, value),
                "To" => headers.push_received(name, &with_tag(value, tag)),
                "Timestamp" if status == 100 => headers.push_received(name, value),
                _ => {}
            }
        }
        Response {
            status,
            reason: phrase(status),
            headers,
            body: Bytes::new(),
        }
    }
}

/// The To value with our tag. The value is kept as received where it can be: only a readable To
/// without a tag gets one.
fn with_tag(to: &str, tag: Option<&str>) -> String {
    match (NameAddr::parse(to), tag) {
        (Some(value), Some(tag)) if value.tag().is_none() => value.with_tag(tag).to_string(),
        _ => to.to_owned(),
    }
}
