//! The door and two parsers that are not ours, each reading a message into the same facts.

use bytes::Bytes;
use ezk_sip_types::header::typed as ezk;
use ezk_sip_types::msg::{Line, MessageLine, PullParser};
use ezk_sip_types::parse::Parse;
use ezk_sip_types::uri::{SipUri, SipUriUserPart};
use ezk_sip_types::{Headers as EzkHeaders, Name};
use rsipstack::sip as stack;
use rsipstack::sip::prelude::*;
use squelch_sip::message::{Framing, Mandatory, Message};
use squelch_sip::{NameAddr, Uri};

use super::facts::{Facts, Party, Place, Start, Via, plain_host};

/// squelch's own reading.
pub(super) fn by_squelch(bytes: &[u8]) -> Option<Facts> {
    let message = Message::read(bytes, Framing::Datagram).ok()?;
    let (start, fields, body) = match message {
        Message::Request(request) => {
            let fields = Mandatory::of_request(&request).ok()?;
            let start = Start::Request {
                method: request.method.to_string(),
                uri: our_place(&request.uri),
            };
            (start, fields, request.body)
        }
        Message::Response(response) => {
            let fields = Mandatory::of_response(&response).ok()?;
            (Start::Response(response.status), fields, response.body)
        }
    };
    let party = |read: &NameAddr| Party {
        at: our_place(&read.uri),
        tag: read.tag().map(str::to_owned),
    };
    Some(Facts {
        start,
        from: party(&fields.from),
        to: party(&fields.to),
        call_id: fields.call_id,
        cseq: (fields.cseq.number, fields.cseq.method.to_string()),
        via: Via {
            transport: fields.via.transport.clone(),
            host: plain_host(&fields.via.host()),
            port: fields.via.port(),
            branch: fields.via.branch().map(str::to_owned),
        },
        body: body.to_vec(),
    })
}

fn our_place(uri: &Uri) -> Place {
    Place::new(
        uri.user(),
        &uri.host().unwrap_or_else(|| uri.to_string()),
        uri.port(),
    )
}

/// ezk-sip-types' reading. It reads lines and header fields; what is a head and what a body is read
/// as its documentation shows.
pub(super) fn by_ezk(bytes: &[u8]) -> Option<Facts> {
    let source = Bytes::copy_from_slice(bytes);
    let mut lines = PullParser::new(&source, 0);
    let first = std::str::from_utf8(lines.next()?.ok()?).ok()?;
    let (_, start) = MessageLine::parse(&source)(first).ok()?;
    let mut headers = EzkHeaders::new();
    for line in &mut lines {
        let text = std::str::from_utf8(line.ok()?).ok()?;
        let (_, line) = Line::parse(&source, text).ok()?;
        headers.insert(line.name, line.value);
    }
    let head_end = lines.head_end();
    let length = headers
        .try_get::<ezk::ContentLength>(Name::CONTENT_LENGTH)
        .map(|length| length.map(|length| length.0));
    let body = bytes.get(head_end..)?;
    let body = match length {
        Some(length) => body.get(..length.ok()?)?,
        None => body,
    };
    let from = headers.get::<ezk::FromTo>(Name::FROM).ok()?;
    let to = headers.get::<ezk::FromTo>(Name::TO).ok()?;
    let via = headers.get::<Vec<ezk::Via>>(Name::VIA).ok()?;
    let via = via.first()?;
    let cseq = headers.get_named::<ezk::CSeq>().ok()?;
    let party = |read: &ezk::FromTo| Party {
        at: ezk_place(&read.uri.uri),
        tag: read.tag.as_ref().map(|tag| tag.to_string()),
    };
    Some(Facts {
        start: match start {
            MessageLine::Request(line) => Start::Request {
                method: line.method.to_string(),
                uri: ezk_place(&line.uri),
            },
            MessageLine::Response(line) => Start::Response(line.code.into_u16()),
        },
        from: party(&from),
        to: party(&to),
        call_id: headers
            .get_named::<ezk::CallID>()
            .ok()?
            .0
            .trim()
            .to_string(),
        cseq: (cseq.cseq, cseq.method.to_string()),
        via: Via {
            transport: via.transport.to_string(),
            host: plain_host(&via.sent_by.host.to_string()),
            port: via.sent_by.port,
            branch: via
                .params
                .get_val("branch")
                .map(|branch| branch.to_string()),
        },
        body: body.to_vec(),
    })
}

fn ezk_place(uri: &SipUri) -> Place {
    let user = match &uri.user_part {
        SipUriUserPart::Empty => None,
        SipUriUserPart::User(user) => Some(user.to_string()),
        SipUriUserPart::UserPw(both) => Some(both.user.to_string()),
    };
    // It has resolved the escapes; a percent sign that is left is one.
    let mut place = Place::new(None, &uri.host_port.host.to_string(), uri.host_port.port);
    place.user = user;
    place
}

/// rsipstack's reading.
pub(super) fn by_rsipstack(bytes: &[u8]) -> Option<Facts> {
    match stack::parser::parse_message(bytes).ok()? {
        stack::SipMessage::Request(request) => {
            let start = Start::Request {
                method: request.method().to_string(),
                uri: stack_place(request.uri()),
            };
            stack_facts(start, &request, request.body())
        }
        stack::SipMessage::Response(response) => {
            let start = Start::Response(response.status_code().clone().into());
            stack_facts(start, &response, response.body())
        }
    }
}

fn stack_facts(start: Start, message: &impl HeadersExt, body: &[u8]) -> Option<Facts> {
    let from = message.from_header().ok()?.typed().ok()?;
    let to = message.to_header().ok()?.typed().ok()?;
    let via = message.top_via_header().ok()?.typed().ok()?;
    let cseq = message.cseq_header().ok()?.typed().ok()?;
    Some(Facts {
        start,
        from: Party {
            at: stack_place(&from.uri),
            tag: from.tag().map(|tag| tag.value().to_owned()),
        },
        to: Party {
            at: stack_place(&to.uri),
            tag: to.tag().map(|tag| tag.value().to_owned()),
        },
        // It leaves the space of a fold in.
        call_id: message.call_id_header().ok()?.value().trim().to_owned(),
        cseq: (cseq.seq, cseq.method.to_string()),
        via: Via {
            transport: via.transport.to_string(),
            host: plain_host(&via.sent_by().host.to_string()),
            port: via.sent_by().port.map(u16::from),
            branch: via.branch().map(|branch| branch.value().to_owned()),
        },
        body: body.to_vec(),
    })
}

fn stack_place(uri: &stack::Uri) -> Place {
    Place::new(
        uri.auth.as_ref().map(|auth| auth.user.as_str()),
        &uri.host_with_port.host.to_string(),
        uri.host_with_port.port.map(u16::from),
    )
}
