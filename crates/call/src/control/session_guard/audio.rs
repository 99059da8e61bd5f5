//! The audio block of a session: formats, turn detection, voice.

use super::checker::{Checker, shown};
use super::finding::Code;
use super::path::Path;
use serde_json::{Map, Value, json};

const LEAVE_OUT: &str = "leave the format out: SIP negotiates it";

/// Checks `audio`.
///
/// `may_set_voice`: nothing was spoken yet.
pub(super) fn check(checker: &mut Checker, at: &Path, audio: &Value, may_set_voice: bool) {
    let mend = "leave it out, or send an object";
    let Some(audio) = checker.object(at, audio, mend) else {
        return;
    };
    checker.unknown(at, audio, &["input", "output"]);
    for (side, value) in audio {
        let at = at.key(side);
        match side.as_str() {
            "input" => check_input(checker, &at, value),
            "output" => check_output(checker, &at, value, may_set_voice),
            _ => {}
        }
    }
    check_that_both_have_formats(checker, at, audio);
}

fn check_input(checker: &mut Checker, at: &Path, input: &Value) {
    let mend = "leave it out: null clears nothing here";
    let Some(input) = checker.object(at, input, mend) else {
        return;
    };
    let known = [
        "format",
        "noise_reduction",
        "transcription",
        "turn_detection",
    ];
    checker.unknown(at, input, &known);
    check_format(checker, at, input);
    let may_be_null = |key: &str| input.get(key).filter(|value| !value.is_null());
    let mend = "send an object, or null to clear it";
    if let Some(value) = may_be_null("noise_reduction") {
        let at = at.key("noise_reduction");
        if let Some(object) = checker.object(&at, value, mend) {
            checker.word(&at, object, "type", &["near_field", "far_field"]);
        }
    }
    if let Some(value) = may_be_null("transcription") {
        checker.object(&at.key("transcription"), value, mend);
    }
    if let Some(value) = may_be_null("turn_detection") {
        let at = at.key("turn_detection");
        if let Some(object) = checker.object(&at, value, mend) {
            check_turn_detection(checker, &at, object);
        }
    }
}

fn check_turn_detection(checker: &mut Checker, at: &Path, vad: &Map<String, Value>) {
    for key in ["create_response", "interrupt_response"] {
        checker.truth(at, vad, key);
    }
    let (own, other) = (SERVER_VAD, SEMANTIC_VAD);
    match vad.get("type").and_then(Value::as_str) {
        Some("server_vad") => {
            checker.number(at, vad, "threshold", (0.0, 1.0));
            refuse_others(checker, at, vad, "server_vad", other);
        }
        Some("semantic_vad") => {
            checker.word(at, vad, "eagerness", &["low", "medium", "high", "auto"]);
            refuse_others(checker, at, vad, "semantic_vad", own);
        }
        // An update may leave it out: what is not named stays as it was.
        None if !vad.contains_key("type") => {}
        _ => checker.word(at, vad, "type", &["server_vad", "semantic_vad"]),
    }
    let known: Vec<&str> = [own, other, &EITHER_VAD].concat();
    checker.unknown(at, vad, &known);
}

fn refuse_others(
    checker: &mut Checker,
    at: &Path,
    vad: &Map<String, Value>,
    kind: &str,
    others: &[&str],
) {
    for key in others.iter().filter(|key| vad.contains_key(**key)) {
        let problem = format!("{kind} does not take it");
        let mend = "take it out, or change the type";
        checker.refuse(Code::Unknown, at.key(key), problem, mend);
    }
}

fn check_output(checker: &mut Checker, at: &Path, output: &Value, may_set_voice: bool) {
    let mend = "leave it out: null clears nothing here";
    let Some(output) = checker.object(at, output, mend) else {
        return;
    };
    checker.unknown(at, output, &["format", "voice", "speed"]);
    check_format(checker, at, output);
    checker.number(at, output, "speed", (0.25, 1.5));
    let Some(voice) = output.get("voice") else {
        return;
    };
    if !may_set_voice {
        let problem = "the voice can't be changed once it has spoken".to_owned();
        let mend = "set it in the accept, or before the first answer";
        return checker.refuse(Code::InvalidValue, at.key("voice"), problem, mend);
    }
    let is_custom = voice.get("id").is_some_and(Value::is_string);
    if !voice.is_string() && !is_custom {
        let mend = "send a name, or {\"id\": \"voice_...\"}";
        checker.wrong_type(&at.key("voice"), "a voice", voice, mend);
    }
}

/// The one shape of each format: a rate for PCM16, none for G.711.
pub(super) fn check_format(checker: &mut Checker, at: &Path, side: &Map<String, Value>) {
    let Some(format) = side.get("format") else {
        return;
    };
    let at = at.key("format");
    let Some(object) = checker.object(&at, format, LEAVE_OUT) else {
        return;
    };
    let rate = object.get("rate");
    match (object.get("type").and_then(Value::as_str), rate) {
        (Some("audio/pcmu" | "audio/pcma"), None) => {}
        (Some("audio/pcmu" | "audio/pcma"), Some(_)) => {
            let problem = "G.711 takes no rate".to_owned();
            checker.refuse(Code::Unknown, at.key("rate"), problem, "remove the rate");
        }
        (Some("audio/pcm"), None) => {
            let problem = "PCM16 needs the rate 24000".to_owned();
            checker.refuse(Code::Missing, at.key("rate"), problem, LEAVE_OUT);
        }
        (Some("audio/pcm"), Some(rate)) if *rate == json!(24_000) => {}
        (Some("audio/pcm"), Some(rate)) => {
            let problem = format!("PCM16 needs the rate 24000, not {}", shown(rate));
            checker.refuse(Code::InvalidValue, at.key("rate"), problem, LEAVE_OUT);
        }
        (Some(other), _) => {
            let problem = format!("'{other}' is no format of Realtime's");
            checker.refuse(Code::InvalidValue, at.key("type"), problem, LEAVE_OUT);
        }
        (None, _) => {
            let problem = "the format has no type".to_owned();
            checker.refuse(Code::Missing, at.key("type"), problem, LEAVE_OUT);
        }
    }
}

/// A format for one direction leaves the other to whatever OpenAI takes for it.
fn check_that_both_have_formats(checker: &mut Checker, at: &Path, audio: &Map<String, Value>) {
    let has_format = |side: &str| {
        audio
            .get(side)
            .is_some_and(|side| side.get("format").is_some())
    };
    let other = match (has_format("input"), has_format("output")) {
        (true, false) => "output",
        (false, true) => "input",
        _ => return,
    };
    let problem = "only the other direction has a format".to_owned();
    let mend = "leave both out, or send both";
    let path = at.key(other).key("format");
    checker.doubt(Code::Missing, path, problem, mend);
}

const SERVER_VAD: &[&str] = &[
    "threshold",
    "prefix_padding_ms",
    "silence_duration_ms",
    "idle_timeout_ms",
];
const SEMANTIC_VAD: &[&str] = &["eagerness"];
const EITHER_VAD: [&str; 3] = ["type", "create_response", "interrupt_response"];
