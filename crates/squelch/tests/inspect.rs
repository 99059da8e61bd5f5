//! `squelch inspect` as a user runs it: over the samples, over damage, over what is not there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcap-samples")
}

/// Runs the command among the samples.
fn inspect(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_squelch"))
        .arg("inspect")
        .args(arguments)
        .current_dir(samples())
        .output()
        .expect("squelch runs")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = stdout(output);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

/// What must hold whatever the golden files say.
#[test]
fn the_static_is_found_and_clean_speech_is_not_blamed() {
    for (name, fault, exit) in [
        ("clean-pcmu.pcap", "none", 0),
        ("clean-pcma.pcap", "none", 0),
        ("loss-reorder.pcap", "none", 0),
        ("dtmf.pcap", "none", 0),
        ("sip-call.pcap", "none", 0),
        ("static-seed.pcap", "g711_as_pcm16", 1),
        ("pcm16-raw.pcap", "pcm16_as_g711", 1),
    ] {
        let output = inspect(&["--format", "json", name]);
        assert_eq!(code(&output), exit, "{name}");
        for line in lines(&output) {
            assert_eq!(line["fault"], fault, "{name}");
        }
    }
    let static_seed = &lines(&inspect(&["--format", "json", "static-seed.pcap"]))[0];
    let found = static_seed["detected_at_ms"].as_u64().expect("a time");
    assert!(
        (3_000..3_300).contains(&found),
        "begins at 3 s, found at {found} ms"
    );
}

#[test]
fn what_can_not_be_read_is_told_and_the_rest_is_done() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (text, cut) = (path("notes.pcap"), path("cut.pcap"));
    fs::write(&text, "no capture").expect("written");
    let whole = fs::read(samples().join("clean-pcmu.pcap")).expect("a sample");
    fs::write(&cut, &whole[..whole.len() - 10]).expect("written");
    let missing = path("missing.pcap");
    let output = inspect(&[
        "--format",
        "json",
        &text,
        "static-seed.pcap",
        &cut,
        &missing,
    ]);
    assert_eq!(code(&output), 2, "what could not be done wins over faults");
    let lines = lines(&output);
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str()).collect();
    let (stream, error) = (Some("stream"), Some("error"));
    assert_eq!(kinds, [stream, stream, error, error, error]);
    assert_eq!(lines[0]["fault"], "g711_as_pcm16");
    assert_eq!(lines[1]["packets"], 349, "all but the packet that was cut");
    let blame = |index: usize| {
        let line: &Value = &lines[index];
        (
            line["file"].as_str().expect("a file"),
            line["error"].as_str().expect("a text"),
        )
    };
    assert_eq!(blame(2).0, text);
    assert!(
        blame(2)
            .1
            .starts_with("offset 0: not a pcap or pcapng capture")
    );
    let record = whole.len() - (16 + 14 + 20 + 8 + 12 + 160);
    assert!(
        blame(3)
            .1
            .starts_with(&format!("offset {record}: the capture is cut short"))
    );
    assert_eq!(blame(4).0, missing);
}

#[test]
fn the_table_names_file_offset_and_verdict() {
    let directory = tempfile::tempdir().expect("a directory");
    let broken = directory.path().join("broken.pcap").display().to_string();
    fs::write(&broken, [0xD4, 0xC3, 0xB2, 0xA1, 2, 0]).expect("written");
    let output = inspect(&["static-seed.pcap", &broken]);
    assert_eq!(code(&output), 2);
    assert!(stdout(&output).contains("g711_as_pcm16"));
    assert!(!stdout(&output).contains('\x1b'), "no colours into a pipe");
    let told = stderr(&output);
    assert!(
        told.contains("broken.pcap: offset 0: the capture is cut short"),
        "{told}"
    );
}

#[test]
fn folders_are_searched_to_the_bottom() {
    let directory = tempfile::tempdir().expect("a directory");
    let below = directory.path().join("a/b");
    fs::create_dir_all(&below).expect("made");
    fs::copy(samples().join("clean-pcmu.pcap"), below.join("x.PCAP")).expect("copied");
    fs::write(below.join("notes.txt"), "not looked at").expect("written");
    let folder = directory.path().display().to_string();
    let output = inspect(&["--format", "json", &folder]);
    assert_eq!((code(&output), lines(&output).len()), (0, 1));
    let empty = tempfile::tempdir().expect("a directory");
    let output = inspect(&[&empty.path().display().to_string()]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("no capture in this folder"));
}

/// A capture of clean speech of 3 s, then of silence of 3 s.
fn talk_then_silence(path: &Path) {
    let sound = fs::read(samples().join("clean-pcmu.pcap")).expect("a sample");
    let (header, record) = (24, 16 + 14 + 20 + 8 + 12 + 160);
    let mut bytes = sound
        .get(..header + 300 * record)
        .expect("300 packets")
        .to_vec();
    for index in 150..300 {
        let end = header + (index + 1) * record;
        bytes[end - 160..end].fill(0xFF);
    }
    fs::write(path, bytes).expect("written");
}

#[test]
fn silence_is_dead_air_where_talk_is_expected() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("silent.pcap");
    talk_then_silence(&path);
    let path = path.display().to_string();
    let output = inspect(&["--format", "json", &path]);
    assert_eq!(
        (code(&output), &lines(&output)[0]["fault"]),
        (0, &"none".into())
    );
    let output = inspect(&["--format", "json", "--expect-talk", &path]);
    let line = &lines(&output)[0];
    assert_eq!((code(&output), &line["fault"]), (1, &"dead_air".into()));
    assert_eq!(line["faults"][0]["variant"], "silence");
    let found = line["detected_at_ms"].as_u64().expect("a time");
    assert!((4_500..5_100).contains(&found), "{found}");
    let output = inspect(&["--format", "json", "--expect-talk", "clean-pcmu.pcap"]);
    assert_eq!(
        (code(&output), &lines(&output)[0]["fault"]),
        (0, &"none".into())
    );
}

#[test]
fn each_finding_is_explained_with_its_figures() {
    let expected = [
        "Loud static",
        " s to 7.98 s",
        " ms after the onset",
        "session.update that names tools",
        "audio.output.format",
    ];
    let table = stdout(&inspect(&["static-seed.pcap"]));
    for heading in ["heard", "why", "cause", "change"] {
        assert!(
            table.contains(&format!("\n  {heading} ")),
            "{heading}: {table}"
        );
    }
    let line = &lines(&inspect(&["--format", "json", "static-seed.pcap"]))[0];
    let explanation = &line["faults"][0]["explanation"];
    for key in ["heard", "why", "cause", "change"] {
        assert!(explanation[key].is_string(), "{key}: {line}");
    }
    for text in expected {
        assert!(table.contains(text), "{text}: {table}");
        assert!(
            explanation.to_string().contains(text),
            "{text}: {explanation}"
        );
    }
    let clean = stdout(&inspect(&["clean-pcmu.pcap"]));
    assert!(!clean.contains("heard"), "nothing to explain: {clean}");
}

#[test]
fn the_report_shows_the_call() {
    let directory = tempfile::tempdir().expect("a directory");
    let report = directory.path().join("report.html").display().to_string();
    let output = inspect(&["static-seed.pcap", "--report", &report]);
    assert_eq!(code(&output), 1);
    let page = fs::read_to_string(&report).expect("a report");
    for part in [
        "Broken audio found",
        "g711_as_pcm16",
        "INVITE",
        "data:image/png",
        "data:audio/wav",
        "What was heard",
        " ms after the onset",
        "What usually causes it",
        "What to change",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let nowhere = directory
        .path()
        .join("no/such/report.html")
        .display()
        .to_string();
    assert_eq!(
        code(&inspect(&["clean-pcmu.pcap", "--report", &nowhere])),
        2
    );
}
