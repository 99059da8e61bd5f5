//! Golden: what `squelch inspect` says of every sample, against its `.expect` file (pcap-samples/README.md).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Streams whose truth inspect does not find yet: sample, SSRC, what it says instead. The truth stays in `.expect`.
/// An entry whose stream passes fails the test and is to be taken out.
const NOT_FOUND_YET: &[(&str, &str, &str)] = &[
    ("clipped-wrapped", "0x8368b700", "none: too rough a voice"),
    ("clipped-wrapped", "0x8368b701", "none: too rough a voice"),
    ("static-bursts", "0x20e0ab00", "pcm16_as_g711, 0.9 s late"),
    ("static-bursts", "0x20e0ab01", "none"),
];

/// What a line says of content, and so what an entry above excuses. How the stream travelled is never excused.
const CONTENT: [&str; 3] = ["fault", "detected_at_ms", "faults"];

#[test]
fn every_sample_gives_its_expected_verdict() {
    let names = names();
    assert!(names.len() >= 30, "{names:?}");
    let mut wrong = Vec::new();
    for name in &names {
        let got = inspect(name);
        let golden = samples().join(name).with_extension("expect");
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&golden, renewed(&got, &expected)).expect("written");
            continue;
        }
        let (got, expected) = (parsed(&got), parsed(&expected));
        if got.len() != expected.len() {
            wrong.push(format!(
                "{name}: {} streams, not {}",
                got.len(),
                expected.len()
            ));
        }
        for (got, expected) in got.iter().zip(&expected) {
            wrong.extend(complaint(name, got, expected));
        }
    }
    for (name, ssrc, _) in NOT_FOUND_YET {
        let text = fs::read_to_string(samples().join(format!("{name}.expect"))).unwrap_or_default();
        if !text.contains(ssrc) {
            wrong.push(format!("{name} has no stream {ssrc}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with a stream's line, if anything.
fn complaint(name: &str, got: &Value, expected: &Value) -> Option<String> {
    let ssrc = expected["ssrc"].as_str().unwrap_or_default();
    let excused = NOT_FOUND_YET.iter().any(|entry| {
        let sample = name.strip_suffix(".pcap");
        sample == Some(entry.0) && ssrc == entry.1
    });
    let (travelled, content) = (without(got, &CONTENT), only(got, &CONTENT));
    let travelled_right = travelled == without(expected, &CONTENT);
    let content_right = fits(&only(expected, &CONTENT), &content);
    match (travelled_right, content_right, excused) {
        (false, ..) => Some(format!(
            "{name} {ssrc}\n expected {expected}\n      got {got}"
        )),
        (true, true, true) => Some(format!(
            "{name} {ssrc} passes now: take it out of NOT_FOUND_YET"
        )),
        (true, false, false) => Some(format!(
            "{name} {ssrc}\n expected {}\n      got {content}",
            only(expected, &CONTENT)
        )),
        _ => None,
    }
}

/// Whether a value is as expected; the marks that stand for more than one value are told in pcap-samples/README.md.
fn fits(expected: &Value, got: &Value) -> bool {
    let Value::Object(fields) = expected else {
        return match (expected, got) {
            (Value::Array(expected), Value::Array(got)) => {
                expected.len() == got.len() && expected.iter().zip(got).all(|(e, g)| fits(e, g))
            }
            _ => expected == got,
        };
    };
    if let (Some(min), Some(max)) = (expected["min"].as_f64(), expected["max"].as_f64()) {
        return got
            .as_f64()
            .is_some_and(|value| (min..=max).contains(&value));
    }
    if let Some(choices) = expected["one_of"].as_array() {
        return choices.contains(got);
    }
    if let Some(names) = expected["only"].as_array() {
        let findings = got.as_array();
        return findings
            .is_some_and(|findings| findings.iter().all(|one| names.contains(&one["fault"])));
    }
    if expected["any"] == true {
        return true;
    }
    let Value::Object(found) = got else {
        return false;
    };
    let known = found.keys().all(|key| fields.contains_key(key));
    let right = |(key, expected): (&String, &Value)| match (found.get(key), &expected["optional"]) {
        (None, optional) => !optional.is_null() || expected["any"] == true,
        (Some(got), Value::Null) => fits(expected, got),
        (Some(got), optional) => fits(optional, got),
    };
    known && fields.iter().all(right)
}

/// The lines as they are now, with the content that the file gave them before: a detector doesn't write its own truth.
/// A stream that had no line gets all of what is said now; review the difference.
fn renewed(got: &str, expected: &str) -> String {
    let mut text = String::new();
    for line in got.lines() {
        let ssrc = parsed(line)[0]["ssrc"].to_string();
        let (travelled, content) = line.split_once("\"fault\":").expect("a verdict");
        let before = expected.lines().find(|line| line.contains(&ssrc));
        let content = before
            .and_then(|line| line.split_once("\"fault\":"))
            .map_or(content, |(_, content)| content);
        text += &format!("{travelled}\"fault\":{content}\n");
    }
    text
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcap-samples")
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(samples())
        .expect("the samples")
        .map(|entry| entry.expect("an entry").file_name())
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.ends_with(".pcap"))
        .collect();
    names.sort();
    names
}

/// The lines of a sample, without the explanations: words may get better.
fn inspect(name: &str) -> String {
    // Whoever made it knew that somebody ought to be heard.
    let talk_due: &[&str] = match name {
        "dead-air.pcap" => &["--expect-talk"],
        _ => &[],
    };
    let output = Command::new(env!("CARGO_BIN_EXE_squelch"))
        .args(["inspect", "--format", "json", name])
        .args(talk_due)
        .current_dir(samples())
        .output()
        .expect("squelch runs");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let mut kept = String::new();
    let mut rest = lines.as_str();
    while let Some((before, after)) = rest.split_once(",\"explanation\":{") {
        kept.push_str(before);
        let (_, after) = after.split_once('}').expect("the explanation ends");
        rest = after;
    }
    kept + rest
}

fn parsed(lines: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).expect("a line of JSON");
    lines.lines().map(parse).collect()
}

fn without(line: &Value, keys: &[&str]) -> Value {
    let mut line = line.clone();
    if let Value::Object(fields) = &mut line {
        fields.retain(|key, _| !keys.contains(&key.as_str()));
    }
    line
}

fn only(line: &Value, keys: &[&str]) -> Value {
    let mut line = line.clone();
    if let Value::Object(fields) = &mut line {
        fields.retain(|key, _| keys.contains(&key.as_str()));
    }
    line
}
