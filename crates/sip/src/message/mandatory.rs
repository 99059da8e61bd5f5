//! The header fields every message must carry (RFC 3261 section 8.1.1), read once.

use super::cseq::CSeq;
use super::error::MessageError;
use super::text::split_outside_quotes;
use super::{Headers, NameAddr, Request, Response, Via};

/// What routing, matching and dialogs need of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandatory {
    /// The topmost Via value.
    pub via: Via,
    /// From.
    pub from: NameAddr,
    /// To.
    pub to: NameAddr,
    /// Call-ID.
    pub call_id: String,
    /// CSeq.
    pub cseq: CSeq,
    /// Max-Forwards, 70 where it is missing: RFC 2543 had none.
    pub max_forwards: u8,
}

/// RFC 3261 section 8.1.1.6.
const DEFAULT_MAX_FORWARDS: u8 = 70;

impl Mandatory {
    /// Reads those of a request; CSeq must name its method.
    pub fn of_request(request: &Request) -> Result<Mandatory, MessageError> {
        let fields = Mandatory::of(&request.headers)?;
        if fields.cseq.method != request.method {
            return Err(MessageError::CSeqMethod);
        }
        Ok(fields)
    }

    /// Reads those of a response.
    pub fn of_response(response: &Response) -> Result<Mandatory, MessageError> {
        Mandatory::of(&response.headers)
    }

    fn of(headers: &Headers) -> Result<Mandatory, MessageError> {
        let via = headers.get("Via").ok_or(MessageError::Missing("Via"))?;
        let via = split_outside_quotes(via, ',')
            .next()
            .and_then(Via::parse)
            .ok_or(MessageError::Malformed("Via"))?;
        let call_id = single(headers, "Call-ID")?;
        if call_id.is_empty() || call_id.contains([' ', '\t']) {
            return Err(MessageError::Malformed("Call-ID"));
        }
        Ok(Mandatory {
            via,
            from: name_addr(headers, "From")?,
            to: name_addr(headers, "To")?,
            call_id: call_id.to_owned(),
            cseq: CSeq::parse(single(headers, "CSeq")?).ok_or(MessageError::Malformed("CSeq"))?,
            max_forwards: match single(headers, "Max-Forwards") {
                Ok(digits) => parse_u8(digits).ok_or(MessageError::Malformed("Max-Forwards"))?,
                Err(MessageError::Missing(_)) => DEFAULT_MAX_FORWARDS,
                Err(error) => return Err(error),
            },
        })
    }
}

fn single<'a>(headers: &'a Headers, name: &'static str) -> Result<&'a str, MessageError> {
    let mut values = headers.all(name);
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        (Some(_), Some(_)) => Err(MessageError::Repeated(name)),
        (None, _) => Err(MessageError::Missing(name)),
    }
}

fn name_addr(headers: &Headers, name: &'static str) -> Result<NameAddr, MessageError> {
    NameAddr::parse(single(headers, name)?).ok_or(MessageError::Malformed(name))
}

fn parse_u8(digits: &str) -> Option<u8> {
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten()
}
