//! `squelch inspect --repair`: the audio under a fault, written where it can be got back.

mod sound;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sound::{codes, samples, wav};
use squelch_g711::Law;

fn inspect(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_squelch"))
        .arg("inspect")
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("squelch runs")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder was made")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

/// The rate and the bytes of the samples.
fn heard(path: &Path) -> (u32, Vec<u8>) {
    let file = fs::read(path).expect("a WAV file");
    let rate = u32::from_le_bytes(file[24..28].try_into().expect("four bytes"));
    let length = u32::from_le_bytes(file[40..44].try_into().expect("four bytes"));
    assert_eq!(
        file.len(),
        44 + length as usize,
        "the header tells the length"
    );
    (rate, file[44..].to_vec())
}

/// The sample capture without the records whose numbers are given.
fn without(name: &str, lost: std::ops::Range<usize>) -> Vec<u8> {
    let whole = fs::read(samples().join(name)).expect("a sample");
    let (head, mut rest) = whole.split_at(24);
    let mut kept = head.to_vec();
    let mut number = 0;
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
        let (record, after) = rest.split_at(16 + length);
        if !lost.contains(&number) {
            kept.extend(record);
        }
        number += 1;
        rest = after;
    }
    kept
}

#[test]
fn pcm16_under_a_g711_label_comes_back_byte_for_byte() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path().join("a/b");
    let sample = samples().join("pcm16-raw.pcap").display().to_string();
    let output = inspect(directory.path(), &[&sample, "--repair", "a/b"]);
    assert_eq!(output.status.code(), Some(1));
    let written = files(&folder);
    assert_eq!(written.len(), 1, "{written:?}");
    let name = written[0].file_name().expect("a name").to_string_lossy();
    assert!(name.starts_with("pcm16-raw-"), "{name}");
    assert!(name.contains("-pcm16_as_g711-"), "{name}");
    let (rate, bytes) = heard(&written[0]);
    assert!(name.ends_with(&format!("-{rate}hz.wav")), "{name}");
    let sent = codes("pcm16-raw.pcap", 0);
    let at = sent.len() - bytes.len();
    assert!(
        at.is_multiple_of(160) && sent[at..] == bytes,
        "the payloads as they were sent"
    );
    assert!(bytes.len() > 160 * 150, "all of it but the first packets");
    let notes = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(notes.contains(&format!("{name}: pcm16_as_g711")), "{notes}");
    assert!(notes.contains(&format!("at {rate} Hz, exact")), "{notes}");
    let table = String::from_utf8(output.stdout).expect("UTF-8");
    let told = format!("Repaired (exact, {rate} Hz): a/b/{name}");
    assert!(table.contains(&told), "{table}");
    let again = inspect(
        directory.path(),
        &["--format", "json", &sample, "--repair", "a/b"],
    );
    let line: serde_json::Value = serde_json::from_slice(&again.stdout).expect("a line of JSON");
    assert_eq!(line["faults"][0]["repaired"], format!("a/b/{name}"));
}

#[test]
fn what_was_lost_is_silence_of_its_own_length() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(
        directory.path().join("a.pcap"),
        without("pcm16-raw.pcap", 200..203),
    )
    .expect("written");
    inspect(directory.path(), &["a.pcap", "--repair", "out"]);
    let (_, cut) = heard(&files(&directory.path().join("out"))[0]);
    let sample = samples().join("pcm16-raw.pcap").display().to_string();
    inspect(directory.path(), &[&sample, "--repair", "whole"]);
    let (_, whole) = heard(&files(&directory.path().join("whole"))[0]);
    assert_eq!(cut.len(), whole.len());
    let differs: Vec<usize> = (0..cut.len()).filter(|&at| cut[at] != whole[at]).collect();
    let (first, last) = (differs[0], differs[differs.len() - 1]);
    assert!(last - first < 3 * 320, "only the three packets differ");
    assert!(
        differs.iter().all(|&at| cut[at] == 0),
        "and they are silence"
    );
}

#[test]
fn a_recording_is_repaired_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let raw = codes("pcm16-raw.pcap", 0);
    let hostile = "..%2F$(x) \u{202E}.wav";
    fs::write(directory.path().join(hostile), wav(7, 1, 8_000, &raw)).expect("written");
    inspect(directory.path(), &[hostile, "--repair", "out"]);
    let written = files(&directory.path().join("out"));
    assert_eq!(written.len(), 1, "{written:?}");
    let name = written[0].file_name().expect("a name").to_string_lossy();
    assert!(
        name.starts_with("___2F__x___-channel1-pcm16_as_g711"),
        "{name}"
    );
    let (_, bytes) = heard(&written[0]);
    assert!(raw.ends_with(&bytes) && bytes.len() > 160 * 150);
}

#[test]
fn speech_under_the_other_law_s_label_comes_back_sample_for_sample() {
    let directory = tempfile::tempdir().expect("a directory");
    let codes = codes("clean-pcmu.pcap", 0);
    fs::write(directory.path().join("a.wav"), wav(6, 1, 8_000, &codes)).expect("written");
    let output = inspect(
        directory.path(),
        &["--format", "json", "a.wav", "--repair", "out"],
    );
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    assert_eq!(line["faults"][0]["fault"], "law_mismatch");
    assert_eq!(line["faults"][0]["variant"], "pcmu");
    assert_eq!(line["faults"][0]["repair"], "exact");
    let (rate, bytes) = heard(&files(&directory.path().join("out"))[0]);
    let said: Vec<u8> = codes
        .iter()
        .flat_map(|code| Law::Mu.decode_sample(*code).to_le_bytes())
        .collect();
    assert_eq!(rate, 8_000);
    assert!(said.ends_with(&bytes) && bytes.len() > said.len() / 2);
}

#[test]
fn speech_that_the_wrong_table_was_used_on_comes_back_nearly() {
    let directory = tempfile::tempdir().expect("a directory");
    let codes = codes("clean-pcmu.pcap", 0);
    let misread: Vec<u8> = codes
        .iter()
        .map(|code| Law::Mu.encode_sample(Law::A.decode_sample(*code)))
        .collect();
    fs::write(directory.path().join("a.wav"), wav(7, 1, 8_000, &misread)).expect("written");
    let output = inspect(
        directory.path(),
        &["--format", "json", "a.wav", "--repair", "out"],
    );
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    assert_eq!(line["faults"][0]["variant"], "pcmu read as pcma");
    assert_eq!(line["faults"][0]["repair"], "approximate");
    let (_, bytes) = heard(&files(&directory.path().join("out"))[0]);
    let said = codes.iter().map(|code| Law::Mu.decode_sample(*code));
    let (pairs, _) = bytes.as_chunks::<2>();
    let got = pairs.iter().map(|pair| i16::from_le_bytes(*pair));
    // The file ends with the speech, from where the fault was found.
    let (mut same, mut all) = (0, 0);
    for (said, got) in said.rev().zip(got.rev()) {
        all += 1;
        same += usize::from(said == got);
    }
    assert!(all > 160 * 100 && same * 10 >= all * 9, "{same} of {all}");
}

#[test]
fn what_can_not_be_got_back_is_not_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let sample = samples().join("static-seed.pcap").display().to_string();
    let output = inspect(
        directory.path(),
        &["--format", "json", &sample, "--repair", "out"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(files(&directory.path().join("out")).is_empty());
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"repair\":\"none\""));
}

#[test]
fn nothing_outside_the_folder_is_touched_and_no_input_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let here = directory.path();
    let sample = samples().join("pcm16-raw.pcap").display().to_string();
    inspect(here, &[&sample, "--repair", "out"]);
    let first = files(&here.join("out")).remove(0);
    // A link in the name's place is replaced, not followed.
    fs::write(here.join("precious"), "mine").expect("written");
    fs::remove_file(&first).expect("removed");
    std::os::unix::fs::symlink(here.join("precious"), &first).expect("a link");
    inspect(here, &[&sample, "--repair", "out"]);
    assert_eq!(
        fs::read_to_string(here.join("precious")).expect("there"),
        "mine"
    );
    assert!(!heard(&first).1.is_empty());
    // An input of that name stays, and the new file gets a number.
    let before = fs::read(&first).expect("there");
    inspect(here, &[&sample, "out", "--repair", "out"]);
    assert_eq!(fs::read(&first).expect("there"), before);
    assert_eq!(files(&here.join("out")).len(), 2);
    let output = inspect(here, &[&sample, "--repair", "precious/below"]);
    assert_eq!(output.status.code(), Some(2), "no folder can be made there");
}

#[test]
fn the_good_audio_after_a_fault_is_not_read_as_if_it_were_broken() {
    let directory = tempfile::tempdir().expect("a directory");
    let (raw, clean) = (codes("pcm16-raw.pcap", 0), codes("clean-pcmu.pcap", 0));
    let all = [raw.as_slice(), clean.as_slice()].concat();
    fs::write(directory.path().join("a.wav"), wav(7, 1, 8_000, &all)).expect("written");
    inspect(directory.path(), &["a.wav", "--repair", "out"]);
    let written = files(&directory.path().join("out"));
    assert_eq!(written.len(), 1, "{written:?}");
    let (_, bytes) = heard(&written[0]);
    let at = all.windows(bytes.len()).position(|part| part == bytes);
    let end = at.expect("a part of the file") + bytes.len();
    let off = end.abs_diff(raw.len());
    assert!(
        off <= 4 * 160,
        "ends {off} bytes off: at {end}, not {}",
        raw.len()
    );
}
