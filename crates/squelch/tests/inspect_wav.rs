//! `squelch inspect` on WAV files: recordings are judged like streams.

mod sound;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use sound::{codes, wav};
use squelch_g711::Law;

const LINEAR: u16 = 1;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;

fn inspect(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_squelch"))
        .arg("inspect")
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("squelch runs")
}

/// The lines for one file with these bytes, and the exit code.
fn judged(bytes: &[u8]) -> (Vec<Value>, i32) {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("a.wav"), bytes).expect("written");
    let output = inspect(directory.path(), &["--format", "json", "a.wav"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    (lines, output.status.code().expect("an exit code"))
}

fn linear(codes: &[u8], law: Law) -> Vec<u8> {
    let decoded = codes.iter().map(|&code| law.decode_sample(code));
    decoded.flat_map(i16::to_le_bytes).collect()
}

#[test]
fn a_recording_is_told_like_a_stream_that_met_no_network() {
    let (lines, exit) = judged(&wav(MU_LAW, 1, 8_000, &codes("static-seed.pcap", 0)));
    assert_eq!(exit, 1, "{lines:?}");
    let stream = lines[0].as_object().expect("an object");
    for key in ["source", "destination", "ssrc", "payload_type", "mos"] {
        assert!(stream[key].is_null(), "{key} is there and null");
    }
    for (key, expected) in [
        ("packets", 400),
        ("expected", 400),
        ("lost", 0),
        ("duplicate", 0),
        ("reordered", 0),
        ("channel", 1),
        ("first_packet_ms", 0),
        ("duration_ms", 8_000),
    ] {
        assert_eq!(stream[key], expected, "{key}");
    }
    assert_eq!(stream["jitter_ms"], 0.0);
    assert_eq!(stream["format"], "pcmu");
    assert_eq!(stream["fault"], "g711_as_pcm16");
    let found = stream["detected_at_ms"].as_u64().expect("a time");
    assert!(
        (3_000..3_300).contains(&found),
        "begins at 3 s, found at {found} ms"
    );
}

#[test]
fn every_encoding_and_rate_gives_the_same_verdict() {
    let seed = codes("static-seed.pcap", 0);
    let samples: Vec<i16> = seed
        .iter()
        .map(|&code| Law::Mu.decode_sample(code))
        .collect();
    let mut a_law = vec![0; samples.len()];
    Law::A.encode(&samples, &mut a_law);
    let mut cases = vec![
        ("A-law", "pcma", wav(A_LAW, 1, 8_000, &a_law)),
        (
            "linear",
            "pcmu",
            wav(LINEAR, 1, 8_000, &linear(&seed, Law::Mu)),
        ),
    ];
    // Each sample held: images above 4 kHz, which must not matter.
    for times in [2, 3, 6] {
        let held = samples.iter().flat_map(|sample| vec![*sample; times]);
        let data: Vec<u8> = held.flat_map(i16::to_le_bytes).collect();
        cases.push((
            "other rate",
            "pcmu",
            wav(LINEAR, 1, 8_000 * times as u32, &data),
        ));
    }
    for (name, format, file) in cases {
        let (lines, exit) = judged(&file);
        assert_eq!(exit, 1, "{name}: {lines:?}");
        assert_eq!(lines[0]["fault"], "g711_as_pcm16", "{name}");
        assert_eq!(lines[0]["format"], format, "{name}");
        assert_eq!(lines[0]["duration_ms"], 8_000, "{name}");
        let from = lines[0]["faults"][0]["from_ms"].as_u64().expect("a time");
        assert!((2_900..3_100).contains(&from), "{name}: from {from} ms");
    }
}

#[test]
fn each_of_two_channels_is_a_stream() {
    let clean = linear(&codes("clean-pcmu.pcap", 0), Law::Mu);
    let faulty = linear(&codes("static-seed.pcap", 0), Law::Mu);
    let frames = clean.chunks(2).zip(faulty.chunks(2));
    let data: Vec<u8> = frames
        .flat_map(|(left, right)| [left, right].concat())
        .collect();
    let (lines, exit) = judged(&wav(LINEAR, 2, 8_000, &data));
    assert_eq!((exit, lines.len()), (1, 2));
    let told = |index: usize| {
        (
            lines[index]["channel"].clone(),
            lines[index]["fault"].clone(),
        )
    };
    assert_eq!(told(0), (1.into(), "none".into()));
    assert_eq!(told(1), (2.into(), "g711_as_pcm16".into()));
}

#[test]
fn bytes_stand_as_they_are_in_a_g711_file_and_nearly_so_in_a_linear_one() {
    let raw = codes("pcm16-raw.pcap", 0);
    let (stored, _) = judged(&wav(MU_LAW, 1, 8_000, &raw));
    let (expanded, _) = judged(&wav(LINEAR, 1, 8_000, &linear(&raw, Law::Mu)));
    for (lines, repair) in [(stored, "exact"), (expanded, "approximate")] {
        assert_eq!(lines[0]["fault"], "pcm16_as_g711");
        assert_eq!(lines[0]["faults"][0]["repair"], repair);
    }
}

#[test]
fn a_clean_recording_is_not_blamed() {
    let (lines, exit) = judged(&wav(A_LAW, 1, 8_000, &codes("clean-pcma.pcap", 8)));
    assert_eq!((exit, &lines[0]["fault"]), (0, &"none".into()));
}

#[test]
fn what_is_cut_or_foreign_is_told_with_its_place() {
    let whole = wav(MU_LAW, 1, 8_000, &codes("static-seed.pcap", 0));
    let (lines, exit) = judged(&whole[..44 + 40_000]);
    assert_eq!(exit, 2);
    assert_eq!(
        lines[0]["fault"], "g711_as_pcm16",
        "what there is is judged"
    );
    assert_eq!(
        lines[1]["error"],
        "at byte 40044: the file ends here; its header says 24000 bytes more"
    );
    for (file, error) in [
        (&whole[..30], "at byte 20: the WAV header ends here"),
        (b"RIFF", "at byte 0: the WAV header ends here"),
        (b"", "at byte 0: no WAV file"),
        (b"ID3 and no WAV", "at byte 0: no WAV file"),
        (&wav(LINEAR, 3, 8_000, &[0; 12]), "at byte 22: 3 channels"),
        (&wav(LINEAR, 0, 8_000, &[0; 12]), "at byte 22: 0 channels"),
        (
            &wav(0x55, 1, 8_000, &[0; 12]),
            "at byte 20: WAV of kind 0x0055",
        ),
        (&wav(LINEAR, 1, 3, &[0; 12]), "at byte 24: samples at 3 Hz"),
        (
            &wav(LINEAR, 1, 2_000_000_000, &[0; 12]),
            "at byte 24: samples at 2000000000 Hz",
        ),
        (
            &wav(LINEAR, 1, 8_000, &[0; 13]),
            "at byte 57: the samples end within a sample",
        ),
    ] {
        let (lines, exit) = judged(file);
        assert_eq!(exit, 2, "{error}");
        let last = lines.last().expect("a line");
        assert_eq!(last["type"], "error");
        let told = last["error"].as_str().expect("a text");
        assert!(told.starts_with(error), "{error}: {told}");
    }
}

#[test]
fn folders_and_reports_take_recordings() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = wav(MU_LAW, 1, 8_000, &codes("static-seed.pcap", 0));
    fs::create_dir(directory.path().join("calls")).expect("made");
    fs::write(directory.path().join("calls/A.WAV"), file).expect("written");
    let output = inspect(directory.path(), &["calls", "--report", "page.html"]);
    assert_eq!(output.status.code(), Some(1));
    let table = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(table.contains("A.WAV  channel 1  pcmu"), "{table}");
    let page = fs::read_to_string(directory.path().join("page.html")).expect("a report");
    for part in ["channel 1", "data:image/png", "data:audio/wav"] {
        assert!(page.contains(part), "{part}");
    }
}
