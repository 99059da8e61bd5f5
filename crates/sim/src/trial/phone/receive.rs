//! What a phone does with the gateway's messages.

use std::time::Instant;

use super::{CALLEES_PATIENCE, Life, Phone, Progress, Role, Served, T1, T2};
use crate::trial::digest;
use crate::trial::plot::Mark;
use crate::trial::text::Text;

impl Phone {
    /// Takes a message in.
    pub(in crate::trial) fn receive(&mut self, now: Instant, text: &Text<'_>) {
        if self.vanished {
            return;
        }
        match text.status() {
            Some(status) => self.response(now, text, status),
            None => self.incoming(now, text),
        }
    }

    fn response(&mut self, now: Instant, text: &Text<'_>, status: u16) {
        let (branch, method) = (text.branch(), text.method());
        let found = |sent: &super::Sent| sent.branch == branch && sent.method == method;
        let Some(at) = self.sent.iter().position(found) else {
            self.faults.push(format!("{status} to no {method} of ours"));
            return;
        };
        let reliable = self.is_reliable();
        let Some(sent) = self.sent.get_mut(at) else {
            return;
        };
        let before = sent.progress;
        if status < 200 {
            if before == Progress::Trying {
                sent.progress = Progress::Proceeding;
                if method == "INVITE" {
                    (sent.again, sent.until) = (None, None);
                } else if !reliable {
                    (sent.interval, sent.again) = (T2, Some(now + T2));
                }
            }
        } else {
            sent.progress = Progress::Done;
            sent.refused |= status >= 300;
            (sent.again, sent.until) = (None, None);
        }
        let cseq = sent.cseq;
        let is_first = self.role == Role::Caller && cseq == self.main_cseq;
        match method {
            "INVITE" => self.invite_response(now, text, status, cseq, is_first, before),
            "BYE" if status >= 200 && self.life == Life::Ending => self.over(),
            _ => {}
        }
    }

    fn invite_response(
        &mut self,
        now: Instant,
        text: &Text<'_>,
        status: u16,
        cseq: u32,
        is_first: bool,
        before: Progress,
    ) {
        match status {
            ..=199 => {
                if status > 100 && is_first && self.life == Life::Calling {
                    self.early_tag = text.tag_to().map(str::to_owned);
                    if !self.marks.contains(&Mark::Rung) {
                        self.marks.push(Mark::Rung);
                    }
                }
                self.acknowledge_provisional(now, text, cseq);
                self.cancel_if_due(now);
            }
            200..=299 => self.success(now, text, cseq, is_first, before),
            _ => self.refusal(now, text, status, cseq, is_first, before),
        }
    }

    /// PRACK for a reliable provisional response, in order.
    fn acknowledge_provisional(&mut self, now: Instant, text: &Text<'_>, cseq: u32) {
        let rseq = text.header("RSeq").and_then(|rseq| rseq.parse().ok());
        let Some(rseq) = rseq.filter(|rseq| self.rseq == 0 || *rseq == self.rseq + 1) else {
            return;
        };
        if self.life != Life::Calling {
            return;
        }
        self.rseq = rseq;
        self.described |= !text.body().is_empty();
        self.remote_tag = text.tag_to().map(str::to_owned);
        self.target = text.contact().unwrap_or(&self.target).to_owned();
        let rack = format!("RAck: {rseq} {cseq} INVITE\r\nMax-Forwards: 70\r\n");
        self.request(now, "PRACK", &rack, "");
        self.remote_tag = None;
    }

    fn success(
        &mut self,
        now: Instant,
        text: &Text<'_>,
        cseq: u32,
        is_first: bool,
        before: Progress,
    ) {
        let known = self.acks.iter().find(|(number, _)| *number == cseq);
        if let Some((_, ack)) = known {
            self.outbox.push(ack.clone());
            return;
        }
        if is_first {
            if self.remote_tag.is_none() {
                self.remote_tag = text.tag_to().map(str::to_owned);
            }
            match text.contact() {
                Some(contact) => self.target = contact.to_owned(),
                None => self.faults.push("a 200 without Contact".into()),
            }
            if text.body().is_empty() && !self.described {
                self.faults.push("a 200 without SDP".into());
            }
        }
        if self.habits.acknowledges {
            let body = match self.offers_late && is_first {
                true => super::super::stage::CARRIER_SDP,
                false => "",
            };
            let (branch, uri) = (self.branch(), self.target.clone());
            let ack = self.message("ACK", &branch, cseq, &uri, "Max-Forwards: 70\r\n", body);
            self.acks.push((cseq, ack.clone()));
            self.outbox.push(ack);
        }
        if is_first && before != Progress::Done {
            self.patience = None;
            self.was_up = true;
            if self.life == Life::Calling {
                self.life = Life::Up;
                self.marks.push(Mark::Up);
                if self.cancel_wanted {
                    // The 200 crossed the CANCEL.
                    self.hang_up(now);
                }
            }
        }
    }

    fn refusal(
        &mut self,
        now: Instant,
        text: &Text<'_>,
        status: u16,
        cseq: u32,
        is_first: bool,
        before: Progress,
    ) {
        if self.habits.acknowledges
            && let Some(sent) = self
                .sent
                .iter()
                .find(|s| s.cseq == cseq && s.method == "INVITE")
        {
            let (branch, uri) = (sent.branch.clone(), sent.uri.clone());
            let kept = std::mem::replace(&mut self.remote_tag, text.tag_to().map(str::to_owned));
            let ack = self.message("ACK", &branch, cseq, &uri, "Max-Forwards: 70\r\n", "");
            self.remote_tag = kept;
            self.outbox.push(ack);
        }
        if is_first && before != Progress::Done {
            let uri = "sip:+15559870000@192.0.2.2";
            let proof = digest::authorization(text, uri, self.habits.password);
            if let Some(proof) =
                proof.filter(|_| status == 401 && !self.cancel_wanted && !self.proved)
            {
                self.proved = true;
                return self.invite(now, &proof);
            }
            self.refused = Some(status);
            self.over();
        } else if is_first && self.was_up {
            self.faults.push(format!("{status} after the answer"));
        }
    }

    /// The INVITE was given up without a final response.
    pub(super) fn finish_invite(&mut self) {
        let main = self.main_cseq;
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.cseq == main) {
            (sent.again, sent.until, sent.progress) = (None, None, Progress::Done);
        }
    }

    fn incoming(&mut self, now: Instant, text: &Text<'_>) {
        let (method, branch) = (text.method(), text.branch());
        if method == "ACK" {
            return self.acknowledged(now, text);
        }
        let known = |served: &Served| served.branch == branch && served.method == method;
        if let Some(served) = self.served.iter().find(|served| known(served)) {
            // The 2xx of an INVITE is the user's to repeat (RFC 6026).
            if served.method != "INVITE" || !(200..300).contains(&served.status) {
                self.outbox.extend(served.reply.clone());
            }
            return;
        }
        let cseq = text.cseq().map_or(0, |(number, _)| number);
        self.served.push(Served {
            method: method.to_owned(),
            branch: branch.to_owned(),
            cseq,
            uri: text.uri().to_owned(),
            echo: text.echo(),
            to: to_without_tag(text),
            session: session_of(text),
            opens: text.tag_to().is_none(),
            status: 0,
            reply: None,
            acknowledged: false,
            again: None,
            interval: T1,
            until: None,
        });
        let at = self.served.len() - 1;
        if method == "CANCEL" {
            return self.cancelled(now, at, branch, text);
        }
        if text.tag_to().is_none() {
            return self.invited(now, at, method, cseq, text);
        }
        let ours = self.remote_tag.as_deref() == Some(text.tag_from());
        if !ours || matches!(self.life, Life::Over | Life::Idle | Life::Calling) {
            return self.reply(at, 481, "");
        }
        if cseq <= self.remote_cseq {
            return self.reply(at, 500, "");
        }
        self.remote_cseq = cseq;
        match method {
            "BYE" => self.hung_up(now, at),
            "INVITE" if self.role == Role::Callee => {
                self.faults.push("a re-INVITE towards OpenAI".into());
                self.reply(at, 488, "");
                self.await_ack(now, at);
            }
            "INVITE" if self.invites() => {
                self.reply(at, 491, "");
                self.await_ack(now, at);
            }
            "INVITE" => {
                self.reply(at, 200, super::super::stage::CARRIER_SDP);
                self.await_ack(now, at);
            }
            "REFER" if self.role == Role::Caller => {
                self.reply(at, 202, "");
                self.marks.push(Mark::Referred);
            }
            "PRACK" => self.provisional_acknowledged(now, at),
            _ => self.reply(at, 200, ""),
        }
    }

    fn invited(&mut self, now: Instant, at: usize, method: &str, cseq: u32, text: &Text<'_>) {
        if method != "INVITE" {
            return self.reply(at, 200, "");
        }
        self.remote_cseq = cseq;
        if self.habits.challenges && text.header("Authorization").is_none() {
            self.reply_with(at, 401, &digest::challenge(), "");
            self.life = Life::Over;
            return self.await_ack(now, at);
        }
        self.token = text
            .header("X-Squelch-Call-ID")
            .unwrap_or_default()
            .to_owned();
        if !self.habits.hears {
            self.life = Life::Over;
            return;
        }
        self.life = Life::Ringing;
        self.patience = Some(now + CALLEES_PATIENCE);
        if self.fork == 0 {
            self.reply(at, 100, "");
        }
        match self.refuses {
            Some(status) => self.refuse(now, status),
            None => self.marks.push(Mark::Invited),
        }
    }

    /// Whether a re-INVITE of ours is not answered.
    fn invites(&self) -> bool {
        let mut sent = self.sent.iter();
        sent.any(|sent| sent.method == "INVITE" && sent.progress != Progress::Done)
    }

    fn provisional_acknowledged(&mut self, now: Instant, at: usize) {
        self.reply(at, 200, "");
        if self.reliable.take().is_some() {
            self.described = true;
            if self.answer_waits {
                self.answer(now, "");
            }
        }
    }

    fn hung_up(&mut self, now: Instant, at: usize) {
        self.reply(at, 200, "");
        for served in &mut self.served {
            (served.again, served.until) = (None, None);
        }
        if self.life == Life::Ringing {
            self.refuse(now, 487);
        }
        self.over();
    }

    fn cancelled(&mut self, now: Instant, at: usize, branch: &str, text: &Text<'_>) {
        let is_its = |served: &&Served| served.method == "INVITE" && served.branch == branch;
        let Some(invite) = self.served.iter().find(is_its) else {
            return self.reply(at, 481, "");
        };
        let same_number = text.cseq().is_some_and(|(number, _)| number == invite.cseq);
        if invite.uri != text.uri() || !same_number {
            self.faults.push("a CANCEL unlike its INVITE".into());
        }
        if self.fork == 0 {
            self.reply(at, 200, "");
        }
        self.refuse(now, 487);
    }

    fn acknowledged(&mut self, now: Instant, text: &Text<'_>) {
        let cseq = text.cseq().map_or(0, |(number, _)| number);
        let is_its = |served: &&mut Served| {
            served.method == "INVITE" && served.cseq == cseq && served.status >= 200
        };
        let Some(served) = self.served.iter_mut().find(is_its) else {
            return;
        };
        let success = served.status < 300;
        if success == (served.branch == text.branch()) {
            let fault = format!("the branch of the ACK of {} is wrong", served.status);
            self.faults.push(fault);
            return;
        }
        (served.again, served.until) = (None, None);
        let news = !std::mem::replace(&mut served.acknowledged, true);
        if news && success && self.life == Life::Answered {
            self.life = Life::Up;
            self.marks.push(Mark::Up);
            if self.bye_wanted {
                self.hang_up(now);
            }
        }
    }
}

fn session_of(text: &Text<'_>) -> String {
    let asked = text.header("Session-Expires");
    asked.map_or(String::new(), |asked| {
        format!("Require: timer\r\nSession-Expires: {asked}\r\n")
    })
}

fn to_without_tag(text: &Text<'_>) -> String {
    let to = text.header("To").unwrap_or_default();
    to.split(";tag=").next().unwrap_or_default().to_owned()
}
