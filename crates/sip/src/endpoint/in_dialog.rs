//! Requests inside dialogs, both ways (RFC 3261 sections 12.2, 14 and 15).

use std::time::Instant;

use crate::command::{DialogMethod, Reason, Rejection, Response as UserResponse};
use crate::dialog::{DialogKey, Reinvite, State, route};
use crate::event::{DropReason, EndCause, Event, body_of};
use crate::message::{self, Method, write_reason};
use crate::schedule::Owner;
use crate::timers::Timer;
use crate::transaction::TransactionId;

use super::checks::{Refused, check_body, check_extensions, check_method, is_sdp};
use super::client::ClientUser;
use super::receive::Incoming;
use super::server::ServerUser;
use super::session_timer::check_session_interval;
use super::{DialogId, Endpoint, RequestId};

impl Endpoint {
    /// Hangs up. While our 200 waits for its ACK the BYE waits too (RFC 3261 section 15); before
    /// the answer this is a `cancel`, or for an incoming call a 480. Ends in `Ended`.
    pub fn bye(&mut self, now: Instant, dialog: DialogId, reason: Option<Reason>) {
        let Some(known) = self.dialogs.get_mut(&dialog) else {
            return;
        };
        match &known.state {
            State::Calling { .. } => self.cancel(now, dialog, reason),
            State::Ringing { .. } => {
                self.reject(
                    now,
                    dialog,
                    Rejection {
                        reason,
                        ..Rejection::status(480)
                    },
                );
            }
            State::Answered { .. } => {
                self.acknowledge(now, dialog, None);
                self.send_bye(now, dialog, reason, ClientUser::Bye(dialog));
            }
            State::Confirmed => match &mut known.unacknowledged {
                Some(waiting) => waiting.then_bye = Some(reason),
                None => self.send_bye(now, dialog, reason, ClientUser::Bye(dialog)),
            },
            State::Ending => {}
        }
    }

    /// Forgets a dialog and tells nobody, as a user agent does that dies: what the peer still sends in it is answered
    /// with 481, and no event tells of it any more. For tests of what peers make of that.
    pub fn forget(&mut self, dialog: DialogId) {
        self.remove_dialog(dialog);
    }

    /// Answers an OPTIONS or a re-INVITE. A second answer, or one for a request that is gone, does
    /// nothing.
    pub fn respond(&mut self, now: Instant, request: RequestId, response: UserResponse) {
        let transaction = TransactionId(request.0);
        let Some(server) = self.servers.get(&transaction) else {
            return;
        };
        match server.user {
            ServerUser::Options(dialog) => {
                let headers = server.headers.clone();
                let tag = dialog.and_then(|dialog| self.local_tag(dialog));
                let tag = tag.unwrap_or_else(|| self.stateless_tag.clone());
                let response = self.user_response(&headers, Some(&tag), &response);
                self.send_response(now, transaction, &response);
            }
            ServerUser::Reinvite(dialog) => {
                let Some(response) = self.reinvite_response(now, dialog, transaction, &response)
                else {
                    return;
                };
                let reinvite = self
                    .dialogs
                    .get_mut(&dialog)
                    .and_then(|d| d.reinvite.take());
                if (200..=299).contains(&response.status) {
                    if let (Some(known), Some(target)) = (
                        self.dialogs.get_mut(&dialog),
                        reinvite.and_then(|r| r.target),
                    ) {
                        known.remote_target = target;
                    }
                    self.accept(now, dialog, transaction, &response);
                } else {
                    self.send_response(now, transaction, &response);
                }
            }
            ServerUser::Request(dialog, method) => {
                self.respond_in_dialog(now, dialog, method, transaction, &response);
            }
            ServerUser::Invite(_) | ServerUser::Nobody => {}
        }
    }

    /// A new request with a To tag.
    pub(crate) fn handle_in_dialog(&mut self, now: Instant, incoming: Incoming) {
        let Some(id) = self.dialog_of(&incoming) else {
            // Unknown methods first: they are so in and out of dialogs.
            let refused = match check_method(&incoming.request.method) {
                Err(Refused::NotImplemented) => Refused::NotImplemented,
                _ => Refused::NoDialog,
            };
            return self.refuse_request(now, incoming, refused);
        };
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        if !dialog.accept_cseq(incoming.fields.cseq.number) {
            return self.refuse_with_500(now, incoming, false);
        }
        let connection = incoming.origin.connection;
        if connection.is_some()
            && !dialog
                .peer
                .connection
                .is_some_and(|c| self.connections.contains(c))
        {
            dialog.peer.connection = connection;
        }
        let headers = &incoming.request.headers;
        let mut checked = check_method(&incoming.request.method)
            .and_then(|()| check_extensions(headers))
            .and_then(|()| check_session_interval(&incoming.request));
        // Twice the cap inside dialogs: calls must be able to end under overload.
        if self.clients.len() + self.servers.len()
            >= self.config.limits.transactions.saturating_mul(2)
        {
            checked = Err(Refused::Overload);
        }
        if let Err(refused) = checked {
            return self.refuse_request(now, incoming, refused);
        }
        match DialogMethod::of(&incoming.request.method) {
            Some(method) => self.handle_dialog_request(now, id, method, incoming),
            None if incoming.request.method == Method::BYE => self.handle_bye(now, id, incoming),
            None if incoming.request.method == Method::INVITE => {
                self.handle_reinvite(now, id, incoming);
            }
            None => self.handle_options(now, incoming, None, Some(id)),
        }
    }

    /// The ACK of a 2xx.
    pub(crate) fn handle_dialog_ack(&mut self, now: Instant, incoming: &Incoming) {
        let to_tag = incoming.fields.to.tag();
        if to_tag == Some(self.stateless_tag.as_str()) {
            // For a response we kept no state of.
            return;
        }
        let source = incoming.origin.source;
        let Some(id) = self.dialog_of(incoming) else {
            self.counters.dropped_stray_acks += 1;
            self.event(Event::Dropped {
                reason: DropReason::StrayAck,
                source,
            });
            return;
        };
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let cseq = incoming.fields.cseq.number;
        let Some(waiting) = dialog
            .unacknowledged
            .take_if(|waiting| waiting.cseq == cseq)
        else {
            // A repeated ACK.
            return;
        };
        self.schedule.clear(Owner::Dialog(id), Timer::AnswerAgain);
        self.schedule.clear(Owner::Dialog(id), Timer::NoAck);
        let request = &incoming.request;
        let body = body_of(&request.headers, &request.body).filter(|_| is_sdp(&request.headers));
        self.event(Event::Acknowledged { dialog: id, body });
        if let Some(reason) = waiting.then_bye {
            self.send_bye(now, id, reason, ClientUser::Bye(id));
        }
    }

    /// Sends a BYE nobody waits for: the user is told in another way.
    pub(crate) fn hang_up_alone(&mut self, now: Instant, id: DialogId) {
        self.send_bye(now, id, None, ClientUser::Nobody);
    }

    pub(crate) fn send_bye(
        &mut self,
        now: Instant,
        id: DialogId,
        reason: Option<Reason>,
        user: ClientUser,
    ) {
        self.drop_reinvite(now, id);
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        dialog.state = State::Ending;
        let cseq = dialog.next_cseq();
        let flow = match self.dialog_flow(now, id) {
            Ok(flow) => flow,
            Err(error) => {
                if user != ClientUser::Nobody {
                    self.end_dialog(id, EndCause::Transport(error));
                }
                return;
            }
        };
        let branch = self.random.branch();
        let Some(mut bye) = self.dialog_request(id, Method::BYE, cseq, flow, &branch) else {
            return;
        };
        if let Some(reason) = &reason {
            bye.headers.set("Reason", write_reason(reason));
        }
        self.start_client(now, bye, &branch, flow, user);
    }

    fn handle_bye(&mut self, now: Instant, id: DialogId, incoming: Incoming) {
        let state = self.dialogs.get(&id).map(|dialog| &dialog.state);
        if matches!(state, Some(State::Calling { .. })) {
            // A callee ends an early dialog by a final response (RFC 3261 section 15).
            return self.refuse_request(now, incoming, Refused::NoDialog);
        }
        let reason = incoming
            .request
            .headers
            .all("Reason")
            .find_map(message::parse_reason);
        let tag = self.local_tag(id).unwrap_or_default();
        let response = self.response(&incoming.request.headers, 200, Some(&tag));
        let Incoming {
            request, key, path, ..
        } = incoming;
        let bye = self.start_server(now, &request, key, None, path, ServerUser::Nobody);
        self.send_response(now, bye, &response);
        if let Some(invite) = self.ringing(id) {
            // Before the answer a BYE does what CANCEL does (RFC 3261 section 15.1.2).
            self.terminate_invite(now, invite, &tag);
            self.remove_dialog(id);
            self.event(Event::Cancelled { dialog: id, reason });
            return;
        }
        self.drop_reinvite(now, id);
        match self.remove_dialog(id).map(|dialog| dialog.state) {
            Some(State::Ending) => {
                self.event(Event::Ended {
                    dialog: id,
                    cause: EndCause::ByeCrossed,
                });
            }
            Some(_) => self.event(Event::Bye { dialog: id, reason }),
            None => {}
        }
    }

    fn handle_reinvite(&mut self, now: Instant, id: DialogId, incoming: Incoming) {
        let Some(dialog) = self.dialogs.get(&id) else {
            return;
        };
        match dialog.state {
            // Section 14.2: our INVITE is still in progress, the peer shall try later.
            State::Calling { .. } | State::Answered { .. } => {
                return self.refuse_with_491(now, incoming);
            }
            State::Ending => return self.refuse_request(now, incoming, Refused::NoDialog),
            State::Ringing { .. } => return self.refuse_with_500(now, incoming, true),
            State::Confirmed if dialog.our_reinvite.is_some() => {
                return self.refuse_with_491(now, incoming);
            }
            State::Confirmed => {}
        }
        if dialog.reinvite.is_some() || dialog.unacknowledged.is_some() {
            return self.refuse_with_500(now, incoming, true);
        }
        let headers = &incoming.request.headers;
        if let Err(refused) = check_body(headers, !incoming.request.body.is_empty()) {
            return self.refuse_request(now, incoming, refused);
        }
        let target = route::contact(headers);
        let body = body_of(headers, &incoming.request.body).filter(|_| is_sdp(headers));
        let Incoming {
            request, key, path, ..
        } = incoming;
        let user = ServerUser::Reinvite(id);
        let transaction = self.start_server(now, &request, key, None, path, user);
        let trying = self.response(&request.headers, 100, None);
        self.send_response(now, transaction, &trying);
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            dialog.reinvite = Some(Reinvite {
                transaction,
                target,
            });
        }
        self.event(Event::Reinvite {
            dialog: id,
            request: RequestId(transaction.0),
            body,
        });
    }

    /// A re-INVITE the user has not answered when the call ends gets 487 (section 15.1.2).
    fn drop_reinvite(&mut self, now: Instant, id: DialogId) {
        let reinvite = self
            .dialogs
            .get_mut(&id)
            .and_then(|dialog| dialog.reinvite.take());
        if let Some(Reinvite { transaction, .. }) = reinvite {
            let tag = self.local_tag(id).unwrap_or_default();
            self.terminate_invite(now, transaction, &tag);
        }
    }

    /// 491: an offer of our own is not settled yet.
    pub(crate) fn refuse_with_491(&mut self, now: Instant, incoming: Incoming) {
        self.refuse_with_state(now, incoming, 491, |_| {});
    }

    /// 500: a number lower than one before (section 12.2.2), or with Retry-After an INVITE on top
    /// of another (section 14.2).
    pub(crate) fn refuse_with_500(&mut self, now: Instant, incoming: Incoming, retry: bool) {
        let seconds = self.random.retry_after();
        self.refuse_with_state(now, incoming, 500, |response| {
            if retry {
                response.headers.set("Retry-After", seconds.to_string());
            }
        });
    }

    /// Whether a request belongs to a dialog that is there.
    pub(crate) fn is_in_dialog(&self, incoming: &Incoming) -> bool {
        self.dialog_of(incoming).is_some()
    }

    /// The dialog a request belongs to: Call-ID and both tags fit, and it comes from the peer's
    /// address, on whatever connection.
    fn dialog_of(&self, incoming: &Incoming) -> Option<DialogId> {
        let key = DialogKey {
            call_id: incoming.fields.call_id.clone(),
            local_tag: incoming.fields.to.tag().unwrap_or_default().to_owned(),
            remote_tag: incoming.fields.from.tag().unwrap_or_default().to_owned(),
        };
        let id = *self.dialog_keys.get(&key)?;
        let dialog = self.dialogs.get(&id)?;
        dialog.is_peer(incoming.origin.source.remote).then_some(id)
    }
}
