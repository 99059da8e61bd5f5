//! What a UAS looks at before it starts to work on a request (RFC 3261 section 8.2).

use std::time::Instant;

use crate::command::DialogMethod;
use crate::message::{self, Headers, Method, Response, split_outside_quotes};
use crate::transaction::MergeKey;

use super::Endpoint;
use super::compose::{ACCEPT, ALLOW};
use super::receive::Incoming;
use super::server::ServerUser;
use super::session_timer::{MIN_SE, check_session_interval};

/// Why a request is refused, with what the response must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// 405: known, but not served here.
    MethodNotAllowed,
    /// 501: no method anybody knows.
    NotImplemented,
    /// 416.
    UriScheme,
    /// 482: the same request came another way (section 8.2.2.2).
    Merged,
    /// 420 with these option tags (section 8.2.2.3).
    Extensions(String),
    /// 415: the body's type.
    ContentType,
    /// 415: the body is compressed.
    ContentEncoding,
    /// 406: the caller would not take an SDP answer.
    NotAcceptable,
    /// 400: Contact.
    Contact,
    /// 403.
    Forbidden,
    /// 422: sessions that short would be all refreshes (RFC 4028).
    SessionInterval,
    /// 481.
    NoDialog,
    /// 503: a table is full.
    Overload,
}

impl Endpoint {
    /// A request outside any dialog and transaction.
    pub(crate) fn handle_new_request(&mut self, now: Instant, incoming: Incoming) {
        let merge_key = MergeKey::new(&incoming.fields);
        if let Err(refused) = self.check(&incoming, &merge_key) {
            return self.refuse_request(now, incoming, refused);
        }
        if incoming.request.method == Method::INVITE {
            self.handle_invite(now, incoming, merge_key);
        } else {
            self.handle_options(now, incoming, Some(merge_key), None);
        }
    }

    fn check(&self, incoming: &Incoming, merge_key: &MergeKey) -> Result<(), Refused> {
        let request = &incoming.request;
        check_method(&request.method)?;
        match DialogMethod::of(&request.method) {
            // Nobody is called because somebody outside a call asks for it.
            Some(DialogMethod::Refer) => return Err(Refused::Forbidden),
            Some(_) => return Err(Refused::NoDialog),
            None if request.method == Method::BYE => return Err(Refused::NoDialog),
            None => {}
        }
        let scheme = request.uri.scheme();
        if !request.uri.is_sip() && !scheme.eq_ignore_ascii_case("tel") {
            return Err(Refused::UriScheme);
        }
        if self.merge_keys.contains_key(merge_key) {
            return Err(Refused::Merged);
        }
        check_extensions(&request.headers)?;
        if request.method == Method::INVITE {
            check_body(&request.headers, !request.body.is_empty())?;
            check_accept(&request.headers)?;
            check_session_interval(request)?;
        }
        let transactions = self.clients.len() + self.servers.len();
        if transactions >= self.config.limits.transactions {
            return Err(Refused::Overload);
        }
        if request.method == Method::INVITE && self.dialogs.len() >= self.config.limits.dialogs {
            return Err(Refused::Overload);
        }
        Ok(())
    }

    /// Answers a request that is not worked on.
    pub(crate) fn refuse_request(&mut self, now: Instant, incoming: Incoming, refused: Refused) {
        match refused {
            Refused::NoDialog => self.counters.refused_unknown_dialog += 1,
            Refused::Overload => self.counters.refused_overload += 1,
            _ => {}
        }
        let retry_after = self.config.limits.retry_after;
        let (status, overload) = (refused.status(), refused == Refused::Overload);
        let dress = |response: &mut Response| refused.dress(response, retry_after);
        if self.is_in_dialog(&incoming) && !overload {
            return self.refuse_with_state(now, incoming, status, dress);
        }
        let Incoming {
            request, origin, ..
        } = incoming;
        self.reply_statelessly(now, origin, request.headers, status, dress);
    }

    /// Refuses a request in a dialog and keeps its transaction: a moment later the same request
    /// might be taken, or the dialog be gone, and a repetition must get the same answer.
    pub(crate) fn refuse_with_state(
        &mut self,
        now: Instant,
        incoming: Incoming,
        status: u16,
        dress: impl FnOnce(&mut Response),
    ) {
        let Incoming {
            request, key, path, ..
        } = incoming;
        let mut response = self.response(&request.headers, status, None);
        dress(&mut response);
        let user = ServerUser::Nobody;
        let transaction = self.start_server(now, &request, key, None, path, user);
        self.send_response(now, transaction, &response);
    }

    /// OPTIONS: the user answers.
    pub(crate) fn handle_options(
        &mut self,
        now: Instant,
        incoming: Incoming,
        merge_key: Option<MergeKey>,
        in_dialog: Option<super::DialogId>,
    ) {
        let Incoming {
            request,
            key,
            path,
            origin,
            ..
        } = incoming;
        let user = ServerUser::Options(in_dialog);
        let id = self.start_server(now, &request, key, merge_key, path, user);
        self.event(crate::event::Event::Options {
            request: super::RequestId(id.0),
            source: origin.source,
            in_dialog,
        });
    }
}

impl Refused {
    fn status(&self) -> u16 {
        match self {
            Refused::MethodNotAllowed => 405,
            Refused::NotImplemented => 501,
            Refused::UriScheme => 416,
            Refused::Merged => 482,
            Refused::Extensions(_) => 420,
            Refused::ContentType | Refused::ContentEncoding => 415,
            Refused::NotAcceptable => 406,
            Refused::Contact => 400,
            Refused::Forbidden => 403,
            Refused::SessionInterval => 422,
            Refused::NoDialog => 481,
            Refused::Overload => 503,
        }
    }

    fn dress(&self, response: &mut Response, retry_after: u32) {
        let headers = &mut response.headers;
        match self {
            Refused::MethodNotAllowed | Refused::NotImplemented => headers.set("Allow", ALLOW),
            Refused::Extensions(tags) => headers.set("Unsupported", tags),
            Refused::ContentType => headers.set("Accept", ACCEPT),
            Refused::ContentEncoding => headers.set("Accept-Encoding", "identity"),
            Refused::Contact => response.reason = "Bad Request (malformed Contact header)".into(),
            Refused::Overload => headers.set("Retry-After", retry_after.to_string()),
            Refused::SessionInterval => headers.set("Min-SE", MIN_SE.as_secs().to_string()),
            Refused::UriScheme
            | Refused::Merged
            | Refused::NotAcceptable
            | Refused::Forbidden
            | Refused::NoDialog => {}
        }
    }
}

/// 405 for what is known and not served, 501 for what nobody knows (section 21.5.2).
pub(crate) fn check_method(method: &Method) -> Result<(), Refused> {
    let served = [Method::INVITE, Method::BYE, Method::OPTIONS, Method::CANCEL];
    match method {
        method if served.contains(method) || DialogMethod::of(method).is_some() => Ok(()),
        Method::Known(_) => Err(Refused::MethodNotAllowed),
        Method::Other(_) => Err(Refused::NotImplemented),
    }
}

/// The extensions required and not known here. Proxy-Require is for proxies.
pub(crate) fn check_extensions(headers: &Headers) -> Result<(), Refused> {
    let tags: Vec<&str> = headers
        .all("Require")
        .flat_map(|value| split_outside_quotes(value, ','))
        .filter(|tag| message::is_token(tag))
        .filter(|tag| {
            !message::SUPPORTED
                .iter()
                .any(|known| known.eq_ignore_ascii_case(tag))
        })
        .collect();
    if tags.is_empty() {
        Ok(())
    } else {
        Err(Refused::Extensions(tags.join(", ")))
    }
}

/// A body must be SDP as it is, unless it may be ignored (section 20.11).
pub(crate) fn check_body(headers: &Headers, has_body: bool) -> Result<(), Refused> {
    if !has_body || is_optional(headers) {
        return Ok(());
    }
    let encoded = headers
        .all("Content-Encoding")
        .flat_map(|value| split_outside_quotes(value, ','))
        .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
    if encoded {
        return Err(Refused::ContentEncoding);
    }
    if is_sdp(headers) {
        Ok(())
    } else {
        Err(Refused::ContentType)
    }
}

/// Whether the body is one this endpoint hands on.
pub(crate) fn is_sdp(headers: &Headers) -> bool {
    headers
        .get("Content-Type")
        .is_some_and(|value| media_type(value).eq_ignore_ascii_case(ACCEPT))
}

fn is_optional(headers: &Headers) -> bool {
    headers.get("Content-Disposition").is_some_and(|value| {
        value.split(';').skip(1).any(|param| {
            let mut sides = param.split('=').map(message::trim);
            sides
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("handling"))
                && sides
                    .next()
                    .is_some_and(|value| value.eq_ignore_ascii_case("optional"))
        })
    })
}

/// An Accept that leaves SDP out cannot be served (section 8.2.3 and RFC 4475 section 3.3.15).
fn check_accept(headers: &Headers) -> Result<(), Refused> {
    let mut ranges = headers
        .all("Accept")
        .flat_map(|value| split_outside_quotes(value, ','))
        .peekable();
    if ranges.peek().is_none() {
        return Ok(());
    }
    let fits = |range: &str| {
        let range = media_type(range);
        ["application/sdp", "application/*", "*/*"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&range))
    };
    if ranges.any(fits) {
        Ok(())
    } else {
        Err(Refused::NotAcceptable)
    }
}

/// `type/subtype` without parameters and white space.
fn media_type(value: &str) -> String {
    let essence = value.split(';').next().unwrap_or_default();
    essence.split_ascii_whitespace().collect()
}
