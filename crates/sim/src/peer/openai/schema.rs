//! What OpenAI refuses in a session object.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// Checks a session object of `accept` or `session.update`; the first thing wrong is said.
pub(super) fn check(session: &Map<String, Value>, prompts: &[String]) -> Result<(), Refusal> {
    match session.get("type") {
        None => return Err(Refusal::missing("session.type")),
        Some(Value::String(kind)) if kind == "realtime" => {}
        Some(kind) => {
            let message = format!("Invalid value: {kind}. Supported values are: 'realtime'.");
            return Err(Refusal::invalid(message, "session.type"));
        }
    }
    if let Some(unknown) = session.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        return Err(Refusal::unknown(format!("session.{unknown}")));
    }
    if let Some(audio) = session.get("audio") {
        check_audio(audio)?;
    }
    if let Some(tools) = session.get("tools") {
        check_tools(tools)?;
    }
    check_prompt(session.get("prompt"), prompts)
}

fn check_audio(audio: &Value) -> Result<(), Refusal> {
    let audio = object("session.audio", audio)?;
    for (side, value) in audio {
        let path = format!("session.audio.{side}");
        let fields: &[&str] = match side.as_str() {
            "input" => &[
                "format",
                "noise_reduction",
                "transcription",
                "turn_detection",
            ],
            "output" => &["format", "voice", "speed"],
            _ => return Err(Refusal::unknown(path)),
        };
        let value = object(&path, value)?;
        if let Some(unknown) = value.keys().find(|key| !fields.contains(&key.as_str())) {
            return Err(Refusal::unknown(format!("{path}.{unknown}")));
        }
        if let Some(format) = value.get("format") {
            check_format(&format!("{path}.format"), format)?;
        }
        check_turn_detection(&path, value.get("turn_detection"))?;
    }
    Ok(())
}

/// The one shape of each format: a rate for PCM, none for G.711.
pub(super) fn check_format(path: &str, format: &Value) -> Result<(), Refusal> {
    let format = object(path, format)?;
    let kind = format.get("type").and_then(Value::as_str);
    let rate = format.get("rate");
    match (kind, rate) {
        (None, _) => Err(Refusal::missing(format!("{path}.type"))),
        (Some("audio/pcm"), None) => Err(Refusal::missing(format!("{path}.rate"))),
        (Some("audio/pcm"), Some(rate)) if rate == 24_000 => Ok(()),
        (Some("audio/pcm"), Some(rate)) => {
            let message = format!("Invalid value: {rate}. Supported values are: 24000.");
            Err(Refusal::invalid(message, format!("{path}.rate")))
        }
        (Some("audio/pcmu" | "audio/pcma"), None) => Ok(()),
        (Some("audio/pcmu" | "audio/pcma"), Some(_)) => {
            Err(Refusal::unknown(format!("{path}.rate")))
        }
        (Some(other), _) => {
            let message = format!(
                "Invalid value: '{other}'. Supported values are: 'audio/pcm', 'audio/pcmu', and \
                 'audio/pcma'."
            );
            Err(Refusal::invalid(message, format!("{path}.type")))
        }
    }
}

fn check_turn_detection(path: &str, turn_detection: Option<&Value>) -> Result<(), Refusal> {
    let Some(Value::Object(vad)) = turn_detection else {
        return Ok(());
    };
    let semantic = vad.get("type").and_then(Value::as_str) == Some("semantic_vad");
    if semantic && vad.contains_key("silence_duration_ms") {
        return Err(Refusal::unknown(format!(
            "{path}.turn_detection.silence_duration_ms"
        )));
    }
    Ok(())
}

fn check_tools(tools: &Value) -> Result<(), Refusal> {
    let Some(tools) = tools.as_array() else {
        return Err(Refusal::wrong_type(
            "session.tools",
            "an array of objects",
            tools,
        ));
    };
    for (i, tool) in tools.iter().enumerate() {
        let path = format!("session.tools[{i}]");
        let tool = object(&path, tool)?;
        let needed = match tool.get("type").and_then(Value::as_str) {
            None => return Err(Refusal::missing(format!("{path}.type")).clobbering()),
            Some("function") => "name",
            Some("mcp") => "server_label",
            Some(other) => {
                let message = format!(
                    "Invalid value: '{other}'. Supported values are: 'function' and 'mcp'."
                );
                return Err(Refusal::invalid(message, format!("{path}.type")).clobbering());
            }
        };
        if !tool.contains_key(needed) {
            return Err(Refusal::missing(format!("{path}.{needed}")).clobbering());
        }
    }
    Ok(())
}

fn check_prompt(prompt: Option<&Value>, readable: &[String]) -> Result<(), Refusal> {
    let Some(id) = prompt
        .and_then(|prompt| prompt.get("id"))
        .and_then(Value::as_str)
    else {
        return Ok(());
    };
    if readable.iter().any(|known| known == id) {
        return Ok(());
    }
    let message = format!("Unauthorized to fetch prompt with id '{id}'.");
    Err(Refusal::coded(message, None).clobbering())
}

fn object<'a>(path: &str, value: &'a Value) -> Result<&'a Map<String, Value>, Refusal> {
    value
        .as_object()
        .ok_or_else(|| Refusal::wrong_type(path, "an object", value))
}

/// The fields of a session, read-only ones too: clients send back what they were given.
const FIELDS: [&str; 17] = [
    "type",
    "model",
    "instructions",
    "output_modalities",
    "audio",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "max_output_tokens",
    "prompt",
    "tracing",
    "truncation",
    "include",
    "id",
    "object",
    "expires_at",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(session: &Value) -> Refusal {
        check(session.as_object().unwrap(), &[]).unwrap_err()
    }

    fn input_format(format: &Value) -> Value {
        json!({"type": "realtime", "audio": {"input": {"format": format}}})
    }

    #[test]
    fn each_mistake_is_named_as_openai_names_it() {
        let cases = [
            (
                json!({"model": "gpt-realtime"}),
                "missing_required_parameter",
                "session.type",
            ),
            (
                json!({"type": "realtime", "tools": [{"type": "web_search"}]}),
                "invalid_value",
                "session.tools[0].type",
            ),
            (
                input_format(&json!(null)),
                "invalid_type",
                "session.audio.input.format",
            ),
            (
                input_format(&json!({"type": "audio/pcmu", "rate": 8_000})),
                "unknown_parameter",
                "session.audio.input.format.rate",
            ),
            (
                input_format(&json!({"type": "audio/pcm"})),
                "missing_required_parameter",
                "session.audio.input.format.rate",
            ),
            (
                json!({"type": "realtime", "input_audio_format": "g711_ulaw"}),
                "unknown_parameter",
                "session.input_audio_format",
            ),
        ];
        for (session, code, param) in cases {
            let refusal = refusal(&session);
            assert_eq!(refusal.code, Some(code), "{session}");
            assert_eq!(refusal.param.as_deref(), Some(param), "{session}");
        }
    }

    #[test]
    fn the_words_for_an_invalid_tool_are_the_seeds() {
        let refusal = refusal(&json!({"type": "realtime", "tools": [{"type": "web_search"}]}));
        let words = "Invalid value: 'web_search'. Supported values are: 'function' and 'mcp'.";
        assert_eq!(refusal.message, words);
    }

    #[test]
    fn what_the_documentation_shows_passes() {
        let session = json!({
            "type": "realtime", "model": "gpt-realtime", "instructions": "You are a bot.",
            "audio": {"input": {"format": {"type": "audio/pcmu"},
                                "turn_detection": {"type": "server_vad"}},
                      "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"}},
            "tools": [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "s"}],
        });
        assert_eq!(check(session.as_object().unwrap(), &[]), Ok(()));
    }
}
