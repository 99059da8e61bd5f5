//! `squelch load` and `squelch answer` as a user runs them: what comes back is listened to, and it is told.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const CAPTURE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../pcap-samples/clean-pcmu.pcap"
);
const OTHER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../pcap-samples/loss-reorder.pcap"
);

fn squelch(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_squelch"));
    command.args(arguments);
    command
}

/// A far end, ended when the test is.
struct Answer {
    child: Child,
    address: String,
}

impl Answer {
    fn start(how: &[&str]) -> Answer {
        let arguments = [&["--log", "info", "answer", "--listen", "127.0.0.1:0"], how].concat();
        let mut child = squelch(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let at = line.rfind("127.0.0.1:")?;
            let rest = &line[at..];
            let end = rest.find(|c: char| !c.is_ascii_digit() && !".:".contains(c));
            Some(rest[..end.unwrap_or(rest.len())].to_owned())
        });
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.expect("squelch answer says where it listens");
        Answer { child, address }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn load(address: &str, more: &[&str]) -> Output {
    let plan = [
        "load", address, "--pcap", CAPTURE, "--calls", "3", "--rate", "10", "--format", "json",
    ];
    squelch(&[&plan, more].concat()).output().unwrap()
}

fn result(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let told = String::from_utf8_lossy(&output.stderr);
        panic!("{error}: {told}")
    })
}

#[test]
fn an_echo_has_each_calls_own_speech_and_leaves_a_report() {
    let answer = Answer::start(&["--echo"]);
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("run.html");
    let output = load(
        &answer.address,
        &["--expect", "echo", "--report", page.to_str().unwrap()],
    );
    let result = result(&output);
    assert_eq!(result["passed"], true, "{result}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        (&result["listened"], &result["bad_content"]),
        (&3.into(), &0.into())
    );
    assert!(result["same_windows"].as_u64() > Some(60), "{result}");
    assert!(result["percentiles"]["setup"]["p95_ms"].as_f64() > Some(0.0));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("Passed") && page.contains("<path class=\"curve"));
    assert!(!page.contains("<script"));
}

#[test]
fn other_speech_than_was_sent_fails_the_run_and_says_why() {
    let answer = Answer::start(&["--play", OTHER]);
    let output = load(&answer.address, &["--expect", "echo"]);
    let result = result(&output);
    assert_eq!(output.status.code(), Some(1), "{result}");
    assert_eq!(result["problems"]["other_speech"], 3, "{result}");
    let reasons = result["reasons"].to_string();
    assert!(reasons.contains("--max-bad-content"), "{reasons}");
}
