//! `squelch demo` as a newcomer runs it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use squelch::wav::Sound;
use squelch_sim::check::static_time;

fn demo(arguments: &[&str], out: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_squelch"))
        .arg("demo")
        .args(arguments)
        .arg("--out")
        .arg(out)
        .output()
        .expect("run")
}

#[test]
fn the_static_is_found_and_the_caller_hears_next_to_nothing_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("new/folder");
    let output = demo(&["--format", "json"], &out);
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}{errors}");
    assert_eq!(errors, "", "nothing to warn of");
    let told: Value = serde_json::from_str(&told).expect("one JSON object");
    assert_eq!(told["found"], true);
    assert!(told["time_to_detection_ms"].as_u64().expect("a number") < 300);
    // What the files hold, not what the command says of them.
    let sound = |name: &str| Sound::read(&out.join(name)).expect("a WAV file").samples;
    let (without, with) = (sound("without-squelch.wav"), sound("with-squelch.wav"));
    assert!(without.len() > 8 * 8_000 && with.len() > 8 * 8_000);
    assert!(
        static_time(&without).as_millis() > 3_000,
        "the fault happened"
    );
    assert!(static_time(&with).as_millis() <= 200, "and was muted");
    let level = |samples: &[i16]| {
        let power = samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
        (power / samples.len() as f64).sqrt()
    };
    let before = 8_000..2 * 8_000;
    assert!(
        level(&with[before]) > 500.0,
        "speech is let through before it"
    );
    assert!(
        level(&with[5 * 8_000..8 * 8_000]) < 100.0,
        "and silence instead of it"
    );
    let capture = std::fs::read(out.join("call.pcap")).expect("a capture");
    let packets: Result<Vec<_>, _> = squelch_pcap::Reader::new(&capture[..])
        .expect("a capture")
        .collect();
    let packets = packets.expect("whole");
    assert!(packets.len() > 1_600, "RTP of both legs, both ways");
    let invites = packets.iter().filter(|p| p.payload.starts_with(b"INVITE "));
    assert_eq!(invites.count(), 2, "one on each leg");
    let report = std::fs::read_to_string(out.join("report.html")).expect("a report");
    for word in ["g711_as_pcm16", "session.update", "With squelch", "INVITE"] {
        assert!(report.contains(word), "{word}");
    }
    let record = std::fs::read_to_string(out.join("calls.jsonl")).expect("a record");
    let record: Value = serde_json::from_str(record.trim_end()).expect("one line");
    assert_eq!(record["result"], "completed");
    assert_eq!(record["guard"]["faults"][0], "g711_as_pcm16");
}

#[test]
fn raw_pcm16_is_found_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = demo(&["--fault", "pcm16_as_g711"], folder.path());
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("squelch named pcm16_as_g711"), "{told}");
}

#[test]
fn what_it_can_not_do_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = demo(&["--fault", "law_mismatch"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("g711_as_pcm16, pcm16_as_g711"), "{errors}");
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").expect("written");
    let output = demo(&[], &file.join("out"));
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("can't make"), "{errors}");
}
