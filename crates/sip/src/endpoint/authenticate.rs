//! Challenges. To our own requests (RFC 3261 section 22.2): the request goes out once more, with
//! credentials, a new number and a new branch, over the same flow to the same peer. To a peer's
//! INVITE (section 22.1): nothing is kept of it, so that nobody can fill our tables without a
//! password, or have us send an answer again and again to an address that is not its own.

use std::time::Instant;

use crate::command::Rejection;
use crate::dialog::{Cancel, Dialog, State};
use crate::digest::{Algorithm, Asker, ClientDigest, Taken};
use crate::message::{Method, Request, Response, Via};
use crate::transaction::TransactionId;

use super::client::{ClientUser, Repeat};
use super::network::Flow;
use super::{DialogId, Endpoint};

impl Endpoint {
    /// Answers a 401 or 407 by repeating the request; false where the response is the user's.
    ///
    /// A BYE nobody waits for is not repeated: its dialog is gone, and the credentials with it.
    pub(super) fn answer_challenge(
        &mut self,
        now: Instant,
        id: TransactionId,
        response: &Response,
    ) -> bool {
        let Some(asker) = Asker::of(response.status) else {
            return false;
        };
        let Some(client) = self.clients.get_mut(&id) else {
            return false;
        };
        let dialog_id = match client.user {
            ClientUser::Invite(dialog)
            | ClientUser::Bye(dialog)
            | ClientUser::Request(dialog, _)
            | ClientUser::Refresh(dialog)
            | ClientUser::Reinvite(dialog) => dialog,
            ClientUser::Options | ClientUser::Nobody => return false,
        };
        let Some(dialog) = self.dialogs.get_mut(&dialog_id) else {
            return false;
        };
        if is_given_up(dialog) {
            return false;
        }
        let taken = dialog
            .digest
            .as_mut()
            .and_then(|digest| digest.take(asker, &mut client.repeat.tries, &response.headers));
        let Some(taken) = taken else {
            return false;
        };
        let cseq = dialog.next_cseq();
        let (user, mut flow) = (client.user, client.flow);
        let repeat = Repeat {
            of: Some(client.repeat.of.unwrap_or(id)),
            ..client.repeat
        };
        let mut request = client.request.clone();
        // A peer may close its connection on whom it challenges.
        if let Flow::Stream(connection) = flow
            && !self.connections.contains(connection)
        {
            let Ok(anew) = self.dialog_flow(now, dialog_id) else {
                return false;
            };
            flow = anew;
        }
        self.say_algorithm(taken);
        let branch = self.random.branch();
        let via: Via = self.via(flow, &branch);
        let headers = &mut request.headers;
        headers.replace_first("Via", &via.to_string());
        headers.replace_first("CSeq", &format!("{cseq} {}", request.method));
        self.add_credentials(dialog_id, &mut request);
        let again = self.start_repeat(now, request, &branch, flow, user, repeat);
        // What could not be sent at all is over already.
        if self.clients.contains_key(&again)
            && let Some(dialog) = self.dialogs.get_mut(&dialog_id)
        {
            replace_transaction(dialog, id, again);
        }
        true
    }

    /// Asks who calls for credentials, by 401 with these values of WWW-Authenticate. The dialog is
    /// gone; the caller comes again as somebody new.
    ///
    /// This is the stateless UAS of section 8.2.7: no provisional response before, no repetition,
    /// the ACK is ignored. Where a 100 went out already, as on a connection, which nobody can open
    /// under another's address, it is a `reject`.
    pub fn challenge(&mut self, now: Instant, dialog: DialogId, challenges: Vec<String>) {
        let Some(transaction) = self.ringing(dialog) else {
            return;
        };
        let server = self.servers.get(&transaction);
        let Some(server) = server.filter(|server| !server.is_answered()) else {
            let name = |value| ("WWW-Authenticate".to_owned(), value);
            let rejection = Rejection {
                headers: challenges.into_iter().map(name).collect(),
                ..Rejection::status(401)
            };
            return self.reject(now, dialog, rejection);
        };
        let (headers, mut path) = (server.headers.clone(), server.path.clone());
        let mut response = self.response(&headers, 401, Some(&self.stateless_tag));
        for challenge in challenges {
            response.headers.set("WWW-Authenticate", challenge);
        }
        self.remove_server(transaction);
        self.remove_dialog(dialog);
        self.reply(now, &mut path, &response.write());
    }

    /// The 100s that are due.
    pub(super) fn send_trying(&mut self) {
        for (now, transaction) in std::mem::take(&mut self.trying) {
            let waiting = self.servers.get(&transaction);
            let Some(server) = waiting.filter(|server| !server.is_answered()) else {
                continue;
            };
            let trying = self.response(&server.headers, 100, None);
            self.send_response(now, transaction, &trying);
        }
    }

    /// Writes credentials into a request of a dialog that has been challenged.
    pub(super) fn add_credentials(&mut self, id: DialogId, request: &mut Request) {
        // A CANCEL cannot be challenged (section 22.1).
        if request.method == Method::CANCEL {
            return;
        }
        let Some(digest) = self.dialogs.get_mut(&id).and_then(|d| d.digest.as_mut()) else {
            return;
        };
        if !digest.is_challenged() {
            return;
        }
        let cnonce = self.random.token();
        let (method, uri) = (request.method.to_string(), request.uri.to_string());
        digest.write(&method, &uri, &cnonce, &mut request.headers);
    }

    /// The credentials of a call, for another fork of it.
    pub(super) fn digest_of(&self, id: DialogId) -> Option<ClientDigest> {
        self.dialogs.get(&id)?.digest.clone()
    }

    fn say_algorithm(&mut self, taken: Taken) {
        if taken.algorithm == Algorithm::Md5 && !self.told_md5 {
            self.told_md5 = true;
            tracing::warn!(
                "a peer's challenge was answered with MD5: it offers nothing better. Told once"
            );
        }
    }
}

/// Whether the user wants the call no more.
fn is_given_up(dialog: &Dialog) -> bool {
    matches!(
        dialog.state,
        State::Calling {
            cancel: Cancel::Wanted(_) | Cancel::Sent,
            ..
        }
    )
}

/// The dialog waits for the repeat now.
fn replace_transaction(dialog: &mut Dialog, old: TransactionId, new: TransactionId) {
    if dialog.our_reinvite == Some(old) {
        dialog.our_reinvite = Some(new);
    }
    if let State::Calling {
        transaction,
        cancel,
    } = &mut dialog.state
        && *transaction == old
    {
        *transaction = new;
        // A CANCEL waits for a provisional response to this one.
        *cancel = Cancel::No;
    }
}
