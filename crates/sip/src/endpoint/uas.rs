//! Calls we are offered (RFC 3261 section 13.3).

use std::time::Instant;

use crate::command::{Body, Rejection, Response as UserResponse};
use crate::dialog::{Dialog, Peer, State, Unacknowledged, route};
use crate::event::{EndCause, Event, IncomingInvite, body_of};
use crate::message::{self, Headers, Response, write_reason, write_warning};
use crate::schedule::Owner;
use crate::timers::Timer;
use crate::transaction::{MergeKey, TransactionId};

use super::checks::{Refused, is_sdp};
use super::compose::{ACCEPT, ALLOW, add_body};
use super::receive::Incoming;
use super::reliable::Reliable;
use super::server::ServerUser;
use super::uac::fallback_target;
use super::{DialogId, Endpoint, Session};

impl Endpoint {
    /// A new call: 100 at once, the rest is the user's. On UDP the user comes first: it may
    /// `challenge` who calls, which allows no 100 before.
    pub(crate) fn handle_invite(&mut self, now: Instant, incoming: Incoming, merge_key: MergeKey) {
        // RFC 2543 callers may leave Contact out; it is then found where they say they are.
        let target = match incoming.request.headers.get("Contact") {
            Some(_) => route::contact(&incoming.request.headers),
            None => fallback_target(&incoming.fields.from),
        };
        let Some(remote_target) = target else {
            return self.refuse_request(now, incoming, Refused::Contact);
        };
        let id = DialogId(self.next_number());
        let tag = self.random.token();
        let Incoming {
            request,
            fields,
            key,
            path,
            origin,
        } = incoming;
        let user = ServerUser::Invite(id);
        let transaction = self.start_server(now, &request, key, Some(merge_key), path, user);
        let dialog = Dialog {
            call_id: fields.call_id.clone(),
            is_caller: false,
            local: fields.to.clone().with_tag(&tag),
            remote: fields.from.clone(),
            local_cseq: self.random.first_cseq(),
            remote_cseq: Some(fields.cseq.number),
            route_set: route::of_request(&request.headers),
            remote_target,
            peer: Peer {
                protocol: origin.source.protocol,
                remote: origin.source.remote,
                local: Some(origin.source.local),
                connection: origin.connection,
                server_name: None,
            },
            state: State::Ringing { transaction },
            unacknowledged: None,
            reinvite: None,
            reliable: None,
            acknowledged: None,
            our_reinvite: None,
            session: Session::default(),
            update: None,
            digest: None,
        };
        self.insert_dialog(id, dialog);
        self.index_dialog(id);
        self.trying.push((now, transaction));
        if origin.connection.is_some() {
            self.send_trying();
        }
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            dialog.reliable = Reliable::asked_by(&request.headers, fields.cseq.number);
            dialog.session.hear(&request.headers);
        }
        let body = body_of(&request.headers, &request.body).filter(|_| is_sdp(&request.headers));
        let invite = Box::new(IncomingInvite {
            request_uri: request.uri,
            from: fields.from,
            to: fields.to,
            call_id: fields.call_id,
            max_forwards: fields.max_forwards,
            headers: request.headers,
            body,
            source: origin.source,
        });
        self.event(Event::Invite { dialog: id, invite });
    }

    /// Sends 101..=199 for an incoming call; other statuses send nothing. A body is early media's
    /// description (183). It is sent reliably (RFC 3262) where the caller requires that, or
    /// supports it and there is a body; otherwise it may be lost, so the answer must say it again.
    pub fn provisional(&mut self, now: Instant, dialog: DialogId, status: u16, body: Option<Body>) {
        let Some(transaction) = self.ringing(dialog) else {
            return;
        };
        if !(101..=199).contains(&status) || self.provisional_reliably(now, dialog, status, &body) {
            return;
        }
        let Some(mut response) = self.dialog_response(dialog, transaction, status) else {
            return;
        };
        if let Some(body) = &body {
            add_body(&mut response.headers, &mut response.body, body);
        }
        self.send_response(now, transaction, &response);
    }

    /// Answers an incoming call with 200, sent again until its ACK comes. Without ACK within 64*T1
    /// the endpoint hangs up and says `Ended { NoAck }`. While a description in a reliable
    /// provisional response waits for its PRACK, the answer waits too (RFC 3262 section 3). It then
    /// says the same again: some callers look for it there, and all must ignore it otherwise
    /// (RFC 3261 section 13.2.1).
    pub fn answer(&mut self, now: Instant, dialog: DialogId, body: Body) {
        let Some(transaction) = self.ringing(dialog) else {
            return;
        };
        let Some(body) = self.hold_answer(dialog, body) else {
            return;
        };
        let Some(mut response) = self.dialog_response(dialog, transaction, 200) else {
            return;
        };
        response.headers.set("Allow", ALLOW);
        response.headers.set("Accept", ACCEPT);
        response
            .headers
            .set("Supported", message::SUPPORTED.join(", "));
        add_body(&mut response.headers, &mut response.body, &body);
        if let Some(dialog) = self.dialogs.get_mut(&dialog) {
            dialog.state = State::Confirmed;
        }
        if let Some(request) = self.request_headers(transaction) {
            self.settle_session(now, dialog, &request, &mut response);
        }
        self.accept(now, dialog, transaction, &response);
    }

    /// Refuses an incoming call. The dialog is gone.
    pub fn reject(&mut self, now: Instant, dialog: DialogId, rejection: Rejection) {
        let Some(transaction) = self.ringing(dialog) else {
            return;
        };
        let status = if (300..=699).contains(&rejection.status) {
            rejection.status
        } else {
            500
        };
        let tag = self.local_tag(dialog);
        let Some(headers) = self.request_headers(transaction) else {
            return;
        };
        let mut response = self.response(&headers, status, tag.as_deref());
        if let Some(seconds) = rejection.retry_after {
            response.headers.set("Retry-After", seconds.to_string());
        }
        if let Some(warning) = &rejection.warning {
            let agent = self
                .config
                .listeners
                .first()
                .map(|l| l.advertised_host.as_str());
            let agent = agent.unwrap_or("anonymous.invalid");
            response
                .headers
                .set("Warning", write_warning(warning, agent));
        }
        if let Some(reason) = &rejection.reason {
            response.headers.set("Reason", write_reason(reason));
        }
        self.add_user_headers(&mut response.headers, &rejection.headers);
        self.send_response(now, transaction, &response);
        // Who is asked for credentials comes again; some proxies, which answer for the caller, do so
        // under the same number.
        if matches!(status, 401 | 407) {
            self.forget_merge_key(transaction);
        }
        self.remove_dialog(dialog);
    }

    /// Sends a 2xx to an INVITE or re-INVITE and repeats it until its ACK comes.
    pub(crate) fn accept(
        &mut self,
        now: Instant,
        id: DialogId,
        transaction: TransactionId,
        response: &Response,
    ) {
        let path = self
            .servers
            .get(&transaction)
            .map(|server| server.path.clone());
        let Some(bytes) = self.send_response(now, transaction, response) else {
            return;
        };
        let timers = self.config.timers;
        let (Some(dialog), Some(path)) = (self.dialogs.get_mut(&id), path) else {
            return;
        };
        dialog.unacknowledged = Some(Unacknowledged {
            path,
            // The peer's last request with a number is this INVITE or came after it.
            cseq: crate::message::CSeq::parse(response.headers.get("CSeq").unwrap_or_default())
                .map_or(0, |cseq| cseq.number),
            response: bytes,
            interval: timers.t1,
            then_bye: None,
        });
        self.set_timer(now, Owner::Dialog(id), Timer::AnswerAgain, timers.t1);
        self.set_timer(now, Owner::Dialog(id), Timer::NoAck, timers.give_up());
    }

    pub(crate) fn answer_again(&mut self, now: Instant, id: DialogId) {
        let t2 = self.config.timers.t2;
        let Some(waiting) = self
            .dialogs
            .get_mut(&id)
            .and_then(|d| d.unacknowledged.as_mut())
        else {
            return;
        };
        waiting.interval = waiting.interval.saturating_mul(2).min(t2);
        let (interval, bytes, mut path) = (
            waiting.interval,
            waiting.response.clone(),
            waiting.path.clone(),
        );
        self.counters.retransmissions += 1;
        self.reply(now, &mut path, &bytes);
        if let Some(waiting) = self
            .dialogs
            .get_mut(&id)
            .and_then(|d| d.unacknowledged.as_mut())
        {
            waiting.path = path;
        }
        self.set_timer(now, Owner::Dialog(id), Timer::AnswerAgain, interval);
    }

    pub(crate) fn give_up_waiting_for_ack(&mut self, now: Instant, id: DialogId) {
        if self.dialogs.contains_key(&id) {
            self.hang_up_alone(now, id);
            self.end_dialog(id, EndCause::NoAck);
        }
    }

    /// 487 for an INVITE whose caller gave up.
    pub(crate) fn terminate_invite(&mut self, now: Instant, transaction: TransactionId, tag: &str) {
        let Some(headers) = self.request_headers(transaction) else {
            return;
        };
        let response = self.response(&headers, 487, Some(tag));
        self.send_response(now, transaction, &response);
    }

    /// A response that makes or confirms a dialog: Record-Route and Contact go with it
    /// (RFC 3261 section 12.1.1).
    pub(crate) fn dialog_response(
        &self,
        id: DialogId,
        transaction: TransactionId,
        status: u16,
    ) -> Option<Response> {
        let headers = self.request_headers(transaction)?;
        let dialog = self.dialogs.get(&id)?;
        let mut response = self.response(&headers, status, dialog.local.tag());
        self.add_dialog_headers(dialog, &headers, &mut response.headers);
        Some(response)
    }

    pub(crate) fn add_dialog_headers(
        &self,
        dialog: &Dialog,
        request: &Headers,
        response: &mut Headers,
    ) {
        for route in request.all("Record-Route") {
            response.push_received("Record-Route", route);
        }
        let user = dialog.local.uri.user();
        response.set(
            "Contact",
            self.contact(dialog.peer.protocol, dialog.peer.local, user),
        );
    }

    /// Dresses the user's response to a re-INVITE.
    pub(crate) fn reinvite_response(
        &mut self,
        now: Instant,
        id: DialogId,
        transaction: TransactionId,
        wanted: &UserResponse,
    ) -> Option<Response> {
        let headers = self.request_headers(transaction)?;
        let tag = self.local_tag(id);
        let mut response = self.user_response(&headers, tag.as_deref(), wanted);
        if (200..=299).contains(&response.status) {
            let dialog = self.dialogs.get(&id)?;
            let mut more = std::mem::take(&mut response.headers);
            self.add_dialog_headers(dialog, &headers, &mut more);
            response.headers = more;
            self.settle_session(now, id, &headers, &mut response);
        }
        Some(response)
    }

    pub(crate) fn request_headers(&self, transaction: TransactionId) -> Option<Headers> {
        self.servers
            .get(&transaction)
            .map(|server| server.headers.clone())
    }

    pub(crate) fn local_tag(&self, id: DialogId) -> Option<String> {
        self.dialogs.get(&id)?.local.tag().map(str::to_owned)
    }

    /// The INVITE of a call that waits for the user's final response.
    pub(crate) fn ringing(&self, id: DialogId) -> Option<TransactionId> {
        match self.dialogs.get(&id)?.state {
            State::Ringing { transaction } => Some(transaction),
            _ => None,
        }
    }
}
