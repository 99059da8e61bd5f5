//! The sideband WebSocket, `/v1/realtime?call_id=`.

use serde_json::{Value, json};

use super::listener::SpeechChange;
use super::refusal::Refusal;
use super::schema::check_format;
use super::session::PatchRules;
use super::talker::TurnChange;
use super::{CallKey, OpenAi, Output, SocketId, State};
use crate::http::{Request, Response};

impl OpenAi {
    /// A WebSocket asks to be opened.
    ///
    /// **Errors**: the response that refuses it: 401 without the key, 404 before the call was
    /// accepted and after its end.
    pub fn open_socket(&mut self, socket: SocketId, request: &Request) -> Result<(), Response> {
        self.authorize(request)?;
        let query = request
            .target
            .split_once('?')
            .map_or("", |(_, query)| query);
        let id = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("call_id="));
        let Some(id) = id else {
            return Err(Refusal::missing("call_id").to_response(400));
        };
        let key = self.live_call(id)?;
        let Some(call) = self
            .calls
            .get_mut(&key)
            .filter(|call| call.state != State::Pending)
        else {
            let message = format!("No session found for call_id '{id}'.");
            return Err(Refusal::coded(message, Some("call_id_not_found")).to_response(404));
        };
        call.sockets.push(socket);
        self.sockets.insert(socket, key);
        let notices = call.notices.clone();
        let created = json!({"type": "session.created", "session": call.session.to_json()});
        self.send(socket, created);
        for notice in notices {
            self.send(socket, notice);
        }
        Ok(())
    }

    pub(super) fn socket_closed(&mut self, socket: SocketId) {
        if let Some(key) = self.sockets.remove(&socket)
            && let Some(call) = self.calls.get_mut(&key)
        {
            call.sockets.retain(|known| *known != socket);
        }
    }

    /// A client event. What goes wrong is told to the client that sent it.
    pub(super) fn client_event(&mut self, socket: SocketId, text: &str) {
        let Some(key) = self.sockets.get(&socket).copied() else {
            return;
        };
        let event: Value = serde_json::from_str(text).unwrap_or_default();
        let result = match event.get("type").and_then(Value::as_str) {
            None => Err(Refusal::missing("type")),
            Some("session.update") => self.session_update(key, &event),
            Some("response.create") => self.response_create(key, &event),
            Some("response.cancel" | "output_audio_buffer.clear") => Ok(()),
            Some(known) if CLIENT_EVENTS.contains(&known) => Ok(()),
            Some(other) => {
                let message = format!("Invalid value: '{other}'.");
                Err(Refusal::invalid(message, "type"))
            }
        };
        if let Err(refusal) = result {
            let cause = event.get("event_id").and_then(Value::as_str);
            let id = self.event_id();
            let error = refusal.to_event(&id, cause);
            self.outputs.push_back(Output::SocketText {
                socket,
                text: error.to_string(),
            });
        }
    }

    fn session_update(&mut self, key: CallKey, event: &Value) -> Result<(), Refusal> {
        let session = match event.get("session") {
            None => return Err(Refusal::missing("session")),
            Some(Value::Object(session)) => session,
            Some(other) => return Err(Refusal::wrong_type("session", "an object", other)),
        };
        let Some(call) = self.calls.get_mut(&key) else {
            return Ok(());
        };
        let rules = PatchRules {
            initial: false,
            has_spoken: call.has_spoken,
            prompts: &self.config.prompts,
        };
        call.session.patch(session, &rules)?;
        let updated = json!({"type": "session.updated", "session": call.session.to_json()});
        self.broadcast(key, &updated);
        Ok(())
    }

    fn response_create(&mut self, key: CallKey, event: &Value) -> Result<(), Refusal> {
        let format = event.pointer("/response/audio/output/format");
        if let Some(format) = format {
            check_format("response.audio.output.format", format)?;
        }
        if let Some(call) = self.calls.get_mut(&key) {
            call.response_format = format.map(|_| call.session.override_format(format));
            call.talker.begin();
        }
        Ok(())
    }

    /// A turn of the stand-in's begins or ends.
    pub(super) fn turn_changed(&mut self, key: CallKey, change: TurnChange) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let output = call.session.response_output(call.output_format());
        let id = format!("resp_{}", call.id.trim_start_matches("rtc_"));
        let response = |status: &str| {
            json!({
                "id": id, "object": "realtime.response", "status": status,
                "output_modalities": ["audio"], "audio": {"output": output},
            })
        };
        let buffer = |kind: &str| json!({"type": kind, "response_id": id});
        let events = match change {
            TurnChange::Began => [
                json!({"type": "response.created", "response": response("in_progress")}),
                buffer("output_audio_buffer.started"),
            ],
            TurnChange::Ended => {
                call.response_format = None;
                [
                    json!({"type": "response.done", "response": response("completed")}),
                    buffer("output_audio_buffer.stopped"),
                ]
            }
        };
        for event in events {
            self.broadcast(key, &event);
        }
    }

    /// The caller begins or ceases to speak.
    pub(super) fn speech_changed(&mut self, key: CallKey, change: SpeechChange) {
        let event = match change {
            SpeechChange::Started { audio_start_ms } => json!({
                "type": "input_audio_buffer.speech_started", "audio_start_ms": audio_start_ms,
                "item_id": "item_caller",
            }),
            SpeechChange::Stopped { audio_end_ms } => json!({
                "type": "input_audio_buffer.speech_stopped", "audio_end_ms": audio_end_ms,
                "item_id": "item_caller",
            }),
        };
        self.broadcast(key, &event);
    }

    fn broadcast(&mut self, key: CallKey, event: &Value) {
        let sockets = self.calls.get(&key).map(|call| call.sockets.clone());
        for socket in sockets.unwrap_or_default() {
            self.send(socket, event.clone());
        }
    }

    /// Sends a server event; it gets an `event_id` unless it has one.
    fn send(&mut self, socket: SocketId, mut event: Value) {
        if event.get("event_id").is_none() {
            event["event_id"] = json!(self.event_id());
        }
        self.outputs.push_back(Output::SocketText {
            socket,
            text: event.to_string(),
        });
    }

    fn event_id(&mut self) -> String {
        format!("event_{}", self.random_hex(10))
    }
}

/// Client events that are taken and need no answer from a stand-in.
const CLIENT_EVENTS: [&str; 7] = [
    "conversation.item.create",
    "conversation.item.delete",
    "conversation.item.retrieve",
    "conversation.item.truncate",
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
];
