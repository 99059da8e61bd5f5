//! Requests inside dialogs that are the transaction user's: INFO, NOTIFY, PRACK, REFER, UPDATE.

use std::time::Instant;

use crate::command::{DialogMethod, OutgoingRequest, Response as UserResponse};
use crate::dialog::{State, route};
use crate::event::{Event, Failure, body_of};
use crate::message::{Headers, Response};
use crate::transaction::TransactionId;

use super::checks::{Refused, check_body};
use super::client::ClientUser;
use super::compose::{ALLOW, add_body};
use super::receive::Incoming;
use super::server::ServerUser;
use super::{DialogId, Endpoint, RequestId};

/// What a PRACK without an offer gets.
const OK: UserResponse = UserResponse {
    status: 200,
    headers: Vec::new(),
    body: None,
};

impl Endpoint {
    /// Sends a request inside a dialog. Ends in [`Event::Response`]; in a dialog that is gone or
    /// has no peer yet nothing is sent and `None` comes back.
    pub fn request(
        &mut self,
        now: Instant,
        dialog: DialogId,
        wanted: OutgoingRequest,
    ) -> Option<RequestId> {
        let known = self.dialogs.get_mut(&dialog)?;
        if matches!(known.state, State::Calling { .. } | State::Ending) {
            return None;
        }
        let cseq = known.next_cseq();
        let flow = self.dialog_flow(now, dialog).ok()?;
        let branch = self.random.branch();
        let method = wanted.method;
        let mut request = self.dialog_request(dialog, method.method(), cseq, flow, &branch)?;
        let moves = matches!(
            method,
            DialogMethod::Notify | DialogMethod::Refer | DialogMethod::Update
        );
        if moves {
            self.add_contact(dialog, &mut request.headers);
            request.headers.set("Allow", ALLOW);
        }
        self.add_user_headers(&mut request.headers, &wanted.headers);
        if let Some(body) = &wanted.body {
            add_body(&mut request.headers, &mut request.body, body);
        }
        let user = ClientUser::Request(dialog, method);
        let id = self.start_client(now, request, &branch, flow, user);
        Some(RequestId(id.0))
    }

    /// A request of the peer.
    pub(crate) fn handle_dialog_request(
        &mut self,
        now: Instant,
        id: DialogId,
        method: DialogMethod,
        incoming: Incoming,
    ) {
        if self.is_ending(id) {
            return self.refuse_request(now, incoming, Refused::NoDialog);
        }
        let has_body = !incoming.request.body.is_empty();
        if method == DialogMethod::Prack && !self.is_prack(id, &incoming.request.headers) {
            return self.refuse_request(now, incoming, Refused::NoDialog);
        }
        let Some(dialog) = self.dialogs.get(&id) else {
            return;
        };
        let headers = &incoming.request.headers;
        if method == DialogMethod::Update {
            if let Err(refused) = check_body(headers, has_body) {
                return self.refuse_request(now, incoming, refused);
            }
            // RFC 3311 section 5.2: an offer on top of another of the peer's.
            let unsettled = matches!(dialog.state, State::Calling { .. } | State::Answered { .. });
            if has_body && (unsettled || dialog.our_reinvite.is_some()) {
                // Our own offer is not settled (RFC 3311 section 5.2).
                return self.refuse_with_491(now, incoming);
            }
            if has_body
                && (dialog.reinvite.is_some()
                    || dialog.update.is_some()
                    || matches!(dialog.state, State::Ringing { .. }))
            {
                return self.refuse_with_500(now, incoming, true);
            }
        }
        let body = body_of(headers, &incoming.request.body);
        let Incoming {
            request, key, path, ..
        } = incoming;
        let user = ServerUser::Request(id, method);
        let transaction = self.start_server(now, &request, key, None, path, user);
        if method == DialogMethod::Prack && !has_body {
            self.respond_in_dialog(now, id, method, transaction, &OK);
            return self.go_on_after_prack(now, id);
        }
        if method == DialogMethod::Update
            && has_body
            && let Some(dialog) = self.dialogs.get_mut(&id)
        {
            dialog.update = Some(transaction);
        }
        self.event(Event::Request {
            dialog: id,
            request: RequestId(transaction.0),
            method,
            headers: request.headers,
            body,
        });
    }

    /// The user's answer to a request of the peer.
    pub(crate) fn respond_in_dialog(
        &mut self,
        now: Instant,
        id: DialogId,
        method: DialogMethod,
        transaction: TransactionId,
        wanted: &UserResponse,
    ) {
        let Some(headers) = self.request_headers(transaction) else {
            return;
        };
        let tag = self.local_tag(id);
        let mut response = self.user_response(&headers, tag.as_deref(), wanted);
        let taken = (200..=299).contains(&response.status);
        if matches!(method, DialogMethod::Refer | DialogMethod::Update) && taken {
            self.add_contact(id, &mut response.headers);
        }
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            if method == DialogMethod::Update {
                dialog.session.hear(&headers);
            }
            if dialog.update == Some(transaction) {
                dialog.update = None;
            }
            // RFC 3311 section 5.1: UPDATE is a target refresh request.
            if method == DialogMethod::Update
                && taken
                && let Some(target) = route::contact(&headers)
            {
                dialog.remote_target = target;
            }
        }
        if method == DialogMethod::Update && taken {
            self.settle_session(now, id, &headers, &mut response);
        }
        self.send_response(now, transaction, &response);
        if method == DialogMethod::Prack {
            self.go_on_after_prack(now, id);
        }
    }

    /// The final response to a request of the user's.
    pub(crate) fn tell_response(
        &mut self,
        id: TransactionId,
        dialog: DialogId,
        method: DialogMethod,
        response: &Response,
    ) {
        if method == DialogMethod::Update
            && (200..=299).contains(&response.status)
            && let Some(known) = self.dialogs.get_mut(&dialog)
            && let Some(target) = route::contact(&response.headers)
        {
            known.remote_target = target;
        }
        self.event(Event::Response {
            dialog,
            request: RequestId(id.0),
            method,
            status: response.status,
            headers: response.headers.clone(),
            body: body_of(&response.headers, &response.body),
        });
    }

    /// No final response will come.
    pub(crate) fn tell_no_response(
        &mut self,
        id: TransactionId,
        dialog: DialogId,
        method: DialogMethod,
        failure: &Failure,
    ) {
        self.event(Event::Response {
            dialog,
            request: RequestId(id.0),
            method,
            status: failure.as_status(),
            headers: Headers::default(),
            body: None,
        });
    }

    fn is_ending(&self, id: DialogId) -> bool {
        let state = self.dialogs.get(&id).map(|dialog| &dialog.state);
        matches!(state, Some(State::Ending))
    }

    pub(crate) fn add_contact(&self, id: DialogId, headers: &mut Headers) {
        if let Some(dialog) = self.dialogs.get(&id) {
            let (protocol, local) = (dialog.peer.protocol, dialog.peer.local);
            headers.set(
                "Contact",
                self.contact(protocol, local, dialog.local.uri.user()),
            );
        }
    }
}
