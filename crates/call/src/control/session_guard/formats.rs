//! What becomes of the audio formats of a message, under each policy.

use super::checker::Checker;
use super::finding::Code;
use super::path::Path;
use crate::AudioFormatPolicy;
use serde_json::{Map, Value, json};
use squelch_media::Format;

/// The two places of a session that hold a format.
pub(super) const BOTH: &[&str] = &["input", "output"];
/// The one of a response.
pub(super) const OUTPUT: &[&str] = &["output"];

/// Applies `policy` to the formats of `directions` in the object that stands at `root`, and says
/// what was changed, a line each: JSON path, before, after.
///
/// `negotiated` is what SIP gave the leg towards OpenAI, where anybody knows; nothing can be pinned
/// without it. `adds`: a format that is not there is pinned too.
pub(super) fn apply(
    object: &mut Map<String, Value>,
    root: &Path,
    directions: &[&str],
    policy: AudioFormatPolicy,
    negotiated: Option<Format>,
    adds: bool,
) -> Vec<String> {
    let mut changes = Vec::new();
    for direction in directions {
        let path = root.key("audio").key(direction);
        match (policy, negotiated) {
            (AudioFormatPolicy::Pin, Some(format)) => {
                if adds || format_of(object, direction).is_some() {
                    pin(object, direction, format, &path, &mut changes);
                }
            }
            (AudioFormatPolicy::Omit | AudioFormatPolicy::Pin, _) => {
                omit(object, direction, &path, &mut changes);
            }
            // Whatever the policy, what contradicts the call's own format never goes out.
            (AudioFormatPolicy::Pass, _) => {
                if contradicts(object, direction, negotiated) {
                    omit(object, direction, &path, &mut changes);
                }
            }
        }
    }
    changes
}

/// `null` blocks, which OpenAI refuses and which hold nothing, are taken out.
pub(super) fn take_out_nulls(object: &mut Map<String, Value>, root: &Path) -> Vec<String> {
    let mut changes = Vec::new();
    let mut take = |from: &mut Map<String, Value>, key: &str, path: Path| {
        if from.get(key).is_some_and(Value::is_null) {
            from.shift_remove(key);
            changes.push(format!("{path}: null -> left out"));
        }
    };
    take(object, "audio", root.key("audio"));
    if let Some(Value::Object(audio)) = object.get_mut("audio") {
        for direction in BOTH {
            take(audio, direction, root.key("audio").key(direction));
        }
    }
    changes
}

fn format_of<'a>(object: &'a Map<String, Value>, direction: &str) -> Option<&'a Value> {
    object.get("audio")?.get(direction)?.get("format")
}

/// A format that exists and is not the call's. What exists nowhere OpenAI refuses by itself.
fn contradicts(object: &Map<String, Value>, direction: &str, negotiated: Option<Format>) -> bool {
    let format = format_of(object, direction);
    let named = format.and_then(|format| format.get("type")?.as_str());
    match (named, negotiated) {
        (Some(named), Some(negotiated)) => NAMES.contains(&named) && named != name_of(negotiated),
        // No call on the telephone network is PCM16.
        (Some(named), None) => named == "audio/pcm",
        (None, _) => false,
    }
}

/// Takes a format out, and the objects around it that it leaves empty.
fn omit(object: &mut Map<String, Value>, direction: &str, path: &Path, changes: &mut Vec<String>) {
    let Some(Value::Object(audio)) = object.get_mut("audio") else {
        return;
    };
    let Some(Value::Object(side)) = audio.get_mut(direction) else {
        return;
    };
    let Some(before) = side.shift_remove("format") else {
        return;
    };
    changes.push(format!("{}: {before} -> left out", path.key("format")));
    if side.is_empty() {
        audio.shift_remove(direction);
    }
    if audio.is_empty() {
        object.shift_remove("audio");
    }
}

/// Writes what SIP negotiated. OpenAI refuses a rate beside a G.711 format.
fn pin(
    object: &mut Map<String, Value>,
    direction: &str,
    negotiated: Format,
    path: &Path,
    changes: &mut Vec<String>,
) {
    let wanted = json!({"type": name_of(negotiated)});
    let before = format_of(object, direction).cloned();
    if before.as_ref() == Some(&wanted) {
        return;
    }
    let empty = || Value::Object(Map::new());
    let audio = object.entry("audio").or_insert_with(empty);
    let Some(audio) = audio.as_object_mut() else {
        return;
    };
    let side = audio.entry(direction).or_insert_with(empty);
    let Some(side) = side.as_object_mut() else {
        return;
    };
    side.insert("format".into(), wanted.clone());
    let before = before.map_or_else(|| "none".to_owned(), |before| before.to_string());
    changes.push(format!("{}: {before} -> {wanted}", path.key("format")));
}

/// The formats of a message that is not for one call: right by luck, if at all.
pub(super) fn advise(checker: &mut Checker, object: &Map<String, Value>, root: &Path) {
    for direction in BOTH {
        let Some(format) = format_of(object, direction) else {
            continue;
        };
        let path = root.key("audio").key(direction).key("format");
        let mend = "leave the format out: SIP negotiates it";
        match format.get("type").and_then(Value::as_str) {
            Some("audio/pcm") => {
                let problem = "PCM16 on a phone call is heard as static".to_owned();
                checker.refuse(Code::InvalidValue, path, problem, mend);
            }
            Some(named @ ("audio/pcmu" | "audio/pcma")) => {
                let problem = format!("a call that negotiates other than {named} would be static");
                checker.doubt(Code::InvalidValue, path, problem, mend);
            }
            _ => {}
        }
    }
}

/// What OpenAI calls a format. What is no G.711 is never pinned: [`Context`](super::Context) does not hold it.
pub(crate) fn name_of(format: Format) -> &'static str {
    match format {
        Format::Pcmu => "audio/pcmu",
        Format::Pcma => "audio/pcma",
        Format::L16(_) | Format::Opus => "audio/pcm",
    }
}

/// The formats of Realtime.
const NAMES: [&str; 3] = ["audio/pcm", "audio/pcmu", "audio/pcma"];
