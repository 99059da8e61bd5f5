//! Client events on the WebSocket: which of them bear a format, and what becomes of them.

use super::checker::Checker;
use super::finding::{Code, Finding, Weight};
use super::path::Path;
use super::{Context, Judgement, Message, audio, find, formats, json, judge_session, tools};
use serde_json::{Map, Value};

/// Judges one client event, a WebSocket text message.
///
/// Most events are audio, items and cancellations: those that can't bear a format are not parsed.
///
/// Cost: one search through the text; a parse where it names one of the two events.
pub fn judge_event(text: &str, context: Context, spoken: bool) -> Judgement {
    if !may_bear_a_format(text) {
        return Judgement::PASS;
    }
    let mut event = match json::read(text.as_bytes()) {
        Ok(Value::Object(event)) => event,
        // What is no object is no event; OpenAI says so itself.
        Ok(_) => return Judgement::PASS,
        Err(finding) => return Judgement::Refuse(vec![finding]),
    };
    let kind = event.get("type").and_then(Value::as_str);
    let (key, judged) = match kind {
        Some("session.update") => {
            let session = event.get("session").cloned().unwrap_or_default();
            let message = Message::Update { spoken };
            ("session", judge_session(&session, message, context))
        }
        Some("response.create") => match event.get("response") {
            Some(Value::Object(response)) => ("response", judge_response(response, context)),
            _ => return Judgement::PASS,
        },
        _ => return Judgement::PASS,
    };
    match judged {
        Judgement::Rewrite {
            value,
            changes,
            doubts,
        } => {
            event.insert(key.into(), value);
            Judgement::Rewrite {
                value: Value::Object(event),
                changes,
                doubts,
            }
        }
        other => other,
    }
}

/// Whether the text may be one of the two events. An escape may hide the name.
fn may_bear_a_format(text: &str) -> bool {
    ["session.update", "response.create", "\\u"]
        .iter()
        .any(|name| text.contains(name))
}

/// Everything that is wrong with a message by itself, whatever the call: the body of an accept, or
/// one of the two events that bear a format.
///
/// Paths lead from `session` or `response`; an accept's body is the session.
pub fn find_in_message(message: &Value) -> Vec<Finding> {
    let kind = message.get("type").and_then(Value::as_str);
    let (root, object, mut findings) = match kind {
        Some("session.update") => {
            let session = message.get("session").unwrap_or(&Value::Null);
            let update = Message::Update { spoken: false };
            ("session", session, find(session, update))
        }
        Some("response.create") => {
            let response = message.get("response").unwrap_or(&Value::Null);
            let findings = response.as_object().map(find_in_response);
            ("response", response, findings.unwrap_or_default())
        }
        _ => ("session", message, find(message, Message::Accept)),
    };
    if let Some(object) = object.as_object() {
        let mut checker = Checker::default();
        formats::advise(&mut checker, object, &Path::root(root));
        findings.extend(checker.findings);
    }
    findings
}

/// Judges the `response` of a `response.create`, whose format holds for that one response.
fn judge_response(response: &Map<String, Value>, context: Context) -> Judgement {
    let root = Path::root("response");
    let mut rewritten = response.clone();
    let mut changes = formats::take_out_nulls(&mut rewritten, &root);
    changes.extend(formats::apply(
        &mut rewritten,
        &root,
        formats::OUTPUT,
        context.policy,
        context.negotiated,
        false,
    ));
    let findings = find_in_response(&rewritten);
    Judgement::of(findings, Value::Object(rewritten), changes)
}

fn find_in_response(response: &Map<String, Value>) -> Vec<Finding> {
    let root = Path::root("response");
    let mut checker = Checker::default();
    if let Some(Value::Object(audio)) = response.get("audio") {
        let at = root.key("audio").key("output");
        if let Some(Value::Object(output)) = audio.get("output") {
            audio::check_format(&mut checker, &at, output);
        }
    }
    if let Some(value) = response.get("tools") {
        tools::check(&mut checker, &root.key("tools"), value);
    }
    for beta in ["modalities", "output_audio_format", "voice"] {
        if response.contains_key(beta) {
            checker.findings.push(Finding {
                weight: Weight::Refused,
                code: Code::Unknown,
                path: Some(root.key(beta)),
                problem: "it is a field of the beta API".into(),
                mend: "use response.output_modalities and response.audio.output".into(),
            });
        }
    }
    checker.findings
}
