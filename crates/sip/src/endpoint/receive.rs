//! Messages in: to the transaction they belong to, or to who starts one.

use std::time::Instant;

use crate::event::{DropReason, Event};
use crate::message::{
    self, Framing, Headers, Mandatory, Message, MessageError, Method, Refusal, ReplyBasis, Request,
    Response, Via,
};
use crate::transaction::{ClientKey, ServerKey};
use crate::transport::{ConnectionId, Protocol, Source};

use super::Endpoint;
use super::compose::{ALLOW, names_dialog};
use super::server::{ReplyPath, ServerUser};

/// Where a message came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) source: Source,
    pub(crate) connection: Option<ConnectionId>,
}

/// A request on its way in.
pub(crate) struct Incoming {
    /// Its top Via carries our stamp.
    pub(crate) request: Request,
    /// Read before the stamp.
    pub(crate) fields: Mandatory,
    pub(crate) key: ServerKey,
    pub(crate) path: ReplyPath,
    pub(crate) origin: Origin,
}

impl Endpoint {
    pub(crate) fn handle_message(
        &mut self,
        now: Instant,
        origin: Origin,
        bytes: &[u8],
        framing: Framing,
    ) {
        match Message::read(bytes, framing) {
            Ok(Message::Request(request)) => self.handle_request(now, origin, request),
            Ok(Message::Response(response)) => self.handle_response(now, origin, &response),
            // A keep-alive on UDP wants no answer.
            Err(Refusal {
                error: MessageError::Empty,
                ..
            }) => {}
            Err(refusal) => self.refuse(now, origin, refusal),
        }
    }

    /// Answers what is no acceptable request, if it is a request at all.
    pub(crate) fn refuse(&mut self, now: Instant, origin: Origin, refusal: Refusal) {
        let source = origin.source;
        let Refusal { error, basis } = refusal;
        match basis {
            Some(basis) if basis.method != Method::ACK && has_via(&basis.headers) => {
                self.counters.refused_malformed += 1;
                let status = match (&basis.method, error) {
                    // What nobody knows is not implemented, however it is put (RFC 4475 3.1.2.18).
                    (Method::Other(_), MessageError::CSeqMethod) => 501,
                    (_, error) => error.status(),
                };
                let ReplyBasis { headers, .. } = *basis;
                let reason = format!("{} ({error})", message::phrase(status));
                self.reply_statelessly(now, origin, headers, status, |response| {
                    response.reason = reason;
                    if status == 501 {
                        response.headers.set("Allow", ALLOW);
                    }
                });
                self.event(Event::Dropped {
                    reason: DropReason::Refused,
                    source,
                });
            }
            _ => {
                self.counters.dropped_malformed += 1;
                self.event(Event::Dropped {
                    reason: DropReason::Malformed,
                    source,
                });
            }
        }
    }

    /// Sends one response without keeping state (RFC 3261 section 8.2.7): a repeated request gets
    /// it again, an ACK for it is a stray.
    pub(crate) fn reply_statelessly(
        &mut self,
        now: Instant,
        origin: Origin,
        mut headers: Headers,
        status: u16,
        dress: impl FnOnce(&mut Response),
    ) {
        let Some((via, _)) = headers.get("Via").and_then(first_via) else {
            return;
        };
        stamp(&mut headers, origin);
        let tag = self.stateless_tag.clone();
        let mut response = self.response(&headers, status, Some(&tag));
        dress(&mut response);
        let mut path = ReplyPath::new(origin, &via);
        self.reply(now, &mut path, &response.write());
    }

    fn handle_response(&mut self, now: Instant, origin: Origin, response: &Response) {
        self.counters.responses_received += 1;
        let client = Mandatory::of_response(response).ok().and_then(|fields| {
            let key = ClientKey::new(fields.via.branch()?, &fields.cseq.method);
            Some((*self.client_keys.get(&key)?, fields))
        });
        match client {
            Some((id, fields)) => self.handle_client_response(now, id, response, &fields),
            None => {
                self.counters.dropped_stray_responses += 1;
                self.event(Event::Dropped {
                    reason: DropReason::StrayResponse,
                    source: origin.source,
                });
            }
        }
    }

    fn handle_request(&mut self, now: Instant, origin: Origin, mut request: Request) {
        self.counters.requests_received += 1;
        let fields = match Mandatory::of_request(&request) {
            Ok(fields) => fields,
            Err(error) => {
                let Request {
                    method, headers, ..
                } = request;
                let basis = Some(Box::new(ReplyBasis { method, headers }));
                return self.refuse(now, origin, Refusal { error, basis });
            }
        };
        let address = origin.source.remote.ip();
        let key = ServerKey::new(&request, &fields, &request.method, address);
        stamp(&mut request.headers, origin);
        let path = ReplyPath::new(origin, &fields.via);
        let known = self.server_keys.get(&key).copied();
        let incoming = Incoming {
            request,
            fields,
            key,
            path,
            origin,
        };
        match (known, &incoming.request.method) {
            (known, method) if *method == Method::ACK => {
                let for_dialog = known.is_none_or(|id| self.handle_server_ack(now, id));
                if for_dialog {
                    self.handle_dialog_ack(now, &incoming);
                }
            }
            (Some(id), _) => self.handle_repeated_request(now, id),
            (None, method) if *method == Method::CANCEL => self.handle_cancel(now, incoming),
            (None, _) if names_dialog(&incoming.fields) => self.handle_in_dialog(now, incoming),
            (None, _) => self.handle_new_request(now, incoming),
        }
    }

    /// CANCEL (RFC 3261 section 9.2).
    fn handle_cancel(&mut self, now: Instant, incoming: Incoming) {
        let address = incoming.origin.source.remote.ip();
        let invite = ServerKey::new(
            &incoming.request,
            &incoming.fields,
            &Method::INVITE,
            address,
        );
        let Some(invite) = self.server_keys.get(&invite).copied() else {
            self.counters.refused_unknown_dialog += 1;
            return self.reply_statelessly(
                now,
                incoming.origin,
                incoming.request.headers,
                481,
                |_| {},
            );
        };
        let user = self.servers.get(&invite).map(|server| server.user);
        let dialog = match user {
            Some(ServerUser::Invite(dialog) | ServerUser::Reinvite(dialog)) => Some(dialog),
            _ => None,
        };
        let tag = dialog
            .and_then(|dialog| self.dialogs.get(&dialog))
            .and_then(|dialog| dialog.local.tag())
            .unwrap_or(&self.stateless_tag)
            .to_owned();
        let reason = incoming
            .request
            .headers
            .all("Reason")
            .find_map(message::parse_reason);
        let response = self.response(&incoming.request.headers, 200, Some(&tag));
        let Incoming {
            request, key, path, ..
        } = incoming;
        let id = self.start_server(now, &request, key, None, path, ServerUser::Nobody);
        self.send_response(now, id, &response);
        if !self.is_unanswered_invite(invite) {
            return;
        }
        match user {
            Some(ServerUser::Invite(dialog)) => {
                self.terminate_invite(now, invite, &tag);
                self.remove_dialog(dialog);
                self.event(Event::Cancelled { dialog, reason });
            }
            Some(ServerUser::Reinvite(dialog)) => {
                self.terminate_invite(now, invite, &tag);
                if let Some(dialog) = self.dialogs.get_mut(&dialog) {
                    dialog.reinvite = None;
                }
            }
            _ => {}
        }
    }
}

/// Writes into the top Via where the request really came from.
fn stamp(headers: &mut Headers, origin: Origin) {
    let Some((mut via, rest)) = headers.get("Via").and_then(first_via) else {
        return;
    };
    if origin.source.protocol == Protocol::Udp || via.params.get("rport").is_some() {
        via.stamp(origin.source.remote);
    }
    let mut line = via.to_string();
    for value in rest {
        line.push_str(", ");
        line.push_str(&value);
    }
    headers.replace_first("Via", &line);
}

/// The top Via and the other values of its line. Parameters that cannot be read are left away, so
/// that a request with a spoilt Via can still be answered.
fn first_via(line: &str) -> Option<(Via, Vec<String>)> {
    let mut values = message::split_outside_quotes(line, ',');
    let first = values.next()?;
    let via = Via::parse(first).or_else(|| Via::parse(first.split(';').next()?))?;
    Some((via, values.map(str::to_owned).collect()))
}

fn has_via(headers: &Headers) -> bool {
    headers.get("Via").and_then(first_via).is_some()
}
