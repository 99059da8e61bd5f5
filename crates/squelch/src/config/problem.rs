//! What is wrong with a configuration file, where, and how to mend it.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The gateway does not start with it.
    Error,
    /// It starts, and someone should look at it.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The line, counted from 1; `None` where something is missing altogether.
    pub line: Option<usize>,
    /// The key with its section: `openai.session_file`. Empty where the text is no TOML.
    pub key: String,
    /// What is wrong. Never a secret's value.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        if !self.mend.is_empty() {
            write!(f, "; {}", self.mend)?;
        }
        Ok(())
    }
}

/// Collects problems while the file is read, so that one run tells them all.
#[derive(Debug)]
pub(super) struct Report<'a> {
    text: &'a str,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Report {
            text,
            problems: RefCell::default(),
        }
    }

    pub(super) fn error(&self, at: Option<Range<usize>>, key: &str, wrong: Wrong) {
        self.push(Severity::Error, at, key, wrong);
    }

    pub(super) fn warning(&self, at: Option<Range<usize>>, key: &str, wrong: Wrong) {
        self.push(Severity::Warning, at, key, wrong);
    }

    pub(super) fn has_errors(&self) -> bool {
        let problems = self.problems.borrow();
        problems.iter().any(|p| p.severity == Severity::Error)
    }

    /// In the order of the file; what is missing altogether comes last.
    pub(super) fn finish(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        problems
    }

    fn push(&self, severity: Severity, at: Option<Range<usize>>, key: &str, wrong: Wrong) {
        let line = at.map(|span| {
            let before = self.text.as_bytes().iter().take(span.start);
            before.filter(|byte| **byte == b'\n').count() + 1
        });
        self.problems.borrow_mut().push(Problem {
            severity,
            line,
            key: key.to_owned(),
            message: wrong.message,
            mend: wrong.mend,
        });
    }
}

/// What is wrong with a value, and the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) mend: String,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>, mend: impl Into<String>) -> Self {
        Wrong {
            message: message.into(),
            mend: mend.into(),
        }
    }
}
