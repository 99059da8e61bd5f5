//! What a phone can be told to do.

use std::time::Instant;

use bytes::Bytes;

use super::{CALLERS_PATIENCE, GIVE_UP, Life, Phone, Progress, Reliable, Role, Sent, Served, T1};
use crate::trial::text::finish;

impl Phone {
    /// Calls. An empty `offer` leaves the offer to the other side.
    pub(in crate::trial) fn call(&mut self, now: Instant, offer: &str, hops: u32) {
        self.life = Life::Calling;
        self.patience = Some(now + CALLERS_PATIENCE);
        self.offers_late = offer.is_empty();
        (self.offer, self.hops) = (offer.to_owned(), hops);
        self.invite(now, "");
    }

    /// The INVITE, first without and then with proof.
    pub(super) fn invite(&mut self, now: Instant, proof: &str) {
        let (contact, hops, says) = (self.contact(), self.hops, self.habits.says);
        let headers = format!("Contact: {contact}\r\nMax-Forwards: {hops}\r\n{says}{proof}");
        let offer = self.offer.clone();
        self.request(now, "INVITE", &headers, &offer);
        self.main_cseq = self.cseq;
    }

    /// Sends a request of any other kind in the dialog; nothing where there is none.
    pub(in crate::trial) fn ask(
        &mut self,
        now: Instant,
        method: &'static str,
        more: &str,
        body: &str,
    ) {
        if self.life == Life::Up {
            let contact = self.contact();
            let headers = format!("Contact: {contact}\r\nMax-Forwards: 70\r\n{more}");
            self.request(now, method, &headers, body);
        }
    }

    /// Tells how a transfer goes (RFC 3515 section 2.4.5).
    pub(in crate::trial) fn notify(&mut self, now: Instant, state: &str, said: &str) {
        if self.life == Life::Up {
            let contact = self.contact();
            let headers = format!(
                "Contact: {contact}\r\nMax-Forwards: 70\r\nEvent: refer\r\n\
                 Subscription-State: {state}\r\nContent-Type: message/sipfrag;version=2.0\r\n"
            );
            self.request(now, "NOTIFY", &headers, said);
        }
    }

    /// Gives an unanswered call up. CANCEL waits for a provisional response.
    pub(in crate::trial) fn cancel(&mut self, now: Instant) {
        if self.life == Life::Calling {
            self.cancel_wanted = true;
            self.cancel_if_due(now);
        }
    }

    /// A BYE in the early dialog, which a caller may send (RFC 3261 section 15).
    pub(in crate::trial) fn early_bye(&mut self, now: Instant) {
        if self.life == Life::Calling && self.early_tag.is_some() {
            self.cancel_wanted = true;
            self.patience = Some(now + GIVE_UP);
            self.remote_tag = self.early_tag.clone();
            self.request(now, "BYE", "Max-Forwards: 70\r\n", "");
            self.remote_tag = None;
        }
    }

    /// Hangs up, as soon as that is allowed.
    pub(in crate::trial) fn hang_up(&mut self, now: Instant) {
        match self.life {
            Life::Up => {
                self.life = Life::Ending;
                self.request(now, "BYE", "Max-Forwards: 70\r\n", "");
            }
            // A callee's BYE waits for the ACK.
            Life::Answered => self.bye_wanted = true,
            Life::Calling => self.cancel(now),
            Life::Ringing => self.refuse(now, 480),
            Life::Idle | Life::Ending | Life::Over => {}
        }
    }

    /// A provisional response.
    pub(in crate::trial) fn progress(&mut self, status: u16, body: &str) {
        if self.life == Life::Ringing
            && let Some(at) = self.first_invite()
        {
            self.reply(at, status, body);
        }
    }

    /// 183 with a description, repeated until its PRACK.
    pub(in crate::trial) fn progress_reliably(&mut self, now: Instant, body: &str) {
        if !self.may_prack {
            return self.progress(183, body);
        }
        if self.life == Life::Ringing
            && self.reliable.is_none()
            && let Some(at) = self.first_invite()
        {
            self.rseq += 1;
            let more = format!("Require: 100rel\r\nRSeq: {}\r\n", self.rseq);
            self.reply_with(at, 183, &more, body);
            let bytes = self.outbox.last().cloned();
            self.reliable = bytes.map(|bytes| Reliable {
                bytes,
                again: now + T1,
                interval: T1,
                until: now + GIVE_UP,
            });
        }
    }

    /// 200, repeated until its ACK.
    pub(in crate::trial) fn answer(&mut self, now: Instant, body: &str) {
        if self.life == Life::Ringing
            && let Some(at) = self.first_invite()
        {
            if self.reliable.is_some() {
                self.answer_waits = true;
                return;
            }
            self.life = Life::Answered;
            self.patience = None;
            self.was_up = true;
            // What was described reliably is not described again.
            let body = if self.described { "" } else { body };
            self.reply_with(at, 200, self.habits.says, body);
            self.await_ack(now, at);
        }
    }

    /// A final refusal, repeated until its ACK.
    pub(in crate::trial) fn refuse(&mut self, now: Instant, status: u16) {
        if self.life == Life::Ringing
            && let Some(at) = self.first_invite()
        {
            // A proxy that forks passes one refusal on.
            if self.fork == 0 && !self.fork_answered {
                self.reply(at, status, "");
                self.await_ack(now, at);
            }
            self.over();
        }
    }

    /// Everything that was sent, once more: requests as long as transactions may know them.
    pub(in crate::trial) fn storm(&mut self, now: Instant) {
        let is_fresh = |sent: &&Sent| {
            let known = if sent.refused { T1 } else { GIVE_UP / 2 };
            now.saturating_duration_since(sent.at) < known
        };
        let requests = self.sent.iter().filter(is_fresh);
        let requests = requests.map(|sent| sent.bytes.clone());
        let acks = self.acks.iter().map(|(_, ack)| ack.clone());
        let replies = self.served.iter().filter_map(|s| s.reply.clone());
        let all: Vec<Bytes> = requests.chain(acks).chain(replies).collect();
        self.outbox.extend(all);
    }

    pub(super) fn cancel_if_due(&mut self, now: Instant) {
        let main = self.main_cseq;
        let invite = self.sent.iter().find(|sent| sent.cseq == main);
        let due = invite.filter(|invite| {
            self.cancel_wanted && !self.cancel_is_out() && invite.progress == Progress::Proceeding
        });
        let Some(invite) = due else {
            return;
        };
        let (branch, cseq, uri) = (invite.branch.clone(), invite.cseq, invite.uri.clone());
        self.patience = Some(now + GIVE_UP);
        self.put(now, "CANCEL", branch, cseq, uri, "Max-Forwards: 70\r\n", "");
    }

    pub(super) fn cancel_is_out(&self) -> bool {
        let ends = |method| method == "CANCEL" || method == "BYE";
        self.sent.iter().any(|sent| ends(sent.method))
    }

    /// Sends a request with a number of its own.
    pub(super) fn request(
        &mut self,
        now: Instant,
        method: &'static str,
        headers: &str,
        body: &str,
    ) {
        self.cseq += 1;
        let (branch, uri) = (self.branch(), self.target.clone());
        self.put(now, method, branch, self.cseq, uri, headers, body);
    }

    #[expect(clippy::too_many_arguments, reason = "a request's parts")]
    fn put(
        &mut self,
        now: Instant,
        method: &'static str,
        branch: String,
        cseq: u32,
        uri: String,
        headers: &str,
        body: &str,
    ) {
        let bytes = self.message(method, &branch, cseq, &uri, headers, body);
        self.outbox.push(bytes.clone());
        self.sent.push(Sent {
            method,
            at: now,
            branch,
            cseq,
            uri,
            bytes,
            progress: Progress::Trying,
            refused: false,
            again: (!self.is_reliable()).then_some(now + T1),
            interval: T1,
            until: Some(now + GIVE_UP),
        });
    }

    pub(super) fn message(
        &self,
        method: &str,
        branch: &str,
        cseq: u32,
        uri: &str,
        headers: &str,
        body: &str,
    ) -> Bytes {
        let (via, me, call_id) = (self.via, self.me, &self.call_id);
        let (local, tag, remote) = (&self.local, &self.local_tag, &self.remote);
        let to_tag = match &self.remote_tag {
            Some(tag) if method != "CANCEL" => format!(";tag={tag}"),
            _ => String::new(),
        };
        let head = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{via} {me};branch={branch};rport\r\n\
             From: {local};tag={tag}\r\nTo: {remote}{to_tag}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\n{headers}",
        );
        finish(head, body)
    }

    pub(super) fn branch(&mut self) -> String {
        self.branches += 1;
        format!("z9hG4bK{}.{}", self.local_tag, self.branches)
    }

    /// Answers a request, and keeps the answer for its repetitions.
    pub(super) fn reply(&mut self, at: usize, status: u16, body: &str) {
        self.reply_with(at, status, "", body);
    }

    pub(super) fn reply_with(&mut self, at: usize, status: u16, more: &str, body: &str) {
        let (tag, contact) = (self.local_tag.clone(), self.contact());
        let Some(served) = self.served.get_mut(at) else {
            return;
        };
        let (echo, to) = (&served.echo, &served.to);
        let tag = match status {
            100 => String::new(),
            _ => format!(";tag={tag}"),
        };
        let session = if status == 200 { &served.session } else { "" };
        let head = format!(
            "SIP/2.0 {status} Said\r\n{echo}To: {to}{tag}\r\nContact: {contact}\r\n\
             {session}{more}"
        );
        let bytes = finish(head, body);
        (served.status, served.reply) = (status, Some(bytes.clone()));
        self.outbox.push(bytes);
    }

    pub(super) fn await_ack(&mut self, now: Instant, at: usize) {
        let repeats = !self.is_reliable();
        if let Some(served) = self.served.get_mut(at) {
            let is_success = served.status < 300;
            served.until = Some(now + GIVE_UP);
            served.interval = T1;
            served.again = (repeats || is_success).then_some(now + T1);
        }
    }

    /// The INVITE that made this callee.
    pub(super) fn first_invite(&self) -> Option<usize> {
        let opens = |served: &Served| served.opens && served.method == "INVITE";
        self.served
            .iter()
            .rposition(opens)
            .filter(|_| self.role == Role::Callee)
    }
}
