//! The session guard: keeps what is said of a session's audio format from contradicting the plan.
//!
//! The functions take and give JSON as it stands: fields that are not looked at pass untouched.

use crate::AudioFormatPolicy;
use serde_json::{Map, Value, json};
use squelch_media::Format;

/// The two places of a session that hold a format.
const DIRECTIONS: [&str; 2] = ["input", "output"];
/// The kinds of tools that Realtime knows.
const TOOL_TYPES: [&str; 2] = ["function", "mcp"];
/// Keys of the beta's flat schema, which the present API refuses.
const BETA_KEYS: [(&str, &str); 3] = [
    ("input_audio_format", "audio.input.format"),
    ("output_audio_format", "audio.output.format"),
    ("modalities", "output_modalities"),
];

/// What the guard says of a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// As it is.
    Pass,
    /// Send this instead.
    Rewrite {
        /// The session to send.
        session: Value,
        /// What was changed, a line each: JSON path, before, after.
        changes: Vec<String>,
    },
    /// OpenAI would refuse it, or break the call over it.
    Refuse {
        /// Where, as OpenAI writes paths: `session.tools[0].type`.
        path: String,
        /// What is wrong.
        problem: String,
        /// How to mend it.
        mend: String,
    },
}

fn refuse(
    path: impl Into<String>,
    problem: impl Into<String>,
    mend: impl Into<String>,
) -> Judgement {
    Judgement::Refuse {
        path: path.into(),
        problem: problem.into(),
        mend: mend.into(),
    }
}

/// Judges a session (an accept's body, or a `session.update`'s `session`) under a policy.
///
/// `negotiated` is the format that SIP gave the leg towards OpenAI.
pub fn judge(session: &Value, policy: AudioFormatPolicy, negotiated: Format) -> Judgement {
    let Some(object) = session.as_object() else {
        return refuse(
            "session",
            "it is no JSON object",
            "send an object with \"type\": \"realtime\"",
        );
    };
    if let Some(refused) = problem(object) {
        return refused;
    }
    let mut rewritten = object.clone();
    let mut changes = Vec::new();
    for direction in DIRECTIONS {
        match policy {
            AudioFormatPolicy::Omit => omit(&mut rewritten, direction, &mut changes),
            AudioFormatPolicy::Pin => pin(&mut rewritten, direction, negotiated, &mut changes),
            // Whatever the policy, what contradicts the call's own format never goes out.
            AudioFormatPolicy::Pass => {
                if contradicts(&rewritten, direction, negotiated) {
                    omit(&mut rewritten, direction, &mut changes);
                }
            }
        }
    }
    if changes.is_empty() {
        return Judgement::Pass;
    }
    Judgement::Rewrite {
        session: Value::Object(rewritten),
        changes,
    }
}

/// What OpenAI is known to refuse, or to answer with static.
fn problem(session: &Map<String, Value>) -> Option<Judgement> {
    match session.get("type") {
        None => {
            return Some(refuse(
                "session.type",
                "it is missing",
                "add \"type\": \"realtime\"",
            ));
        }
        Some(kind) if kind != "realtime" => {
            return Some(refuse(
                "session.type",
                format!("{kind} is not for calls"),
                "set it to \"realtime\"",
            ));
        }
        Some(_) => {}
    }
    for (key, instead) in BETA_KEYS {
        if session.contains_key(key) {
            return Some(refuse(
                format!("session.{key}"),
                "it is a key of the beta API",
                format!("use session.{instead}"),
            ));
        }
    }
    match session.get("audio") {
        None => {}
        Some(Value::Object(audio)) => {
            for direction in DIRECTIONS {
                let format = audio.get(direction).and_then(|part| part.get("format"));
                if let Some(refused) = format.and_then(|format| format_problem(direction, format)) {
                    return Some(refused);
                }
            }
        }
        Some(_) => {
            return Some(refuse(
                "session.audio",
                "it is no object",
                "leave it out, or send an object",
            ));
        }
    }
    tools_problem(session.get("tools")?)
}

fn format_problem(direction: &str, format: &Value) -> Option<Judgement> {
    let path = format!("session.audio.{direction}.format");
    let Some(object) = format.as_object() else {
        return Some(refuse(
            path,
            format!("it is {format}, not an object"),
            "leave the format out: SIP negotiates it",
        ));
    };
    let rate = object.get("rate");
    match object.get("type").and_then(Value::as_str) {
        Some("audio/pcmu" | "audio/pcma") if rate.is_some() => Some(refuse(
            format!("{path}.rate"),
            "G.711 takes no rate",
            "remove the rate",
        )),
        Some("audio/pcmu" | "audio/pcma") => None,
        Some("audio/pcm") if rate != Some(&json!(24_000)) => Some(refuse(
            format!("{path}.rate"),
            "PCM16 needs the rate 24000",
            "leave the format out: SIP negotiates it",
        )),
        Some("audio/pcm") => None,
        _ => Some(refuse(
            format!("{path}.type"),
            "it is no format of Realtime's",
            "leave the format out: SIP negotiates it",
        )),
    }
}

fn tools_problem(tools: &Value) -> Option<Judgement> {
    let Some(tools) = tools.as_array() else {
        return Some(refuse(
            "session.tools",
            "it is no array",
            "send an array; [] clears the tools",
        ));
    };
    tools.iter().enumerate().find_map(|(index, tool)| {
        let path = format!("session.tools[{index}]");
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
        if !TOOL_TYPES.contains(&kind) {
            let problem = format!("'{kind}' is not supported");
            return Some(refuse(
                format!("{path}.type"),
                problem,
                "Realtime knows 'function' and 'mcp'",
            ));
        }
        let nameless = tool
            .get("name")
            .and_then(Value::as_str)
            .is_none_or(str::is_empty);
        (kind == "function" && nameless)
            .then(|| refuse(format!("{path}.name"), "a function needs a name", "add one"))
    })
}

fn name_of(format: Format) -> &'static str {
    match format {
        Format::Pcmu => "audio/pcmu",
        Format::Pcma => "audio/pcma",
    }
}

fn format_of<'a>(session: &'a Map<String, Value>, direction: &str) -> Option<&'a Value> {
    session.get("audio")?.get(direction)?.get("format")
}

fn contradicts(session: &Map<String, Value>, direction: &str, negotiated: Format) -> bool {
    format_of(session, direction)
        .is_some_and(|format| format != &json!({"type": name_of(negotiated)}))
}

/// Takes a format out, and the objects around it that it leaves empty.
fn omit(session: &mut Map<String, Value>, direction: &str, changes: &mut Vec<String>) {
    let Some(Value::Object(audio)) = session.get_mut("audio") else {
        return;
    };
    let Some(Value::Object(part)) = audio.get_mut(direction) else {
        return;
    };
    let Some(before) = part.remove("format") else {
        return;
    };
    let emptied = part.is_empty();
    changes.push(format!(
        "session.audio.{direction}.format: {before} -> left out"
    ));
    if emptied {
        audio.remove(direction);
    }
    if session
        .get("audio")
        .is_some_and(|audio| audio.as_object().is_some_and(Map::is_empty))
    {
        session.remove("audio");
    }
}

/// Writes what SIP negotiated. OpenAI refuses a rate beside a G.711 format.
fn pin(
    session: &mut Map<String, Value>,
    direction: &str,
    negotiated: Format,
    changes: &mut Vec<String>,
) {
    let wanted = json!({"type": name_of(negotiated)});
    let before = format_of(session, direction).cloned();
    if before.as_ref() == Some(&wanted) {
        return;
    }
    let empty = || Value::Object(Map::new());
    let audio = session.entry("audio").or_insert_with(empty);
    let Some(audio) = audio.as_object_mut() else {
        return;
    };
    // A null direction holds nothing that would be lost.
    let part = audio.entry(direction).or_insert_with(empty);
    if part.is_null() {
        *part = empty();
    }
    let Some(part) = part.as_object_mut() else {
        return;
    };
    part.insert("format".into(), wanted.clone());
    let before = before.map_or_else(|| "none".to_owned(), |before| before.to_string());
    changes.push(format!(
        "session.audio.{direction}.format: {before} -> {wanted}"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use AudioFormatPolicy::{Omit, Pass, Pin};

    fn tools() -> Value {
        json!({
            "type": "realtime", "model": "gpt-realtime", "instructions": "hi",
            "tools": [{"type": "function", "name": "end_call", "parameters": {}}],
        })
    }

    fn rewritten(session: &Value, policy: AudioFormatPolicy) -> Value {
        match judge(session, policy, Format::Pcmu) {
            Judgement::Rewrite { session, .. } => session,
            other => panic!("{other:?}"),
        }
    }

    fn refused_at(session: &Value) -> String {
        match judge(session, Pass, Format::Pcmu) {
            Judgement::Refuse { path, .. } => path,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tools_without_formats_pass_under_omit_and_are_pinned_under_pin() {
        assert_eq!(judge(&tools(), Omit, Format::Pcmu), Judgement::Pass);
        assert_eq!(judge(&tools(), Pass, Format::Pcmu), Judgement::Pass);
        let pinned = rewritten(&tools(), Pin);
        assert_eq!(
            pinned["audio"]["input"],
            json!({"format": {"type": "audio/pcmu"}})
        );
        assert_eq!(
            pinned["audio"]["output"],
            json!({"format": {"type": "audio/pcmu"}})
        );
        assert_eq!(pinned["tools"], tools()["tools"]);
    }

    #[test]
    fn omit_takes_formats_out_and_leaves_the_rest() {
        let mut session = tools();
        session["audio"] = json!({
            "input": {"format": {"type": "audio/pcmu"}, "turn_detection": {"type": "server_vad"}},
            "output": {"format": {"type": "audio/pcm", "rate": 24_000}},
            "unknown": 1,
        });
        let omitted = rewritten(&session, Omit);
        assert_eq!(
            omitted["audio"],
            json!({"input": {"turn_detection": {"type": "server_vad"}}, "unknown": 1})
        );
    }

    #[test]
    fn a_format_that_contradicts_sip_goes_out_under_no_policy() {
        let mut session = tools();
        session["audio"] =
            json!({"output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "marin"}});
        for policy in [Omit, Pin, Pass] {
            let sent = rewritten(&session, policy);
            assert_ne!(
                sent["audio"]["output"]["format"]["type"], "audio/pcm",
                "{policy:?}"
            );
            assert_eq!(sent["audio"]["output"]["voice"], "marin", "{policy:?}");
        }
    }

    #[test]
    fn what_agrees_with_sip_passes_under_pass_and_pin() {
        let mut session = tools();
        let format = json!({"format": {"type": "audio/pcmu"}});
        session["audio"] = json!({"input": format, "output": format});
        assert_eq!(judge(&session, Pass, Format::Pcmu), Judgement::Pass);
        assert_eq!(judge(&session, Pin, Format::Pcmu), Judgement::Pass);
    }

    #[test]
    fn what_openai_would_refuse_is_named_where_it_stands() {
        let with = |key: &str, value: Value| {
            let mut session = tools();
            session[key] = value;
            session
        };
        assert_eq!(
            refused_at(&json!({"model": "gpt-realtime"})),
            "session.type"
        );
        assert_eq!(refused_at(&json!([])), "session");
        assert_eq!(
            refused_at(&with("tools", json!([{"type": "web_search"}]))),
            "session.tools[0].type"
        );
        assert_eq!(
            refused_at(&with("tools", json!([{"type": "function"}]))),
            "session.tools[0].name"
        );
        assert_eq!(refused_at(&with("audio", Value::Null)), "session.audio");
        assert_eq!(
            refused_at(&with("audio", json!({"input": {"format": null}}))),
            "session.audio.input.format"
        );
        let rate = json!({"input": {"format": {"type": "audio/pcmu", "rate": 8_000}}});
        assert_eq!(
            refused_at(&with("audio", rate)),
            "session.audio.input.format.rate"
        );
        assert_eq!(
            refused_at(&with("input_audio_format", json!("g711_ulaw"))),
            "session.input_audio_format"
        );
    }
}
