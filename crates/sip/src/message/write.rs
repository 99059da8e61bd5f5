//! Message -> bytes: the one door out.

use std::io::Write as _;

use bytes::Bytes;
use rsip::Version;

use super::{Headers, Message, Request, Response};

impl Message {
    /// The bytes on the wire. The head is rsip's writing; the body is never taken for text.
    pub fn write(&self) -> Bytes {
        match self {
            Message::Request(request) => request.write(),
            Message::Response(response) => response.write(),
        }
    }
}

impl Request {
    /// The bytes on the wire, Content-Length included.
    pub fn write(&self) -> Bytes {
        let start = format!("{} {} {}", self.method, self.uri, Version::V2);
        write(&start, &self.headers, &self.body)
    }
}

impl Response {
    /// The bytes on the wire, Content-Length included.
    pub fn write(&self) -> Bytes {
        let start = format!("{} {} {}", Version::V2, self.status, self.reason);
        write(&start, &self.headers, &self.body)
    }
}

fn write(start: &str, headers: &Headers, body: &Bytes) -> Bytes {
    let mut out = Vec::with_capacity(512 + body.len());
    // Start lines are made of tokens, checked URIs and reasons without line ends; this holds even
    // if a caller fills in a reason by hand.
    out.extend(
        start
            .bytes()
            .map(|b| if b.is_ascii_control() { b' ' } else { b }),
    );
    out.extend_from_slice(b"\r\n");
    for header in headers.rsip() {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{header}\r\n");
    }
    let _ = write!(
        out,
        "{}\r\n\r\n",
        rsip::headers::ContentLength::from(body.len() as u32)
    );
    out.extend_from_slice(body);
    Bytes::from(out)
}
