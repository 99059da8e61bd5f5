//! The fields of a session: what OpenAI is known to refuse, or to answer with static.

use super::checker::Checker;
use super::finding::Code;
use super::path::Path;
use super::{Message, audio, tools};
use serde_json::{Map, Value};

/// Checks a session as it is to be sent with `message`.
pub(super) fn check(checker: &mut Checker, session: &Map<String, Value>, message: Message) {
    let at = &Path::root("session");
    check_type(checker, at, session);
    for (key, value) in session {
        check_beta(checker, at, key, value);
    }
    checker.unknown(at, session, &known_fields());
    if let (Message::Update { .. }, true) = (message, session.contains_key("model")) {
        let problem = "the model of a running session can't be changed".to_owned();
        let mend = "take it out; the accept sets the model";
        checker.refuse(Code::InvalidValue, at.key("model"), problem, mend);
    }
    for key in ["model", "instructions"] {
        checker.text(at, session, key);
    }
    checker.truth(at, session, "parallel_tool_calls");
    check_modalities(checker, at, session.get("output_modalities"));
    check_most_tokens(checker, at, session.get("max_output_tokens"));
    if let Some(value) = session.get("audio") {
        let may_set_voice = !matches!(message, Message::Update { spoken: true });
        audio::check(checker, &at.key("audio"), value, may_set_voice);
    }
    if let Some(value) = session.get("tools") {
        tools::check(checker, &at.key("tools"), value);
    }
    if let Some(value) = session.get("tool_choice") {
        tools::check_choice(checker, &at.key("tool_choice"), value);
    }
    if let Some(value) = session.get("reasoning") {
        let at = at.key("reasoning");
        if let Some(object) = checker.object(&at, value, "send {\"effort\": ...}") {
            let efforts = ["minimal", "low", "medium", "high", "xhigh"];
            checker.word(&at, object, "effort", &efforts);
        }
    }
    check_prompt(checker, at, session.get("prompt"));
}

fn check_type(checker: &mut Checker, at: &Path, session: &Map<String, Value>) {
    match session.get("type") {
        None => {
            let problem = "it is missing, and OpenAI ignores or refuses the rest".to_owned();
            let mend = "add \"type\": \"realtime\"";
            checker.refuse(Code::Missing, at.key("type"), problem, mend);
        }
        Some(kind) => checker.one_of(&at.key("type"), kind, &["realtime"]),
    }
}

fn check_beta(checker: &mut Checker, at: &Path, key: &str, value: &Value) {
    let Some((_, instead)) = BETA_FIELDS.iter().find(|(beta, _)| *beta == key) else {
        return;
    };
    let problem = "it is a field of the beta API".to_owned();
    let mend = match (*instead, value) {
        ("", _) => "take it out: the present API has none".to_owned(),
        (instead, _) => format!("use session.{instead}"),
    };
    checker.refuse(Code::Unknown, at.key(key), problem, &mend);
}

fn check_modalities(checker: &mut Checker, at: &Path, modalities: Option<&Value>) {
    let Some(value) = modalities else {
        return;
    };
    let at = at.key("output_modalities");
    let mend = "send [\"audio\"]: not both, and a caller hears no text";
    let Some(list) = value.as_array() else {
        return checker.wrong_type(&at, "an array", value, mend);
    };
    match list.as_slice() {
        [one] if one == "audio" => {}
        [one] if one == "text" => {
            let problem = "the caller will hear nothing".to_owned();
            checker.doubt(Code::InvalidValue, at, problem, "send [\"audio\"]");
        }
        [one] => checker.one_of(&at.item(0), one, &["audio", "text"]),
        _ => {
            let problem = "it takes one of audio and text".to_owned();
            checker.refuse(Code::InvalidValue, at, problem, mend);
        }
    }
}

fn check_most_tokens(checker: &mut Checker, at: &Path, value: Option<&Value>) {
    let within = |number: u64| (1..=4_096).contains(&number);
    match value {
        None => {}
        Some(Value::String(text)) if text == "inf" => {}
        Some(Value::Number(number)) if number.as_u64().is_some_and(within) => {}
        Some(_) => {
            let problem = "it is neither 1 to 4096 nor \"inf\"".to_owned();
            let mend = "send one of these, or leave it out";
            checker.refuse(
                Code::InvalidValue,
                at.key("max_output_tokens"),
                problem,
                mend,
            );
        }
    }
}

fn check_prompt(checker: &mut Checker, at: &Path, prompt: Option<&Value>) {
    let Some(value) = prompt.filter(|value| !value.is_null()) else {
        return;
    };
    let at = at.key("prompt");
    let mend = "send {\"id\": \"pmpt_...\"}, or null to clear it";
    let Some(prompt) = checker.object(&at, value, mend) else {
        return;
    };
    if !prompt.get("id").is_some_and(Value::is_string) {
        let problem = "a prompt needs an id".to_owned();
        return checker.refuse(Code::Missing, at.key("id"), problem, mend);
    }
    let problem = "a prompt that the key can't read has been answered with static".to_owned();
    let mend = "see that the key's project owns it, or write the instructions out";
    checker.doubt(Code::InvalidValue, at.key("id"), problem, mend);
}

fn known_fields() -> Vec<&'static str> {
    let beta = BETA_FIELDS.iter().map(|(beta, _)| *beta);
    FIELDS.iter().copied().chain(beta).collect()
}

/// The fields that the API documents, those that only OpenAI sets at the end.
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
/// The fields of the beta's flat shape that the present API refuses, and what each became.
const BETA_FIELDS: [(&str, &str); 10] = [
    ("input_audio_format", "audio.input.format"),
    ("output_audio_format", "audio.output.format"),
    ("input_audio_transcription", "audio.input.transcription"),
    ("input_audio_noise_reduction", "audio.input.noise_reduction"),
    ("turn_detection", "audio.input.turn_detection"),
    ("voice", "audio.output.voice"),
    ("speed", "audio.output.speed"),
    ("modalities", "output_modalities"),
    ("max_response_output_tokens", "max_output_tokens"),
    ("temperature", ""),
];
