//! Reliable provisional responses (RFC 3262), as callee and as caller.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::command::{Body, Rejection};
use crate::dialog::State;
use crate::event::{EndCause, Event};
use crate::message::{self, Headers, Mandatory, Method, RAck, Response};
use crate::schedule::Owner;
use crate::timers::Timer;
use crate::transaction::TransactionId;

use super::client::ClientUser;
use super::compose::add_body;
use super::server::ReplyPath;
use super::{DialogId, Endpoint};

/// The most provisional responses that wait for another's PRACK; further ones are not sent.
const MAX_QUEUED: usize = 8;

/// The provisional responses of a call we are offered, where the caller acknowledges them.
#[derive(Debug)]
pub(crate) struct Reliable {
    /// Every one of them, not only those with a description.
    required: bool,
    /// The INVITE's number.
    cseq: u32,
    /// The number of the last one.
    rseq: u32,
    /// Sent, without PRACK yet.
    sent: Option<Sent>,
    /// One at a time: the next is sent after the PRACK of the one before (section 3).
    queue: VecDeque<(u16, Option<Body>)>,
    /// The answer, where it has to wait.
    answer: Option<Body>,
}

#[derive(Debug)]
struct Sent {
    path: ReplyPath,
    response: Bytes,
    interval: Duration,
    describes: bool,
}

impl Reliable {
    /// What the caller's INVITE says of it.
    pub(crate) fn asked_by(invite: &Headers, cseq: u32) -> Option<Reliable> {
        let required = message::names(invite, "Require", message::RELIABLE);
        let supported = required || message::names(invite, "Supported", message::RELIABLE);
        supported.then(|| Reliable {
            required,
            cseq,
            rseq: 0,
            sent: None,
            queue: VecDeque::new(),
            answer: None,
        })
    }
}

impl Endpoint {
    /// Sends a provisional response reliably, now or after the one before; false where the caller
    /// does not ask for that.
    pub(crate) fn provisional_reliably(
        &mut self,
        now: Instant,
        id: DialogId,
        status: u16,
        body: &Option<Body>,
    ) -> bool {
        let Some(reliable) = self.dialogs.get_mut(&id).and_then(|d| d.reliable.as_mut()) else {
            return false;
        };
        if !reliable.required && body.is_none() {
            return false;
        }
        if reliable.sent.is_none() {
            self.send_reliably(now, id, status, body.as_ref());
        } else if reliable.queue.len() < MAX_QUEUED {
            reliable.queue.push_back((status, body.clone()));
        }
        true
    }

    /// Gives the answer back where it may be sent at once; keeps it for later where not.
    pub(crate) fn hold_answer(&mut self, id: DialogId, answer: Body) -> Option<Body> {
        let Some(reliable) = self.dialogs.get_mut(&id).and_then(|d| d.reliable.as_mut()) else {
            return Some(answer);
        };
        reliable.queue.clear();
        if reliable.sent.as_ref().is_some_and(|sent| sent.describes) {
            reliable.answer = Some(answer);
            return None;
        }
        self.schedule
            .clear(Owner::Dialog(id), Timer::ProvisionalAgain);
        self.schedule.clear(Owner::Dialog(id), Timer::NoPrack);
        Some(answer)
    }

    fn send_reliably(&mut self, now: Instant, id: DialogId, status: u16, body: Option<&Body>) {
        let Some(transaction) = self.ringing(id) else {
            return;
        };
        let Some(mut response) = self.dialog_response(id, transaction, status) else {
            return;
        };
        // Section 3: the first number is drawn between 1 and 2^31 - 1.
        let first = self.random.first_cseq();
        let Some(reliable) = self.dialogs.get_mut(&id).and_then(|d| d.reliable.as_mut()) else {
            return;
        };
        reliable.rseq = if reliable.rseq == 0 {
            first
        } else {
            reliable.rseq.saturating_add(1)
        };
        response.headers.set("Require", message::RELIABLE);
        response.headers.set("RSeq", reliable.rseq.to_string());
        if let Some(body) = body {
            add_body(&mut response.headers, &mut response.body, body);
        }
        let path = self.servers.get(&transaction).map(|s| s.path.clone());
        let (Some(path), Some(bytes)) = (path, self.send_response(now, transaction, &response))
        else {
            return;
        };
        let timers = self.config.timers;
        if let Some(reliable) = self.dialogs.get_mut(&id).and_then(|d| d.reliable.as_mut()) {
            reliable.sent = Some(Sent {
                path,
                response: bytes,
                interval: timers.t1,
                describes: body.is_some(),
            });
        }
        self.set_timer(now, Owner::Dialog(id), Timer::ProvisionalAgain, timers.t1);
        self.set_timer(now, Owner::Dialog(id), Timer::NoPrack, timers.give_up());
    }

    /// Section 3: again and again, the interval doubled each time and not capped.
    pub(crate) fn provisional_again(&mut self, now: Instant, id: DialogId) {
        let Some(sent) = self.sent_reliably(id) else {
            return;
        };
        sent.interval = sent.interval.saturating_mul(2);
        let (interval, bytes) = (sent.interval, sent.response.clone());
        let mut path = sent.path.clone();
        self.counters.retransmissions += 1;
        self.reply(now, &mut path, &bytes);
        if let Some(sent) = self.sent_reliably(id) {
            sent.path = path;
        }
        self.set_timer(now, Owner::Dialog(id), Timer::ProvisionalAgain, interval);
    }

    pub(crate) fn give_up_waiting_for_prack(&mut self, now: Instant, id: DialogId) {
        if self.ringing(id).is_some() {
            self.reject(now, id, Rejection::status(504));
            self.event(Event::Ended {
                dialog: id,
                cause: EndCause::NoPrack,
            });
        }
    }

    fn sent_reliably(&mut self, id: DialogId) -> Option<&mut Sent> {
        let reliable = self.dialogs.get_mut(&id)?.reliable.as_mut()?;
        reliable.sent.as_mut()
    }

    /// Whether a PRACK is for the response that waits for one; it waits no more.
    pub(crate) fn is_prack(&mut self, id: DialogId, headers: &Headers) -> bool {
        let Some(reliable) = self.dialogs.get_mut(&id).and_then(|d| d.reliable.as_mut()) else {
            return false;
        };
        let rack = headers.get("RAck").and_then(RAck::parse);
        let fits = rack.is_some_and(|rack| {
            rack.rseq == reliable.rseq
                && rack.cseq.number == reliable.cseq
                && rack.cseq.method == Method::INVITE
        });
        if reliable.sent.take_if(|_| fits).is_none() {
            return false;
        }
        self.schedule
            .clear(Owner::Dialog(id), Timer::ProvisionalAgain);
        self.schedule.clear(Owner::Dialog(id), Timer::NoPrack);
        true
    }

    /// What waited for the PRACK goes out.
    pub(crate) fn go_on_after_prack(&mut self, now: Instant, id: DialogId) {
        let Some(reliable) = self.dialogs.get_mut(&id).and_then(|d| d.reliable.as_mut()) else {
            return;
        };
        if let Some(answer) = reliable.answer.take() {
            self.answer(now, id, answer);
        } else if let Some((status, body)) = reliable.queue.pop_front() {
            self.send_reliably(now, id, status, body.as_ref());
        }
    }

    /// Acknowledges a reliable provisional response to our INVITE (section 4). False where the
    /// response is one before, or not the next one: it is then as if it had not come.
    pub(crate) fn acknowledge_provisional(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        id: DialogId,
        response: &Response,
        fields: &Mandatory,
    ) -> bool {
        let rseq = response.headers.get("RSeq").and_then(message::parse_rseq);
        let is_reliable = message::names(&response.headers, "Require", message::RELIABLE);
        let (Some(rseq), Some(tag), true) = (rseq, fields.to.tag(), is_reliable) else {
            return true;
        };
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return false;
        };
        if !matches!(dialog.state, State::Calling { transaction: ours, .. } if ours == transaction)
        {
            return false;
        }
        match &dialog.acknowledged {
            // Another fork counts for itself.
            Some((known, last)) if known == tag && last.checked_add(1) != Some(rseq) => {
                return false;
            }
            _ => {}
        }
        dialog.acknowledged = Some((tag.to_owned(), rseq));
        self.establish_dialog(id, &response.headers, fields);
        self.send_prack(now, id, rseq, &fields.cseq.to_string());
        true
    }

    fn send_prack(&mut self, now: Instant, id: DialogId, rseq: u32, cseq: &str) {
        let Ok(flow) = self.dialog_flow(now, id) else {
            return;
        };
        let Some(number) = self.dialogs.get_mut(&id).map(|dialog| dialog.next_cseq()) else {
            return;
        };
        let branch = self.random.branch();
        let request = self.dialog_request(id, Method::PRACK, number, flow, &branch);
        if let Some(mut prack) = request {
            prack.headers.set("RAck", format!("{rseq} {cseq}"));
            self.start_client(now, prack, &branch, flow, ClientUser::Nobody);
        }
    }
}
