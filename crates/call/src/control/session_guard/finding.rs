//! What is wrong with a message for OpenAI, and how OpenAI itself would say it.

use super::path::Path;
use serde_json::{Value, json};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// OpenAI refuses it, or takes it and breaks the call over it.
    Refused,
    /// Somebody should look at it: nobody knows that it does harm.
    Doubtful,
}

/// OpenAI's `error.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Something is not there.
    Missing,
    /// A value that is none of the allowed ones.
    InvalidValue,
    /// A value of the wrong JSON type.
    InvalidType,
    /// A field that does not exist.
    Unknown,
    /// A text that is no JSON, or is not to be trusted.
    InvalidJson,
}

impl Code {
    /// As OpenAI writes it.
    pub fn name(self) -> &'static str {
        match self {
            Code::Missing => "missing_required_parameter",
            Code::InvalidValue => "invalid_value",
            Code::InvalidType => "invalid_type",
            Code::Unknown => "unknown_parameter",
            Code::InvalidJson => "invalid_json",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub weight: Weight,
    /// Of what kind.
    pub code: Code,
    /// Where; `None` where the text as a whole is wrong.
    pub path: Option<Path>,
    /// What is wrong.
    pub problem: String,
    /// How to mend it.
    pub mend: String,
}

impl Finding {
    /// The body of a 400 in OpenAI's shape. Clients read it as they read OpenAI's own.
    pub fn error_body(&self) -> Value {
        json!({"error": self.error()})
    }

    /// The `error` event that answers a client event on the WebSocket.
    ///
    /// `event_id` names this event, `client_event_id` the one that it answers.
    pub fn error_event(&self, event_id: &str, client_event_id: Option<&str>) -> Value {
        let mut error = self.error();
        error["event_id"] = json!(client_event_id);
        json!({"type": "error", "event_id": event_id, "error": error})
    }

    fn error(&self) -> Value {
        json!({
            "type": "invalid_request_error",
            "code": self.code.name(),
            "message": self.to_string(),
            "param": self.path.as_ref().map(Path::to_string),
        })
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{path}: ")?;
        }
        write!(f, "{}; {}", self.problem, self.mend)
    }
}
