//! Looking at a JSON value field by field, and noting what is wrong with it.

use super::finding::{Code, Finding, Weight};
use super::path::Path;
use serde_json::{Map, Value};

/// Collects findings, so that one run tells them all.
#[derive(Debug, Default)]
pub(super) struct Checker {
    pub(super) findings: Vec<Finding>,
}

impl Checker {
    pub(super) fn refuse(&mut self, code: Code, path: Path, problem: String, mend: &str) {
        self.note(Weight::Refused, code, path, problem, mend);
    }

    pub(super) fn doubt(&mut self, code: Code, path: Path, problem: String, mend: &str) {
        self.note(Weight::Doubtful, code, path, problem, mend);
    }

    fn note(&mut self, weight: Weight, code: Code, path: Path, problem: String, mend: &str) {
        self.findings.push(Finding {
            weight,
            code,
            path: Some(path),
            problem,
            mend: mend.into(),
        });
    }

    /// A value that has to be an object.
    pub(super) fn object<'a>(
        &mut self,
        path: &Path,
        value: &'a Value,
        mend: &str,
    ) -> Option<&'a Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.wrong_type(path, "an object", value, mend);
        }
        object
    }

    pub(super) fn wrong_type(&mut self, path: &Path, wanted: &str, value: &Value, mend: &str) {
        let problem = format!("{wanted} is expected, and it is {}", kind_of(value));
        self.refuse(Code::InvalidType, path.clone(), problem, mend);
    }

    /// A text, where there is one.
    pub(super) fn text(&mut self, at: &Path, object: &Map<String, Value>, key: &str) {
        if let Some(value) = object.get(key).filter(|value| !value.is_string()) {
            self.wrong_type(&at.key(key), "a string", value, "send a string");
        }
    }

    /// `true` or `false`, where there is one.
    pub(super) fn truth(&mut self, at: &Path, object: &Map<String, Value>, key: &str) {
        if let Some(value) = object.get(key).filter(|value| !value.is_boolean()) {
            self.wrong_type(&at.key(key), "true or false", value, "send true or false");
        }
    }

    /// A number from `least` to `most`, where there is one.
    pub(super) fn number(
        &mut self,
        at: &Path,
        object: &Map<String, Value>,
        key: &str,
        (least, most): (f64, f64),
    ) {
        let Some(value) = object.get(key) else {
            return;
        };
        let Some(number) = value.as_f64() else {
            return self.wrong_type(&at.key(key), "a number", value, "send a number");
        };
        if !(least..=most).contains(&number) {
            let problem = format!("{number} is not within {least} to {most}");
            self.refuse(Code::InvalidValue, at.key(key), problem, "send one within");
        }
    }

    /// One of some words, where there is one.
    pub(super) fn word(
        &mut self,
        at: &Path,
        object: &Map<String, Value>,
        key: &str,
        words: &[&str],
    ) {
        if let Some(value) = object.get(key) {
            self.one_of(&at.key(key), value, words);
        }
    }

    pub(super) fn one_of(&mut self, path: &Path, value: &Value, words: &[&str]) {
        let is_known = |text: &str| words.contains(&text);
        if value.as_str().is_some_and(is_known) {
            return;
        }
        let problem = format!("{} is not among its values", shown(value));
        let mend = format!("it takes {}", listed(words));
        self.refuse(Code::InvalidValue, path.clone(), problem, &mend);
    }

    /// Fields that nobody knows of. OpenAI has been seen to refuse them, and it adds new ones.
    pub(super) fn unknown(&mut self, at: &Path, object: &Map<String, Value>, known: &[&str]) {
        for key in object.keys() {
            if !known.contains(&key.as_str()) {
                let problem = "squelch knows no such field".to_owned();
                let mend =
                    "take it out unless OpenAI documents it: it refuses what it does not know";
                self.doubt(Code::Unknown, at.key(key), problem, mend);
            }
        }
    }
}

/// A value in a message: long ones cut, so that nobody's prompt fills a log.
pub(super) fn shown(value: &Value) -> String {
    const MOST: usize = 60;
    match value {
        Value::String(text) if text.chars().count() <= MOST => format!("'{text}'"),
        Value::String(text) => {
            let start: String = text.chars().take(MOST).collect();
            format!("'{start}...'")
        }
        Value::Array(_) | Value::Object(_) => kind_of(value).into(),
        other => other.to_string(),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
