//! The customer's program, speaking to OpenAI through squelch.

use super::{World, setup};
use crate::http::{Request, Response};
use serde_json::Value;
use squelch_call::control::sideband::Passage;
use squelch_call::{ExchangeId, Input, SidebandEvent, SidebandId};
use std::time::Duration;

/// What it was answered, and its WebSocket.
#[derive(Debug, Default)]
pub(super) struct Application {
    pub(super) answers: Vec<Response>,
    pub(super) socket: Option<SidebandId>,
    asked: u64,
}

impl World {
    /// The application asks something about the first call, `accept` for one, at squelch's address. Gives status and
    /// body of the answer; `None` where there is no call or no answer.
    pub fn application_asks(&mut self, operation: &str, body: &Value) -> Option<(u16, Value)> {
        let id = self.openai.calls().next()?.id.to_owned();
        let target = format!("/v1/realtime/calls/{id}/{operation}");
        let (exchange, request) = self.application_request("POST", target, body.to_string());
        let before = self.application.answers.len();
        self.input(Input::Http { exchange, request });
        self.run(Duration::from_millis(200));
        let answer = self.application.answers.get(before)?;
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        Some((answer.status, body))
    }

    /// The application opens a WebSocket about the first call at squelch's address. Gives whether it is open.
    pub fn application_opens(&mut self) -> bool {
        let Some(id) = self.openai.calls().next().map(|call| call.id.to_owned()) else {
            return false;
        };
        let target = format!("/v1/realtime?call_id={id}");
        let (exchange, request) = self.application_request("GET", target, String::new());
        self.input(Input::SidebandAsked { exchange, request });
        self.run(Duration::from_millis(200));
        self.application.socket.is_some()
    }

    /// The application sends an event on that WebSocket. Gives what squelch itself answers, if it does.
    pub fn application_says(&mut self, event: &Value) -> Option<Value> {
        let sideband = self.application.socket?;
        let text = event.to_string();
        let (passage, report) = self.watcher(sideband)?.application_said(&text);
        if let Some(report) = report {
            let event = SidebandEvent::Report(report);
            self.input(Input::Sideband { sideband, event });
        }
        match passage {
            Passage::Pass => self.sideband_send(sideband, text),
            Passage::Rewrite(text) => self.sideband_send(sideband, text),
            Passage::Refuse(answer) => return serde_json::from_str(&answer).ok(),
        }
        None
    }

    fn application_request(
        &mut self,
        method: &str,
        target: String,
        body: String,
    ) -> (ExchangeId, Request) {
        self.application.asked += 1;
        // Webhooks count from 0 up.
        let exchange = ExchangeId(u64::MAX - self.application.asked);
        let request = Request {
            method: method.into(),
            target,
            headers: vec![("authorization".into(), format!("Bearer {}", setup::API_KEY))],
            body: body.into(),
        };
        (exchange, request)
    }
}
