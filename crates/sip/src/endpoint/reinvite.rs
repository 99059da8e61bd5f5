//! Re-INVITEs of ours (RFC 3261 section 14.1).

use std::time::Instant;

use crate::command::Body;
use crate::dialog::{State, route};
use crate::event::{Event, body_of};
use crate::message::{self, Headers, Mandatory, Method, Response};
use crate::transaction::TransactionId;

use super::client::ClientUser;
use super::compose::{ALLOW, ack_without_dialog, add_body};
use super::uac::AcceptedFork;
use super::{DialogId, Endpoint};

impl Endpoint {
    /// Offers the session anew. Ends in `Reinvited` or `ReinviteRefused`; false, and nothing sent,
    /// where the dialog is not confirmed or another offer is not settled yet.
    pub fn reinvite(&mut self, now: Instant, id: DialogId, body: Body) -> bool {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return false;
        };
        if !matches!(dialog.state, State::Confirmed)
            || dialog.unacknowledged.is_some()
            || dialog.reinvite.is_some()
            || dialog.update.is_some()
            || dialog.our_reinvite.is_some()
        {
            return false;
        }
        let cseq = dialog.next_cseq();
        let Ok(flow) = self.dialog_flow(now, id) else {
            return false;
        };
        let branch = self.random.branch();
        let Some(mut request) = self.dialog_request(id, Method::INVITE, cseq, flow, &branch) else {
            return false;
        };
        self.add_contact(id, &mut request.headers);
        request.headers.set("Allow", ALLOW);
        request
            .headers
            .set("Supported", message::SUPPORTED.join(", "));
        self.add_session_timer(id, &mut request.headers);
        add_body(&mut request.headers, &mut request.body, &body);
        let user = ClientUser::Reinvite(id);
        let transaction = self.start_client(now, request, &branch, flow, user);
        // What could not be sent at all is over already.
        if self.clients.contains_key(&transaction)
            && let Some(dialog) = self.dialogs.get_mut(&id)
        {
            dialog.our_reinvite = Some(transaction);
        }
        true
    }

    /// A final response, repetitions of a 2xx included.
    pub(crate) fn handle_reinvite_response(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        id: DialogId,
        response: &Response,
        fields: &Mandatory,
    ) {
        if response.status >= 300 {
            return self.reinvite_refused(now, id, response.status, &response.headers);
        }
        let Some(client) = self.clients.get_mut(&transaction) else {
            return;
        };
        if let Some(known) = client.accepted.first() {
            let ack = known.ack.clone();
            return self.acknowledge_again(now, ack);
        }
        let tag = fields.to.tag().unwrap_or_default();
        client.accepted.push(AcceptedFork {
            tag: tag.to_owned(),
            ack: None,
        });
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return self.acknowledge_without_dialog(now, transaction, tag);
        };
        dialog.our_reinvite = None;
        if let Some(target) = route::contact(&response.headers) {
            dialog.remote_target = target;
        }
        if let Some((flow, ack)) = self.build_ack(now, id, fields.cseq.number, None) {
            let _ = self.send(now, flow, &ack);
            self.keep_ack(transaction, tag, flow, ack);
        }
        self.take_session(now, id, &response.headers);
        self.event(Event::Reinvited {
            dialog: id,
            body: body_of(&response.headers, &response.body),
        });
    }

    /// The call ended while our re-INVITE was on its way. Its 2xx is acknowledged all the same, or
    /// the peer would repeat it for 64*T1 (RFC 3261 section 13.2.2.4).
    fn acknowledge_without_dialog(&mut self, now: Instant, transaction: TransactionId, tag: &str) {
        let branch = self.random.branch();
        let Some(client) = self.clients.get(&transaction) else {
            return;
        };
        let flow = client.flow;
        let ack = ack_without_dialog(&client.request, &self.via(flow, &branch)).write();
        let _ = self.send(now, flow, &ack);
        self.keep_ack(transaction, tag, flow, ack);
    }

    pub(crate) fn reinvite_refused(
        &mut self,
        now: Instant,
        id: DialogId,
        status: u16,
        headers: &Headers,
    ) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        dialog.our_reinvite = None;
        self.event(Event::ReinviteRefused { dialog: id, status });
        self.refreshed(now, id, status, headers);
    }
}
