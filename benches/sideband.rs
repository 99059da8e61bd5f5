//! What the guard costs a WebSocket frame and an accept: beside a copy of the frame, and beside parsing it as JSON.

mod side_by_side;

use serde_json::{Value, json};
use side_by_side::Group;
use squelch_call::AudioFormatPolicy;
use squelch_call::control::session_guard::{Context, Message, judge_session};
use squelch_call::control::sideband::Watcher;
use squelch_media::Format;
use std::hint::black_box;

fn context() -> Context {
    Context {
        policy: AudioFormatPolicy::Pin,
        negotiated: Some(Format::Pcmu),
    }
}

fn session() -> Value {
    let tool = |n: usize| {
        json!({"type": "function", "name": format!("tool_{n}"), "description": "Does something for the caller.",
            "parameters": {"type": "object", "properties": {"number": {"type": "string"}}}})
    };
    json!({"type": "realtime", "model": "gpt-realtime", "instructions": "Answer the phone. ".repeat(100),
        "tools": (0..8).map(tool).collect::<Vec<_>>(), "audio": {"output": {"voice": "marin"}}})
}

/// 100 ms of PCM16 at 24 kHz, as a session without SIP has it: the largest of the usual frames.
fn audio() -> String {
    json!({"type": "response.output_audio.delta", "event_id": "event_1", "response_id": "resp_1",
        "item_id": "item_1", "output_index": 0, "content_index": 0, "delta": "AAAA".repeat(1_600)})
    .to_string()
}

fn transcript() -> String {
    json!({"type": "response.output_audio_transcript.delta", "event_id": "event_1", "response_id": "resp_1",
        "item_id": "item_1", "output_index": 0, "content_index": 0, "delta": " phone"})
    .to_string()
}

/// A frame that bears no session, from either side.
fn frame(name: &str, text: &str) {
    let (mut copy, mut down, mut up) = (
        String::with_capacity(text.len()),
        Watcher::new(context()),
        Watcher::new(context()),
    );
    Group::new(format!("{name}, {} bytes", text.len()), "frame", 1)
        .row("memcpy", move || {
            copy.clear();
            copy.push_str(black_box(text));
            black_box(&copy);
        })
        .row("parsed as JSON", || {
            serde_json::from_str::<Value>(black_box(text)).ok()
        })
        .row("Watcher, from OpenAI", move || {
            down.openai_said(black_box(text))
        })
        .row("Watcher, from the application", move || {
            up.application_said(black_box(text))
        })
        .run();
}

fn main() {
    frame("audio", &audio());
    frame("transcript", &transcript());
    let update = json!({"type": "session.update", "session": session()}).to_string();
    let accept = session().to_string();
    let mut watcher = Watcher::new(context());
    Group::new("a session", "message", 1)
        .row("parsed as JSON and written", || {
            let parsed = serde_json::from_str::<Value>(black_box(&update)).ok();
            parsed.map(|value| value.to_string())
        })
        .row("session.update, rewritten", || {
            watcher.application_said(black_box(&update))
        })
        .row("accept, rewritten", || {
            let session = serde_json::from_str::<Value>(black_box(&accept)).ok()?;
            Some(judge_session(&session, Message::Accept, context()))
        })
        .run();
}
