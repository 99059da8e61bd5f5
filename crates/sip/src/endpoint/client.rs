//! Client transactions at work: requests of ours and what comes back.

use std::time::Instant;

use bytes::Bytes;

use crate::command::DialogMethod;
use crate::digest::Tries;
use crate::event::{EndCause, Event, Failure};
use crate::message::{Headers, Mandatory, Method, Request, Response};
use crate::schedule::Owner;
use crate::timers::Timer;
use crate::transaction::{ClientInvite, ClientKey, ClientNonInvite, Step, TransactionId};

use super::compose::ack_of_refusal;
use super::network::Flow;
use super::uac::AcceptedFork;
use super::{DialogId, Endpoint};

/// A request of ours.
#[derive(Debug)]
pub(crate) struct Client {
    machine: Machine,
    key: ClientKey,
    pub(crate) request: Request,
    bytes: Bytes,
    pub(crate) flow: Flow,
    pub(crate) user: ClientUser,
    pub(crate) repeat: Repeat,
    /// Every 2xx to an INVITE by its To tag: repetitions get the same ACK.
    pub(crate) accepted: Vec<AcceptedFork>,
}

/// What a request has behind it that was sent before, without credentials or with stale ones.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Repeat {
    /// The first transaction, which is the one that the user knows.
    pub(crate) of: Option<TransactionId>,
    /// Answers to challenges so far.
    pub(crate) tries: Tries,
}

#[derive(Debug)]
enum Machine {
    Invite(ClientInvite),
    Other(ClientNonInvite),
}

/// Who waits for the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientUser {
    Invite(DialogId),
    Bye(DialogId),
    /// The transaction user, for its own request inside a dialog.
    Request(DialogId, DialogMethod),
    /// The endpoint, for an UPDATE that keeps the session alive.
    Refresh(DialogId),
    /// The transaction user, for its re-INVITE.
    Reinvite(DialogId),
    /// The transaction user, for its OPTIONS outside any dialog.
    Options,
    /// CANCEL, and BYE of a fork or a dialog already given up.
    Nobody,
}

impl Client {
    /// Whether a final response is still missing.
    pub(crate) fn is_pending(&self) -> bool {
        match &self.machine {
            Machine::Invite(machine) => machine.is_pending(),
            Machine::Other(machine) => machine.is_pending(),
        }
    }
}

impl Endpoint {
    /// Sends a request; its top Via carries `branch`.
    pub(crate) fn start_client(
        &mut self,
        now: Instant,
        request: Request,
        branch: &str,
        flow: Flow,
        user: ClientUser,
    ) -> TransactionId {
        self.start_repeat(now, request, branch, flow, user, Repeat::default())
    }

    /// As `start_client`, for a request that has been sent before.
    pub(crate) fn start_repeat(
        &mut self,
        now: Instant,
        request: Request,
        branch: &str,
        flow: Flow,
        user: ClientUser,
        repeat: Repeat,
    ) -> TransactionId {
        let id = TransactionId(self.next_number());
        let reliable = self.protocol_of(flow).0.is_reliable();
        let timers = self.config.timers;
        let (machine, steps) = if request.method == Method::INVITE {
            let (machine, steps) = ClientInvite::start(timers, reliable);
            (Machine::Invite(machine), steps)
        } else {
            let (machine, steps) = ClientNonInvite::start(timers, reliable);
            (Machine::Other(machine), steps)
        };
        let key = ClientKey::new(branch, &request.method);
        let bytes = request.write();
        self.client_keys.insert(key.clone(), id);
        let client = Client {
            machine,
            key,
            request,
            bytes,
            flow,
            user,
            repeat,
            accepted: Vec::new(),
        };
        self.clients.insert(id, client);
        self.run_client(now, id, steps, None);
        id
    }

    pub(crate) fn handle_client_response(
        &mut self,
        now: Instant,
        id: TransactionId,
        response: &Response,
        fields: &Mandatory,
    ) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let steps = match &mut client.machine {
            Machine::Invite(machine) => machine.handle_response(response.status),
            Machine::Other(machine) => machine.handle_response(response.status),
        };
        self.run_client(now, id, steps, Some((response, fields)));
    }

    pub(crate) fn handle_client_timer(&mut self, now: Instant, id: TransactionId, timer: Timer) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let steps = match &mut client.machine {
            Machine::Invite(machine) => machine.handle_timer(timer),
            Machine::Other(machine) => machine.handle_timer(timer),
        };
        self.run_client(now, id, steps, None);
    }

    fn run_client(
        &mut self,
        now: Instant,
        id: TransactionId,
        steps: Vec<Step>,
        response: Option<(&Response, &Mandatory)>,
    ) {
        for step in steps {
            // A step may have ended the transaction.
            let Some(client) = self.clients.get(&id) else {
                return;
            };
            match step {
                Step::Send | Step::SendAgain => {
                    let (flow, bytes) = (client.flow, client.bytes.clone());
                    if step == Step::SendAgain {
                        self.counters.retransmissions += 1;
                    }
                    if let Err(reason) = self.send(now, flow, &bytes) {
                        self.fail_client(now, id, Failure::Transport(reason));
                    }
                }
                Step::Acknowledge => {
                    if let Some((response, _)) = response {
                        let (flow, ack) = (client.flow, ack_of_refusal(&client.request, response));
                        // A lost ACK is asked for again by the peer.
                        let _ = self.send(now, flow, &ack.write());
                    }
                }
                Step::Deliver => {
                    if let Some((response, fields)) = response {
                        self.deliver_response(now, id, response, fields);
                    }
                }
                Step::Set(timer, after) => {
                    self.set_timer(now, Owner::Transaction(id), timer, after);
                }
                Step::Clear(timer) => self.schedule.clear(Owner::Transaction(id), timer),
                Step::TimedOut => self.tell_failure(now, id, Failure::Timeout),
                Step::Terminate => self.remove_client(id),
            }
        }
    }

    /// The request cannot be sent or its connection is gone.
    pub(crate) fn fail_client(&mut self, now: Instant, id: TransactionId, failure: Failure) {
        self.tell_failure(now, id, failure);
        self.remove_client(id);
    }

    pub(crate) fn remove_client(&mut self, id: TransactionId) {
        if let Some(client) = self.clients.remove(&id) {
            self.client_keys.remove(&client.key);
            self.schedule.clear_all(Owner::Transaction(id));
        }
    }

    fn deliver_response(
        &mut self,
        now: Instant,
        id: TransactionId,
        response: &Response,
        fields: &Mandatory,
    ) {
        if self.answer_challenge(now, id, response) {
            return;
        }
        let Some(client) = self.clients.get(&id) else {
            return;
        };
        let first = client.repeat.of.unwrap_or(id);
        match client.user {
            ClientUser::Invite(dialog) => {
                self.handle_invite_response(now, id, dialog, response, fields);
            }
            ClientUser::Bye(dialog) if response.status >= 200 => {
                self.end_dialog(dialog, EndCause::ByeAnswered);
            }
            ClientUser::Request(dialog, method) if response.status >= 200 => {
                self.tell_response(first, dialog, method, response);
            }
            ClientUser::Refresh(dialog) if response.status >= 200 => {
                self.refreshed(now, dialog, response.status, &response.headers);
            }
            ClientUser::Reinvite(dialog) if response.status >= 200 => {
                self.handle_reinvite_response(now, id, dialog, response, fields);
            }
            ClientUser::Options if response.status >= 200 => {
                self.tell_options(id, Ok(response.status));
            }
            ClientUser::Bye(_)
            | ClientUser::Options
            | ClientUser::Request(..)
            | ClientUser::Refresh(_)
            | ClientUser::Reinvite(_)
            | ClientUser::Nobody => {}
        }
    }

    fn tell_failure(&mut self, now: Instant, id: TransactionId, failure: Failure) {
        let Some(client) = self.clients.get(&id) else {
            return;
        };
        let first = client.repeat.of.unwrap_or(id);
        match client.user {
            ClientUser::Invite(dialog) => {
                if self.remove_dialog(dialog).is_some() {
                    self.event(Event::Rejected { dialog, failure });
                }
            }
            ClientUser::Bye(dialog) => self.end_dialog(
                dialog,
                match failure {
                    Failure::Transport(reason) => EndCause::Transport(reason),
                    Failure::Timeout | Failure::Status { .. } => EndCause::ByeTimeout,
                },
            ),
            ClientUser::Request(dialog, method) => {
                self.tell_no_response(first, dialog, method, &failure);
            }
            ClientUser::Refresh(dialog) => {
                self.refreshed(now, dialog, failure.as_status(), &Headers::default());
            }
            ClientUser::Reinvite(dialog) => {
                self.reinvite_refused(now, dialog, failure.as_status(), &Headers::default());
            }
            ClientUser::Options => self.tell_options(id, Err(failure)),
            ClientUser::Nobody => {}
        }
    }

    /// Forgets a dialog and says why; nothing where it is gone already.
    pub(crate) fn end_dialog(&mut self, dialog: DialogId, cause: EndCause) {
        if self.remove_dialog(dialog).is_some() {
            self.event(Event::Ended { dialog, cause });
        }
    }
}
