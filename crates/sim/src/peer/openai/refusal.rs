//! OpenAI's way to say no: one shape over REST and WebSocket.

use serde_json::{Value, json};

use crate::http::Response;

/// An error of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) code: Option<&'static str>,
    pub(super) param: Option<String>,
    /// In the seed this one costs the session its audio formats.
    pub(super) clobbers: bool,
}

impl Refusal {
    /// A value that is not allowed.
    pub(super) fn invalid(message: impl Into<String>, param: impl Into<String>) -> Refusal {
        Refusal {
            message: message.into(),
            code: Some("invalid_value"),
            param: Some(param.into()),
            clobbers: false,
        }
    }

    /// Something must be there.
    pub(super) fn missing(param: impl Into<String>) -> Refusal {
        let param = param.into();
        Refusal {
            message: format!("Missing required parameter: '{param}'."),
            code: Some("missing_required_parameter"),
            param: Some(param),
            clobbers: false,
        }
    }

    /// Something must not be there.
    pub(super) fn unknown(param: impl Into<String>) -> Refusal {
        let param = param.into();
        Refusal {
            message: format!("Unknown parameter: '{param}'."),
            code: Some("unknown_parameter"),
            param: Some(param),
            clobbers: false,
        }
    }

    /// Of another JSON type than expected.
    pub(super) fn wrong_type(param: impl Into<String>, expected: &str, got: &Value) -> Refusal {
        let got = match got {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        let param = param.into();
        Refusal {
            message: format!(
                "Invalid type for '{param}': expected {expected}, but got {got} instead."
            ),
            code: Some("invalid_type"),
            param: Some(param),
            clobbers: false,
        }
    }

    /// With other code than `invalid_value`, or none.
    pub(super) fn coded(message: impl Into<String>, code: Option<&'static str>) -> Refusal {
        Refusal {
            message: message.into(),
            code,
            param: None,
            clobbers: false,
        }
    }

    /// The same, and the formats are lost in the seed.
    pub(super) fn clobbering(mut self) -> Refusal {
        self.clobbers = true;
        self
    }

    /// As an HTTP response.
    pub(super) fn to_response(&self, status: u16) -> Response {
        json_response(status, &json!({"error": self.fields()}))
    }

    /// As the event `error`; `cause` is the `event_id` of the client event at fault.
    pub(super) fn to_event(&self, event_id: &str, cause: Option<&str>) -> Value {
        let mut error = self.fields();
        error["event_id"] = json!(cause);
        json!({"type": "error", "event_id": event_id, "error": error})
    }

    fn fields(&self) -> Value {
        json!({
            "type": "invalid_request_error", "code": self.code,
            "message": self.message, "param": self.param,
        })
    }
}

/// A JSON body with its type.
pub(super) fn json_response(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into(),
    }
}
