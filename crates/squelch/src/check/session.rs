//! `squelch check session`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;
use squelch_call::control::session_guard::{self, Finding, Step, Weight};

use super::{FileArgs, place, telling};
use crate::cli::fail;
use crate::config::{Problem, Severity};

const COMMAND: &str = "squelch check session";
/// OpenAI's own limit on a session is below this.
const MAX_BYTES: u64 = 1024 * 1024;

pub(super) fn run(asked: &FileArgs) -> ExitCode {
    let is_input = asked.file.as_os_str() == "-";
    let name = match is_input {
        true => "standard input".to_owned(),
        false => asked.file.display().to_string(),
    };
    let text = match read(&asked.file, is_input) {
        Ok(text) if text.len() as u64 > MAX_BYTES => {
            let why = format!("{name} is larger than {MAX_BYTES} bytes: name the right file");
            return fail(COMMAND, &why);
        }
        Ok(text) => text,
        Err(error) => return fail(COMMAND, &format!("{name}: {error}")),
    };
    telling::tell(COMMAND, &name, &problems_of(&text), asked.format)
}

fn read(file: &Path, is_input: bool) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match is_input {
        true => io::stdin().take(MAX_BYTES + 1).read_to_end(&mut text)?,
        false => File::open(file)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut text)?,
    };
    Ok(text)
}

fn problems_of(text: &[u8]) -> Vec<Problem> {
    let message = match session_guard::read(text) {
        Ok(message) => message,
        Err(finding) => return vec![problem(&finding, None)],
    };
    let findings = match wrapped(&message) {
        Some(findings) => findings,
        None => session_guard::find_in_message(&message),
    };
    // An accept's body is the session, which has no name of its own in the file.
    let is_named = message.get("session").is_some() || message.get("response").is_some();
    findings
        .iter()
        .map(|finding| {
            let steps = finding.path.as_ref().map_or(&[][..], |path| path.steps());
            let steps = match (is_named, steps) {
                (false, [Step::Key(root), rest @ ..]) if root == "session" => rest,
                _ => steps,
            };
            problem(finding, Some(place::line_of(text, steps)))
        })
        .collect()
}

/// A session within an object, as other parts of OpenAI's API take it.
fn wrapped(message: &Value) -> Option<Vec<Finding>> {
    let session = message
        .get("session")
        .filter(|_| message.get("type").is_none())?;
    let mut findings = session_guard::find_in_message(session);
    findings.insert(
        0,
        Finding {
            weight: Weight::Refused,
            code: session_guard::Code::Unknown,
            path: Some(session_guard::Path::root("session")),
            problem: "accept takes the session itself, not an object around it".into(),
            mend: "send what stands inside, or add \"type\": \"session.update\" for the WebSocket"
                .into(),
        },
    );
    Some(findings)
}

fn problem(finding: &Finding, line: Option<usize>) -> Problem {
    Problem {
        severity: match finding.weight {
            Weight::Refused => Severity::Error,
            Weight::Doubtful => Severity::Warning,
        },
        line,
        key: finding
            .path
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        message: finding.problem.clone(),
        mend: finding.mend.clone(),
    }
}
