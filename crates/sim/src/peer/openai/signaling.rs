//! The stand-in's SIP: holds the 200 OK until the call is accepted.

use std::time::{Instant, SystemTime};

use rand_core::Rng;
use squelch_sip::{Body, DialogId, Event, IncomingInvite, Rejection, Response, Warning};

use super::call::Call;
use super::config::{OpenAiConfig, Security};
use super::session::Session;
use super::{
    CallKey, OpenAi, Output, PendingWebhook, State, WEBHOOK_ATTEMPTS, WEBHOOK_RETRY, WebhookId,
    webhook,
};
use crate::peer::Suite;
use crate::peer::rtp::Header;
use crate::peer::sdp::AudioDescription;
use crate::peer::srtp::{Line, Secured};

impl OpenAi {
    /// Hangs a call up from OpenAI's side.
    pub fn hang_up(&mut self, now: Instant, wall: SystemTime, key: CallKey) {
        if let Some(call) = self.calls.get(&key) {
            match call.state {
                State::Pending | State::Accepted => {
                    self.endpoint
                        .reject(now, call.dialog, Rejection::status(603));
                    self.over(call.dialog);
                }
                State::Answered => self.endpoint.bye(now, call.dialog, None),
                State::Over => {}
            }
        }
        self.run_endpoint(now, wall);
    }

    /// Drains the endpoint.
    pub(super) fn run_endpoint(&mut self, now: Instant, wall: SystemTime) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                squelch_sip::Output::Transport(output) => {
                    self.outputs.push_back(Output::Sip(output));
                }
                squelch_sip::Output::Event(event) => self.sip_event(now, wall, event),
            }
        }
    }

    fn sip_event(&mut self, now: Instant, wall: SystemTime, event: Event) {
        match event {
            Event::Invite { dialog, invite } => self.incoming(now, wall, dialog, &invite),
            Event::Acknowledged { dialog, .. } => {
                let key = self.dialogs.get(&dialog).copied();
                if let Some((key, call)) = key.and_then(|k| Some((k, self.calls.get_mut(&k)?))) {
                    call.begin_media(now, self.config.misreading);
                    self.speak(now, key);
                }
            }
            Event::Cancelled { dialog, .. }
            | Event::Bye { dialog, .. }
            | Event::Ended { dialog, .. }
            | Event::Rejected { dialog, .. } => self.over(dialog),
            Event::Reinvite { request, .. } => {
                // Nobody has seen OpenAI take a re-INVITE.
                self.endpoint.respond(now, request, status(488));
            }
            Event::Options { request, .. } => self.endpoint.respond(now, request, status(200)),
            _ => {}
        }
    }

    fn incoming(
        &mut self,
        now: Instant,
        wall: SystemTime,
        dialog: DialogId,
        invite: &IncomingInvite,
    ) {
        let body = invite.body.as_ref();
        let offer = body.and_then(|body| AudioDescription::parse(&body.bytes));
        let format = offer.as_ref().and_then(|offer| {
            let mut known = offer
                .formats
                .iter()
                .filter(|(law, _)| self.config.laws.contains(law));
            known.next().copied()
        });
        let secured = offer.as_ref().and_then(|offer| self.secure(offer));
        let (Some(offer), Some(format), Some(secured)) = (offer, format, secured) else {
            let refusal = Rejection {
                warning: Some(Warning {
                    code: 305,
                    text: "Incompatible media format".into(),
                }),
                ..Rejection::status(488)
            };
            self.endpoint.reject(now, dialog, refusal);
            return;
        };
        let key = CallKey(self.next_key);
        self.next_key += 1;
        let id = format!("rtc_{}", self.random_hex(16));
        let session_id = format!("sess_{}", self.random_hex(12));
        let ends = wall + self.config.session_length;
        let ends = ends
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let session = Session::new(self.config.profile, format.0, &session_id, ends.as_secs());
        let start = Header {
            marker: true,
            payload_type: format.1,
            sequence: sequence(&self.config, self.dice.next_u32()),
            timestamp: self.dice.next_u32(),
            ssrc: self.dice.next_u32(),
        };
        let security = if secured.is_some() { "srtp" } else { "rtp" };
        let mut call = Call::new(now, id.clone(), dialog, &offer, format, session, start);
        call.secured = secured;
        call.expires = now + self.config.session_length;
        self.calls.insert(key, call);
        self.dialogs.insert(dialog, key);
        self.endpoint.provisional(now, dialog, 180, None);
        self.outputs.push_back(Output::BindPort { call: key });
        if self.config.webhook_url.is_some() {
            let event = format!("evt_{}", self.random_hex(12));
            let body = webhook::incoming_call(&event, &id, security, wall, &invite.headers);
            let pending = PendingWebhook {
                call: key,
                id: format!("wh_{}", self.random_hex(12)),
                body,
                attempts: 0,
                retry: Some(now),
            };
            self.webhooks.insert(WebhookId(key.0), pending);
            self.retry_webhooks(now, wall);
        }
    }

    /// Our line and both ways of an offer's encryption, or none of it; `None` where it is not spoken.
    fn secure(&mut self, offer: &AudioDescription) -> Option<Option<(Line, Secured)>> {
        match (offer.secured, self.config.srtp) {
            (true, Security::Off) | (false, Security::Require) => None,
            (false, _) => Some(None),
            (true, _) => {
                let suite = Suite::AesCm128HmacSha1_80;
                let named = |line: &&Line| line.suite == suite.name();
                let theirs = offer.crypto.iter().find(named)?;
                let ours = Line::fresh(theirs.tag, suite, &mut self.dice);
                let secured = Secured::new(&ours, theirs)?;
                Some(Some((ours, secured)))
            }
        }
    }

    /// Answers once the call is accepted and its port known.
    pub(super) fn answer_if_ready(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if call.state == State::Accepted
            && let Some(answer) = call.answer(&self.config)
        {
            call.state = State::Answered;
            self.endpoint.answer(now, call.dialog, Body::sdp(answer));
        }
    }

    /// Refuses a call that nobody accepted in time.
    pub(super) fn expire(&mut self, now: Instant, wall: SystemTime, key: CallKey) {
        let is_answered = |call: &Call| call.state == State::Answered && call.expires <= now;
        if self.calls.get(&key).is_some_and(is_answered) {
            self.hang_up(now, wall, key);
        }
        if let Some(call) = self.calls.get(&key)
            && call.state == State::Pending
            && call.since + self.config.accept_within <= now
        {
            self.endpoint
                .reject(now, call.dialog, Rejection::status(480));
            self.over(call.dialog);
        }
    }

    /// The call is over: its sockets close at once, undrained.
    pub(super) fn over(&mut self, dialog: DialogId) {
        let Some(key) = self.dialogs.remove(&dialog) else {
            return;
        };
        self.webhooks.retain(|_, webhook| webhook.call != key);
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        call.state = State::Over;
        for socket in call.sockets.drain(..) {
            self.sockets.remove(&socket);
            self.outputs.push_back(Output::SocketClose { socket });
        }
        self.outputs.push_back(Output::Ended { call: key });
    }

    pub(super) fn webhook_answered(
        &mut self,
        now: Instant,
        webhook: WebhookId,
        status: Option<u16>,
    ) {
        let Some(pending) = self.webhooks.get_mut(&webhook) else {
            return;
        };
        let taken = status.is_some_and(|status| (200..300).contains(&status));
        if taken || pending.attempts >= WEBHOOK_ATTEMPTS {
            self.webhooks.remove(&webhook);
        } else {
            let wait = WEBHOOK_RETRY * 2_u32.saturating_pow(pending.attempts.saturating_sub(1));
            pending.retry = Some(now + wait);
        }
    }

    pub(super) fn retry_webhooks(&mut self, now: Instant, wall: SystemTime) {
        let Some(url) = &self.config.webhook_url else {
            return;
        };
        for (id, webhook) in &mut self.webhooks {
            if webhook.retry.is_none_or(|at| at > now) {
                continue;
            }
            webhook.retry = None;
            webhook.attempts += 1;
            let secret = &self.config.webhook_secret;
            let request = webhook::delivery(url, secret, &webhook.id, wall, &webhook.body);
            self.outputs.push_back(Output::Webhook {
                webhook: *id,
                request,
            });
        }
    }
}

fn status(status: u16) -> Response {
    Response {
        status,
        ..Response::default()
    }
}

/// The first sequence number of a call.
fn sequence(config: &OpenAiConfig, thrown: u32) -> u16 {
    config.first_sequence.unwrap_or(thrown as u16)
}
