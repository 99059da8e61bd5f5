//! `squelch check config` as it is run.

use std::path::Path;
use std::process::{Command, Output};

fn check(file: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_squelch"))
        .args(["check", "config"])
        .arg(file)
        .args(more)
        .env("OPENAI_API_KEY", "sk-canary-5b0c")
        .env("OPENAI_WEBHOOK_SECRET", "whsec_c2VjcmV0")
        .output()
        .expect("squelch runs")
}

fn example() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../squelch.example.toml")
}

#[test]
fn a_usable_file_exits_0() {
    let done = check(&example(), &[]);
    assert_eq!(done.status.code(), Some(0));
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(out.contains("nothing wrong found"), "{out}");
}

#[test]
fn a_rejected_file_exits_1_and_names_the_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("squelch.toml");
    std::fs::write(
        &file,
        "[sip]\nlisten = [\"udp:127.0.0.1:5060\"]\nlisen = 1\n",
    )
    .expect("written");
    let done = check(&file, &[]);
    assert_eq!(done.status.code(), Some(1));
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        out.contains("line 3: sip.lisen: unknown key; did you mean listen?"),
        "{out}"
    );

    let done = check(&file, &["--format", "json"]);
    assert_eq!(done.status.code(), Some(1));
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&done.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    assert!(
        lines
            .iter()
            .any(|line| line["key"] == "sip.lisen" && line["line"] == 3)
    );
    let last = lines.last().expect("a result");
    assert_eq!(
        (&last["type"], &last["ok"]),
        (&"result".into(), &false.into())
    );
}

#[test]
fn a_missing_file_exits_2() {
    let done = check(Path::new("nowhere.toml"), &[]);
    assert_eq!(done.status.code(), Some(2));
    assert!(done.stdout.is_empty());
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(told.contains("nowhere.toml"), "{told}");
}

#[test]
fn what_is_not_built_says_so_and_exits_2() {
    let done = Command::new(env!("CARGO_BIN_EXE_squelch"))
        .arg("monitor")
        .output()
        .expect("squelch runs");
    assert_eq!(done.status.code(), Some(2));
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(told.contains("not built yet"), "{told}");
}
