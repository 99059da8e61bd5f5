//! What OpenAI's events say of a session's format, and of what went wrong.

use serde_json::Value;

/// What an event of OpenAI's tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The formats of a session or of one response.
    Format(SaidFormat),
    /// The caller began or ceased to speak, so many milliseconds into the audio that OpenAI read.
    Speech {
        /// `audio_start_ms` or `audio_end_ms`.
        audio_ms: u64,
    },
    /// OpenAI begins (`true`) or ceases to let the caller hear something.
    Plays(bool),
    /// An `error` event.
    Error {
        /// The client's event that it answers; `initial_session_update` is the accept's session.
        event_id: Option<String>,
        /// `error.code`.
        code: Option<String>,
        /// `error.message`, cut to a line's length.
        message: String,
    },
}

/// Formats as OpenAI writes them, e.g. `audio/pcmu` or `audio/pcm 24000`; `None` where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidFormat {
    /// `session.created`, `session.updated`, `response.created` or `response.done`.
    pub event: &'static str,
    /// What the model hears.
    pub input: Option<String>,
    /// What the caller hears.
    pub output: Option<String>,
    /// When OpenAI ends the session, in Unix time. **Units**: seconds.
    pub expires_at: Option<u64>,
}

/// The events that are read, and the object in each that bears formats.
const EVENTS: [(&str, &str); 4] = [
    ("session.created", "session"),
    ("session.updated", "session"),
    ("response.created", "response"),
    ("response.done", "response"),
];

/// `speech_started` and `speech_stopped`.
const SPEECH: &str = "input_audio_buffer.speech_";

/// `started`, and `stopped` or `cleared`.
const PLAYBACK: &str = "output_audio_buffer.";

/// Reads a text; `None` where it tells nothing of the above.
///
/// Cost: one search for each name; a parse where one is found.
pub(super) fn read(text: &str) -> Option<Said> {
    let may_tell = EVENTS.iter().any(|(name, _)| text.contains(name))
        || text.contains("\"error\"")
        || text.contains(SPEECH)
        || text.contains(PLAYBACK);
    if !may_tell || text.len() > MAX_READ {
        return None;
    }
    let event: Value = serde_json::from_str(text).ok()?;
    let kind = event.get("type")?.as_str()?;
    if kind == "error" {
        let field = |name: &str| event["error"][name].as_str().map(line);
        return Some(Said::Error {
            event_id: field("event_id"),
            code: field("code"),
            message: field("message").unwrap_or_default(),
        });
    }
    if kind.starts_with(SPEECH) {
        let at = |name: &str| event.get(name).and_then(Value::as_u64);
        let audio_ms = at("audio_start_ms").or(at("audio_end_ms"))?;
        return Some(Said::Speech { audio_ms });
    }
    match kind.strip_prefix(PLAYBACK) {
        Some("started") => return Some(Said::Plays(true)),
        Some("stopped" | "cleared") => return Some(Said::Plays(false)),
        _ => {}
    }
    let (event_name, key) = EVENTS.into_iter().find(|(name, _)| *name == kind)?;
    let audio = &event[key]["audio"];
    let said = SaidFormat {
        event: event_name,
        input: format(&audio["input"]["format"]),
        output: format(&audio["output"]["format"]),
        expires_at: event[key]["expires_at"].as_u64(),
    };
    let tells = said.input.is_some() || said.output.is_some() || said.expires_at.is_some();
    tells.then_some(Said::Format(said))
}

fn format(format: &Value) -> Option<String> {
    // The beta's shape was a bare string.
    let kind = format["type"].as_str().or(format.as_str())?;
    let kind = line(kind);
    match format["rate"].as_u64() {
        Some(rate) => Some(format!("{kind} {rate}")),
        None => Some(kind),
    }
}

/// A text for one line of a record.
fn line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(MAX_LINE).collect()
}

/// A session with its instructions and tools is some KB; what is longer is not worth the time.
const MAX_READ: usize = 1024 * 1024;
const MAX_LINE: usize = 300;
