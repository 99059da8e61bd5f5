//! What the gateway asks of its shell, and OpenAI's API.

use std::time::Duration;

use squelch_call::{CallId, FetchId, Input, Output, SidebandEvent};
use squelch_media::BridgeStats;
use squelch_sip::locate::{Answer, Question, Record};

use super::{Flight, Stage};
use crate::http::{Request, Response};
use crate::peer::openai::webhook;
use crate::trial::phone::Role;
use crate::trial::plot::{Api, Limit, Mark};
use crate::world::{gateway_address, openai_address};

impl Stage {
    pub(super) fn input(&mut self, input: Input<'_>) {
        let wall = self.wall();
        self.gateway.handle_input(self.now, wall, input);
        self.drain_gateway();
    }

    pub(super) fn drain_gateway(&mut self) {
        while let Some(output) = self.gateway.poll_output() {
            self.gateway_asks(output);
        }
        self.watch_counters();
    }

    fn gateway_asks(&mut self, output: Output) {
        let since = self.now - self.start;
        match output {
            Output::Sip(output) => self.transmit(output),
            Output::BindPorts { call } => {
                let after = self.dice.millis(0, 50);
                self.later(after, Flight::Ports(call));
            }
            Output::ReleasePorts { call } => self.release(call, false),
            Output::StartMedia { call, .. } => self.start_media(call),
            Output::UpdateMedia { call, .. } => self.must_run(call, "UpdateMedia"),
            Output::StopMedia { call } => self.release(call, true),
            Output::Resolve { question } => {
                let after = self.dice.millis(0, 900);
                let good = !self.setting.name_fails;
                self.later(after, Flight::Resolved(question, good));
            }
            Output::Http { fetch, request } => {
                let after = self.dice.millis(5, 300);
                self.later(after, Flight::Accept(fetch, request));
            }
            // In these trials OpenAI has no WebSockets: the calls go on without.
            Output::SidebandConnect { sideband, .. } => {
                let refused = Err("no WebSocket here".to_owned());
                let event = SidebandEvent::Refused(refused);
                self.input(Input::Sideband { sideband, event });
            }
            Output::SidebandStart { .. }
            | Output::SidebandSend { .. }
            | Output::SidebandClose { .. } => {}
            Output::HttpReply { exchange, response } => {
                if !self.tally.asked.remove(&exchange) {
                    let fault = "an HTTP request is answered twice".to_owned();
                    self.tally.faults.push(fault);
                }
                let status = response.status;
                self.ladder.note(since, || format!("webhook: {status}"));
            }
            Output::CallAnswered { .. } => self.tally.answered += 1,
            Output::CallEnded(record) => {
                let (from, reason) = (record.from.clone(), record.reason);
                self.ladder
                    .note(since, || format!("record: {from} {reason}"));
                self.tally.records.push(*record);
            }
            Output::Drained => {
                self.tally.drained += 1;
                self.ladder.note(since, || "drained".into());
            }
        }
    }

    pub(super) fn ports(&mut self, call: CallId) {
        if self.tally.bound.len() as u32 >= self.setting.ports {
            return self.input(Input::PortsUnavailable { call });
        }
        self.tally.bound.insert(call);
        let port = 20_000 + 4 * (self.tally.bound.len() as u16);
        let mut carrier = gateway_address();
        carrier.set_port(port);
        let mut openai = carrier;
        openai.set_port(port + 2);
        self.input(Input::PortsBound {
            call,
            carrier,
            openai,
        });
    }

    fn release(&mut self, call: CallId, with_media: bool) {
        if !self.tally.bound.remove(&call) {
            let fault = format!("ports released that were not bound: {call:?}");
            self.tally.faults.push(fault);
        }
        if with_media != self.tally.media.remove(&call) {
            let fault = format!("media and ports disagree: {call:?}");
            self.tally.faults.push(fault);
        }
        if with_media && self.setting.figures {
            let after = self.dice.millis(0, 1_500);
            self.later(after, Flight::Stats(call, true));
        }
    }

    fn start_media(&mut self, call: CallId) {
        if !self.tally.bound.contains(&call) || !self.tally.media.insert(call) {
            let fault = format!("media start without ports, or twice: {call:?}");
            self.tally.faults.push(fault);
        }
        let is_silent = |plot: &super::Plot| plot.limit == Limit::Silence;
        if self.setting.plots.iter().any(is_silent) {
            self.later(FIGURES, Flight::Stats(call, false));
        }
    }

    fn must_run(&mut self, call: CallId, what: &str) {
        if !self.tally.media.contains(&call) {
            let fault = format!("{what} without media: {call:?}");
            self.tally.faults.push(fault);
        }
    }

    pub(super) fn stats(&mut self, call: CallId, last: bool) {
        if !last {
            if !self.tally.media.contains(&call) {
                return;
            }
            self.later(FIGURES, Flight::Stats(call, false));
        }
        let stats = Box::new(BridgeStats::default());
        self.input(Input::MediaStats { call, stats, last });
    }

    pub(super) fn resolved(&mut self, question: Question, good: bool) {
        let address = Record::Address(openai_address().ip());
        let records = match &question {
            Question::Address(_) => vec![address],
            _ => Vec::new(),
        };
        let ttl = Duration::from_secs(60);
        let result = match good {
            true => Ok(Answer { records, ttl }),
            false => Err("no such name".into()),
        };
        self.input(Input::Resolved { question, result });
    }

    /// OpenAI tells of a call by webhook.
    pub(super) fn announce(&mut self, phone: usize, scene: usize, api: Api) {
        let Some(phone) = self.phones.get(phone) else {
            return;
        };
        let (token, call_id) = (phone.token.clone(), phone.call_id.clone());
        let after = match api {
            Api::WebhookNever => return,
            Api::WebhookLate => self.dice.millis(3_000, 6_000),
            _ => self.dice.millis(5, 300),
        };
        let call = format!("rtc_{scene}_{call_id}");
        let body = serde_json::json!({
            "object": "event", "id": "evt_1", "type": "realtime.call.incoming",
            "created_at": 1_750_000_000,
            "data": {"call_id": call, "sip_headers": [{"name": "X-Squelch-Call-ID", "value": token}]},
        });
        let secrets = &self.gateway.config().openai.webhook_secrets;
        let secret = secrets.first().map(|secret| secret.expose().to_vec());
        let secret = String::from_utf8(secret.unwrap_or_default()).unwrap_or_default();
        let url = "/webhooks/openai";
        let id = format!("wh_{}", self.dice.number());
        let at = self.wall() + after;
        let request = webhook::delivery(url, &secret, &id, at, &body.to_string());
        if api == Api::WebhookTwice {
            let again = after + self.dice.millis(0, 3_000);
            self.later(again, Flight::Webhook(request.clone()));
        }
        self.later(after, Flight::Webhook(request));
    }

    /// An accept is at OpenAI: `.../calls/rtc_SCENE_CALL-ID/accept`.
    pub(super) fn accept(&mut self, fetch: FetchId, request: &Request) {
        let named = request.target.split("/rtc_").nth(1).unwrap_or_default();
        let (scene, rest) = named.split_once('_').unwrap_or_default();
        let call_id = rest.trim_end_matches("/accept").to_owned();
        let number: usize = scene.parse().unwrap_or(usize::MAX);
        let Some(scene) = self.scenes.get_mut(number) else {
            let fault = format!("an accept for nobody: {}", request.target);
            return self.tally.faults.push(fault);
        };
        let (plot, before) = (scene.plot, scene.accepts);
        scene.accepts += 1;
        let status = match plot.api {
            Api::Accepts(statuses) => statuses.get(before).copied().unwrap_or(200),
            _ => 200,
        };
        let after = match (plot.api, status) {
            (Api::AcceptSlow, _) => Duration::from_secs(30),
            (_, 0) => self.dice.millis(1_000, 2_000),
            _ => self.dice.millis(5, 300),
        };
        let result = match status {
            0 => Err("no answer".into()),
            status => Ok(Response::empty(status)),
        };
        self.later(after, Flight::Fetched(fetch, result));
        let since = self.now - self.start;
        self.ladder
            .note(since, || format!("accept of call {number}: {status}"));
        if status != 200 {
            return;
        }
        let is_its = |phone: &super::Phone| phone.role == Role::Callee && phone.call_id == call_id;
        for at in 0..self.phones.len() {
            if self.phones.get(at).is_some_and(is_its) {
                self.cue(at, plot.callee, Mark::Admitted, Duration::ZERO);
            }
        }
    }

    /// No counter ever goes back.
    fn watch_counters(&mut self) {
        let (calls, sip) = (self.gateway.counters(), self.gateway.sip_counters());
        let counted = [
            calls.ended.values().sum(),
            calls.strangers,
            calls.webhooks.values().sum(),
            calls.session_guard.values().sum(),
            sip.requests_received,
            sip.responses_received,
            sip.messages_sent,
            sip.retransmissions,
            sip.dropped_stray_responses,
            sip.dropped_stray_acks,
            sip.refused_unknown_dialog,
            sip.refused_overload,
        ];
        let before = std::mem::replace(&mut self.tally.counted, counted);
        if counted
            .iter()
            .zip(before)
            .any(|(now, before)| *now < before)
        {
            let fault = format!("a counter went back: {before:?}, {counted:?}");
            self.tally.faults.push(fault);
        }
    }
}

/// How often a media worker tells its figures; seldom, to save time.
const FIGURES: Duration = Duration::from_secs(8);
