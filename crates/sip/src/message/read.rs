//! Bytes -> message: the one door in.

use bytes::Bytes;

use super::error::MessageError;
use super::head::{Head, content_length, long_name, skip_line_ends};
use super::text::is_token;
use super::{
    Headers, MAX_DATAGRAM_BYTES, MAX_HEADER_BYTES, MAX_HEADERS, MAX_STREAM_MESSAGE_BYTES, Message,
    Method, Request, Response, Uri,
};

/// How a message came, which decides where its body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One datagram: without Content-Length the body is the rest; what is behind the body is
    /// ignored (RFC 3261 section 18.3).
    Datagram,
    /// Cut from a stream: Content-Length must be there.
    Stream,
}

/// Bytes that are no acceptable message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub error: MessageError,
    /// What an answer can be made from, where the bytes are a request at all.
    pub basis: Option<Box<ReplyBasis>>,
}

/// What of a refused request could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyBasis {
    /// Its method; an ACK is never answered.
    pub method: Method,
    /// Its readable headers.
    pub headers: Headers,
}

impl Message {
    /// Reads one message.
    ///
    /// **Shape**: CRLF or LF line ends, folded lines, compact names, white space around colons and
    /// separators, any bytes in values (what is not UTF-8 becomes U+FFFD), any token as method.
    /// Lines that are no headers, and headers with control characters, are as if they were not
    /// there. Content-Length is obeyed.
    ///
    /// **Errors**: a [`Refusal`], with what an answer needs where the bytes look like a request.
    ///
    /// **Cost**: one allocation or two a header.
    pub fn read(bytes: &[u8], framing: Framing) -> Result<Message, Refusal> {
        let cap = match framing {
            Framing::Datagram => MAX_DATAGRAM_BYTES,
            Framing::Stream => MAX_STREAM_MESSAGE_BYTES,
        };
        if bytes.len() > cap {
            return Err(Refusal {
                error: MessageError::TooLong,
                basis: None,
            });
        }
        if skip_line_ends(bytes).is_empty() {
            return Err(Refusal {
                error: MessageError::Empty,
                basis: None,
            });
        }
        let head = Head::split(bytes);
        let start = Start::parse(head.start);
        let (headers, header_error) = read_headers(&head);
        let body = read_body(&head, framing);
        let refuse = |error, method: Option<Method>, headers| {
            let basis = method.map(|method| Box::new(ReplyBasis { method, headers }));
            Err(Refusal { error, basis })
        };
        match (start, header_error, body) {
            (
                Start::Request {
                    method,
                    uri: Ok(uri),
                },
                None,
                Ok(body),
            ) => Ok(Message::Request(Request {
                method,
                uri,
                headers,
                body,
            })),
            (Start::Response { status, reason }, None, Ok(body)) => {
                Ok(Message::Response(Response {
                    status,
                    reason,
                    headers,
                    body,
                }))
            }
            (
                Start::Request {
                    method,
                    uri: Err(error),
                },
                _,
                _,
            ) => refuse(error, Some(method), headers),
            (Start::Request { method, .. }, Some(error), _) => refuse(error, Some(method), headers),
            (Start::Request { method, .. }, None, Err(error)) => {
                refuse(error, Some(method), headers)
            }
            (Start::Response { .. }, Some(error), _) => refuse(error, None, headers),
            (Start::Response { .. }, None, Err(error)) => refuse(error, None, headers),
            (Start::Malformed(error), _, _) => refuse(error, None, headers),
        }
    }

    /// The refusal of a message whose end cannot be found, from its head alone.
    pub(crate) fn refuse(head: &[u8], error: MessageError) -> Refusal {
        let head = Head::split(head);
        let basis = match Start::parse(head.start) {
            Start::Request { method, .. } => {
                let (headers, _) = read_headers(&head);
                Some(Box::new(ReplyBasis { method, headers }))
            }
            Start::Response { .. } | Start::Malformed(_) => None,
        };
        Refusal { error, basis }
    }
}

/// A start line.
enum Start {
    Request {
        method: Method,
        uri: Result<Uri, MessageError>,
    },
    Response {
        status: u16,
        reason: String,
    },
    Malformed(MessageError),
}

impl Start {
    fn parse(line: &[u8]) -> Start {
        let line = String::from_utf8_lossy(line);
        match line.get(..4) {
            Some(start) if start.eq_ignore_ascii_case("SIP/") => Start::parse_status_line(&line),
            _ => Start::parse_request_line(&line),
        }
    }

    /// `SIP/2.0 SP status SP reason`, the reason may be missing with its space.
    fn parse_status_line(line: &str) -> Start {
        let (version, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (digits, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        if !version.eq_ignore_ascii_case("SIP/2.0") {
            return Start::Malformed(MessageError::Version);
        }
        let status = match digits.parse::<u16>() {
            Ok(status) if digits.len() == 3 && (100..=699).contains(&status) => status,
            _ => return Start::Malformed(MessageError::StartLine),
        };
        if reason.chars().any(|c| c.is_control() && c != '\t') {
            return Start::Malformed(MessageError::StartLine);
        }
        Start::Response {
            status,
            reason: reason.to_owned(),
        }
    }

    /// `method SP uri SP SIP/2.0`, with exactly one space each.
    fn parse_request_line(line: &str) -> Start {
        let mut parts = line.split(' ');
        let Some(method) = parts.next().and_then(Method::parse) else {
            return Start::Malformed(MessageError::StartLine);
        };
        let (uri, version, more) = (parts.next(), parts.next(), parts.next());
        let (Some(uri), Some(version), None) = (uri, version, more) else {
            return Start::Request {
                method,
                uri: Err(MessageError::StartLine),
            };
        };
        let is_sip = version
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("SIP/"));
        let uri = if !is_sip {
            Err(MessageError::StartLine)
        } else if !version.eq_ignore_ascii_case("SIP/2.0") {
            Err(MessageError::Version)
        } else {
            // A Request-URI must carry no headers (RFC 3261 section 19.1.1).
            match Uri::parse(uri) {
                Ok(uri) if uri.headers().is_none() => Ok(uri),
                _ => Err(MessageError::RequestUri),
            }
        };
        Start::Request { method, uri }
    }
}

/// The readable headers, and the first cap they break.
fn read_headers(head: &Head<'_>) -> (Headers, Option<MessageError>) {
    let mut headers = Headers::default();
    for (count, field) in head.fields().enumerate() {
        if count >= MAX_HEADERS {
            return (headers, Some(MessageError::TooManyHeaders));
        }
        let Some(field) = field else { continue };
        if field.value.len() > MAX_HEADER_BYTES {
            return (headers, Some(MessageError::HeaderTooLong));
        }
        let name = String::from_utf8_lossy(field.name);
        let name = long_name(&name);
        if !is_token(name) || name.eq_ignore_ascii_case("Content-Length") || !is_clean(&field.value)
        {
            continue;
        }
        headers.push_received(name, &String::from_utf8_lossy(&field.value));
    }
    (headers, None)
}

/// Whether a value holds no control character but HT, except behind the backslash of a quoted-pair
/// (RFC 4475 section 3.1.1.2 has NUL there). CR and LF may stand nowhere.
fn is_clean(value: &[u8]) -> bool {
    let mut escaped = false;
    value.iter().all(|&byte| {
        let fits = match byte {
            b'\r' | b'\n' => false,
            b'\t' => true,
            byte => escaped || !byte.is_ascii_control(),
        };
        escaped = byte == b'\\' && !escaped;
        fits
    })
}

fn read_body(head: &Head<'_>, framing: Framing) -> Result<Bytes, MessageError> {
    let rest = head.body.unwrap_or_default();
    let length = content_length(head).map_err(|()| MessageError::ContentLength)?;
    let body = match (length, framing) {
        (Some(length), _) => usize::try_from(length)
            .ok()
            .and_then(|length| rest.get(..length))
            .ok_or(MessageError::Truncated)?,
        (None, Framing::Datagram) => rest,
        (None, Framing::Stream) => return Err(MessageError::NoContentLength),
    };
    Ok(Bytes::copy_from_slice(body))
}

#[cfg(test)]
mod tests;
