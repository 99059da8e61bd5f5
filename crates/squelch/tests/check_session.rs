//! `squelch check session` as it is run.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn check(text: &str, more: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_squelch"))
        .args(["check", "session", "-"])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("squelch runs");
    let mut input = child.stdin.take().expect("a standard input");
    input.write_all(text.as_bytes()).expect("taken");
    drop(input);
    child.wait_with_output().expect("it ends")
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[test]
fn a_session_that_openai_takes_exits_0() {
    let done = check(r#"{"type": "realtime", "model": "gpt-realtime"}"#, &[]);
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(said(&done), "standard input: nothing wrong found\n");
}

#[test]
fn the_invalid_tool_is_named_with_its_line() {
    let text = "{\n\"type\": \"realtime\",\n\"tools\": [\n{\"type\": \"web_search\"}]}";
    let done = check(text, &[]);
    assert_eq!(done.status.code(), Some(1));
    let wanted = "line 4: session.tools[0].type: 'web_search' is not among its values";
    assert!(said(&done).contains(wanted), "{}", said(&done));
}

#[test]
fn a_format_that_would_be_static_is_an_error_in_each_message() {
    let format = r#"{"output": {"format": {"type": "audio/pcm", "rate": 24000}}}"#;
    for text in [
        format!(r#"{{"type": "realtime", "audio": {format}}}"#),
        format!(
            r#"{{"type": "session.update", "session": {{"type": "realtime", "audio": {format}}}}}"#
        ),
        format!(r#"{{"type": "response.create", "response": {{"audio": {format}}}}}"#),
    ] {
        let done = check(&text, &[]);
        assert_eq!(done.status.code(), Some(1), "{text}");
        assert!(said(&done).contains("heard as static"), "{}", said(&done));
    }
}

#[test]
fn an_update_is_checked_as_one() {
    let text = r#"{"type": "session.update", "session": {"type": "realtime", "model": "other"}}"#;
    let done = check(text, &["--format", "json"]);
    assert_eq!(done.status.code(), Some(1));
    let first = said(&done).lines().next().map(str::to_owned);
    let problem: serde_json::Value = serde_json::from_str(&first.expect("a line")).expect("JSON");
    assert_eq!(problem["type"], "problem");
    assert_eq!(problem["severity"], "error");
    assert_eq!(problem["key"], "session.model");
    assert_eq!(problem["line"], 1);
}

#[test]
fn a_session_in_a_wrapper_is_told_from_the_session() {
    let done = check(r#"{"session": {"type": "realtime"}}"#, &[]);
    assert_eq!(done.status.code(), Some(1));
    assert!(said(&done).contains("accept takes the session itself"));
}

#[test]
fn what_is_no_json_is_rejected_and_what_is_not_there_can_not_be_checked() {
    assert_eq!(check("{\"type\": ", &[]).status.code(), Some(1));
    let missing = Command::new(env!("CARGO_BIN_EXE_squelch"))
        .args(["check", "session", "/nowhere/session.json"])
        .output()
        .expect("squelch runs");
    assert_eq!(missing.status.code(), Some(2));
    assert!(missing.stdout.is_empty());
}
