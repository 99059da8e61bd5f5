//! Calls we place (RFC 3261 sections 9.1, 13.2 and 15).
//!
//! Who cleans up: a 2xx that crosses our CANCEL, and a 2xx of another fork than the first, are
//! acknowledged and hung up by the endpoint itself; the user hears `Ended { CancelCrossed }` of the
//! former and nothing of the latter.

use std::time::Instant;

use bytes::Bytes;

use crate::command::{Body, OutgoingInvite, Reason};
use crate::dialog::{Cancel, Dialog, Peer, State, route};
use crate::digest::ClientDigest;
use crate::event::{EndCause, Event, Failure, body_of};
use crate::message::{
    self, Headers, Mandatory, Method, NameAddr, Request, Response, parse_warning, write_reason,
};
use crate::schedule::Owner;
use crate::timers::Timer;
use crate::transaction::TransactionId;

use super::client::ClientUser;
use super::compose::{ALLOW, add_body, cancel_of};
use super::network::Flow;
use super::{DialogId, Endpoint, Session};

/// The most forks of one INVITE that are acknowledged and hung up; further ones are left to give
/// up by themselves.
const MAX_FORKS: usize = 8;

/// A 2xx to our INVITE.
#[derive(Debug)]
pub(crate) struct AcceptedFork {
    /// Its To tag.
    pub(crate) tag: String,
    /// Our ACK, as soon as there is one: every repetition of the 2xx gets it again.
    pub(crate) ack: Option<(Flow, Bytes)>,
}

impl Endpoint {
    /// Places a call. Ends in `Answered`, `Rejected`, or after `cancel` in `Ended`.
    pub fn invite(&mut self, now: Instant, invite: OutgoingInvite) -> DialogId {
        let id = DialogId(self.next_number());
        let flow = match self.flow_to(now, &invite.target) {
            Ok(flow) => flow,
            Err(reason) => {
                let failure = Failure::Transport(reason);
                self.event(Event::Rejected {
                    dialog: id,
                    failure,
                });
                return id;
            }
        };
        let tag = self.random.token();
        let mut to = invite.to;
        to.params.remove("tag");
        let (local, connection) = match flow {
            Flow::Datagram { local, .. } => (Some(local), None),
            Flow::Stream(connection) => (None, Some(connection)),
        };
        let dialog = Dialog {
            call_id: self.random.token(),
            is_caller: true,
            local: invite.from.with_tag(&tag),
            remote: to,
            local_cseq: self.random.first_cseq(),
            remote_cseq: None,
            route_set: Vec::new(),
            remote_target: invite.request_uri.without_headers(),
            peer: Peer {
                protocol: invite.target.protocol,
                remote: invite.target.addr,
                local,
                connection,
                server_name: invite.target.server_name,
            },
            state: State::Calling {
                transaction: TransactionId(0),
                cancel: Cancel::No,
            },
            unacknowledged: None,
            reinvite: None,
            reliable: None,
            acknowledged: None,
            our_reinvite: None,
            session: Session::default(),
            update: None,
            digest: invite.credentials.map(ClientDigest::new),
        };
        let branch = self.random.branch();
        let cseq = dialog.local_cseq;
        let user = dialog.local.uri.user().map(str::to_owned);
        self.insert_dialog(id, dialog);
        let Some(mut request) = self.dialog_request(id, Method::INVITE, cseq, flow, &branch) else {
            return id;
        };
        let headers = &mut request.headers;
        headers.remove("Max-Forwards");
        headers.set("Max-Forwards", invite.max_forwards.to_string());
        headers.set(
            "Contact",
            self.contact(invite.target.protocol, local, user.as_deref()),
        );
        headers.set("Allow", ALLOW);
        headers.set("Supported", message::RELIABLE);
        if let Some(interval) = invite.session_expires {
            self.offer_session_timer(id, interval, &mut request.headers);
        }
        self.add_user_headers(&mut request.headers, &invite.headers);
        if let Some(body) = &invite.body {
            add_body(&mut request.headers, &mut request.body, body);
        }
        let transaction = self.start_client(now, request, &branch, flow, ClientUser::Invite(id));
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            dialog.state = State::Calling {
                transaction,
                cancel: Cancel::No,
            };
        }
        id
    }

    /// Acknowledges the peer's 2xx.
    pub fn acknowledge(&mut self, now: Instant, dialog: DialogId, body: Option<Body>) {
        let Some(Dialog {
            state: State::Answered { transaction, cseq },
            ..
        }) = self.dialogs.get(&dialog)
        else {
            return;
        };
        let (transaction, cseq) = (*transaction, *cseq);
        self.send_ack(now, dialog, transaction, cseq, body.as_ref());
        if let Some(dialog) = self.dialogs.get_mut(&dialog) {
            dialog.state = State::Confirmed;
        }
    }

    /// Gives up a call that is not answered yet. The CANCEL waits for a provisional response
    /// (RFC 3261 section 9.1); the call ends in `Rejected`, or in `Ended` where the peer's 2xx
    /// crossed it. After the answer it is a `bye`, for an incoming call it does nothing.
    pub fn cancel(&mut self, now: Instant, dialog: DialogId, reason: Option<Reason>) {
        match self.dialogs.get_mut(&dialog) {
            Some(Dialog {
                state:
                    State::Calling {
                        transaction,
                        cancel,
                    },
                ..
            }) => match cancel {
                Cancel::No => *cancel = Cancel::Wanted(reason),
                Cancel::Possible => {
                    *cancel = Cancel::Sent;
                    let transaction = *transaction;
                    self.send_cancel(now, dialog, transaction, reason);
                }
                Cancel::Wanted(_) | Cancel::Sent => {}
            },
            Some(Dialog {
                state: State::Ringing { .. },
                ..
            })
            | None => {}
            Some(_) => self.bye(now, dialog, reason),
        }
    }

    /// A response to our INVITE, repetitions of 2xx included.
    pub(crate) fn handle_invite_response(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        id: DialogId,
        response: &Response,
        fields: &Mandatory,
    ) {
        match response.status {
            ..=199 => self.handle_provisional(now, transaction, id, response, fields),
            200..=299 => self.handle_success(now, transaction, id, response, fields),
            300.. => {
                if self.remove_dialog(id).is_some() {
                    let failure = failure_of(response);
                    self.event(Event::Rejected {
                        dialog: id,
                        failure,
                    });
                }
            }
        }
    }

    fn handle_provisional(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        id: DialogId,
        response: &Response,
        fields: &Mandatory,
    ) {
        if !self.acknowledge_provisional(now, transaction, id, response, fields) {
            return;
        }
        let Some(Dialog {
            state:
                State::Calling {
                    transaction,
                    cancel,
                },
            ..
        }) = self.dialogs.get_mut(&id)
        else {
            return;
        };
        match std::mem::replace(cancel, Cancel::Sent) {
            Cancel::Wanted(reason) => {
                let transaction = *transaction;
                self.send_cancel(now, id, transaction, reason);
            }
            Cancel::Sent => {}
            Cancel::No | Cancel::Possible => {
                *cancel = Cancel::Possible;
                if response.status > 100 {
                    self.event(Event::Provisional {
                        dialog: id,
                        status: response.status,
                        body: body_of(&response.headers, &response.body),
                    });
                }
            }
        }
    }

    fn handle_success(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        id: DialogId,
        response: &Response,
        fields: &Mandatory,
    ) {
        let Some(client) = self.clients.get_mut(&transaction) else {
            return;
        };
        let tag = fields.to.tag().unwrap_or_default();
        if let Some(fork) = client.accepted.iter().find(|fork| fork.tag == tag) {
            // The peer has not seen our ACK; where there is none yet it will come.
            let ack = fork.ack.clone();
            return self.acknowledge_again(now, ack);
        }
        if client.accepted.len() >= MAX_FORKS {
            return;
        }
        let is_first = client.accepted.is_empty();
        client.accepted.push(AcceptedFork {
            tag: tag.to_owned(),
            ack: None,
        });
        match self.dialogs.get_mut(&id) {
            Some(dialog) if is_first => {
                let crossed = match &dialog.state {
                    State::Calling { cancel, .. } => {
                        matches!(cancel, Cancel::Wanted(_) | Cancel::Sent)
                    }
                    _ => true,
                };
                dialog.state = State::Answered {
                    transaction,
                    cseq: fields.cseq.number,
                };
                self.schedule.clear(Owner::Dialog(id), Timer::NoEffect);
                self.establish_dialog(id, &response.headers, fields);
                self.take_session(now, id, &response.headers);
                if crossed {
                    self.acknowledge(now, id, None);
                    self.hang_up_alone(now, id);
                    self.end_dialog(id, EndCause::CancelCrossed);
                } else {
                    let body = body_of(&response.headers, &response.body);
                    self.event(Event::Answered { dialog: id, body });
                }
            }
            _ => self.hang_up_fork(now, transaction, id, response, fields),
        }
    }

    pub(crate) fn acknowledge_again(&mut self, now: Instant, ack: Option<(Flow, Bytes)>) {
        if let Some((flow, ack)) = ack {
            self.counters.retransmissions += 1;
            let _ = self.send(now, flow, &ack);
        }
    }

    /// Takes over the peer's tag, target and route set from a response that makes a dialog, early or
    /// confirmed; what an earlier fork had settled is forgotten.
    pub(crate) fn establish_dialog(&mut self, id: DialogId, headers: &Headers, fields: &Mandatory) {
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            let before = dialog.key();
            establish(dialog, headers, fields);
            if self.dialog_keys.get(&before) == Some(&id) {
                self.dialog_keys.remove(&before);
            }
        }
        self.index_dialog(id);
    }

    /// Another fork answered, or the call is over: acknowledge and hang up.
    fn hang_up_fork(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        of: DialogId,
        response: &Response,
        fields: &Mandatory,
    ) {
        let Some(client) = self.clients.get(&transaction) else {
            return;
        };
        let (protocol, local) = self.protocol_of(client.flow);
        let (remote, connection, server_name) = match client.flow {
            Flow::Datagram { remote, .. } => (remote, None, None),
            Flow::Stream(connection) => match self.connections.get(connection) {
                Some(known) => (known.remote, Some(connection), known.server_name.clone()),
                None => return,
            },
        };
        let remote_target = client.request.uri.clone();
        let id = DialogId(self.next_number());
        let mut dialog = Dialog {
            call_id: fields.call_id.clone(),
            is_caller: true,
            local: fields.from.clone(),
            remote: fields.to.clone(),
            local_cseq: fields.cseq.number,
            remote_cseq: None,
            route_set: Vec::new(),
            remote_target,
            peer: Peer {
                protocol,
                remote,
                local,
                connection,
                server_name,
            },
            state: State::Answered {
                transaction,
                cseq: fields.cseq.number,
            },
            unacknowledged: None,
            reinvite: None,
            reliable: None,
            acknowledged: None,
            our_reinvite: None,
            session: Session::default(),
            update: None,
            digest: self.digest_of(of),
        };
        establish(&mut dialog, &response.headers, fields);
        self.insert_dialog(id, dialog);
        if let Some((flow, ack)) = self.build_ack(now, id, fields.cseq.number, None) {
            let _ = self.send(now, flow, &ack);
            self.keep_ack(transaction, fields.to.tag().unwrap_or_default(), flow, ack);
        }
        self.hang_up_alone(now, id);
        self.remove_dialog(id);
    }

    /// Sends the ACK of a 2xx and keeps it for repetitions.
    fn send_ack(
        &mut self,
        now: Instant,
        id: DialogId,
        transaction: TransactionId,
        cseq: u32,
        body: Option<&Body>,
    ) {
        let Some((flow, ack)) = self.build_ack(now, id, cseq, body) else {
            return;
        };
        let _ = self.send(now, flow, &ack);
        if let Some(key) = self.dialogs.get(&id).map(Dialog::key) {
            self.keep_ack(transaction, &key.remote_tag, flow, ack);
        }
    }

    pub(crate) fn build_ack(
        &mut self,
        now: Instant,
        id: DialogId,
        cseq: u32,
        body: Option<&Body>,
    ) -> Option<(Flow, Bytes)> {
        let flow = self.dialog_flow(now, id).ok()?;
        let branch = self.random.branch();
        let mut ack = self.dialog_request(id, Method::ACK, cseq, flow, &branch)?;
        if let Some(body) = body {
            add_body(&mut ack.headers, &mut ack.body, body);
        }
        Some((flow, ack.write()))
    }

    pub(crate) fn keep_ack(
        &mut self,
        transaction: TransactionId,
        tag: &str,
        flow: Flow,
        ack: Bytes,
    ) {
        if let Some(client) = self.clients.get_mut(&transaction)
            && let Some(fork) = client.accepted.iter_mut().find(|fork| fork.tag == tag)
        {
            fork.ack = Some((flow, ack));
        }
    }

    fn send_cancel(
        &mut self,
        now: Instant,
        id: DialogId,
        transaction: TransactionId,
        reason: Option<Reason>,
    ) {
        let Some(client) = self.clients.get(&transaction) else {
            return;
        };
        let flow = client.flow;
        let mut cancel: Request = cancel_of(&client.request);
        if let Some(reason) = &reason {
            cancel.headers.set("Reason", write_reason(reason));
        }
        let branch = Mandatory::of_request(&cancel)
            .ok()
            .and_then(|fields| fields.via.branch().map(str::to_owned))
            .unwrap_or_default();
        self.start_client(now, cancel, &branch, flow, ClientUser::Nobody);
        let after = self.config.timers.give_up();
        self.set_timer(now, Owner::Dialog(id), Timer::NoEffect, after);
    }

    /// The CANCEL had no effect for 64*T1: the INVITE counts as cancelled.
    pub(crate) fn give_up_cancelling(&mut self, id: DialogId) {
        let Some(Dialog {
            state: State::Calling { transaction, .. },
            ..
        }) = self.dialogs.get(&id)
        else {
            return;
        };
        let transaction = *transaction;
        self.remove_client(transaction);
        self.remove_dialog(id);
        self.event(Event::Rejected {
            dialog: id,
            failure: Failure::Timeout,
        });
    }
}

/// Fills in what a response that makes a dialog settles (RFC 3261 section 12.1.2).
fn establish(dialog: &mut Dialog, headers: &Headers, fields: &Mandatory) {
    dialog.remote = fields.to.clone();
    dialog.route_set = route::of_response(headers);
    // A 2xx must have a Contact; where it has none the call can still be ended at the old target.
    if let Some(target) = route::contact(headers) {
        dialog.remote_target = target;
    }
}

fn failure_of(response: &Response) -> Failure {
    let retry_after = response.headers.get("Retry-After").and_then(|value| {
        // `18000;duration=3600` or `120 (I'm in a meeting)`.
        let digits = value.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    });
    Failure::Status {
        status: response.status,
        reason_phrase: response.reason.clone(),
        retry_after,
        warning: response.headers.get("Warning").and_then(parse_warning),
    }
}

/// The remote URI of a call that never got a Contact.
pub(crate) fn fallback_target(from: &NameAddr) -> Option<crate::message::Uri> {
    from.uri
        .is_sip()
        .then(|| from.uri.clone().without_headers())
}
