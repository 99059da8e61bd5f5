//! `squelch load` and `squelch answer` as processes, on loopback.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

const SAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../pcap-samples/clean-pcmu.pcap"
);

struct FarEnd {
    child: Child,
    address: String,
    /// Kept open: it goes on logging.
    _log: BufReader<ChildStderr>,
}

/// `squelch answer` on a free port.
fn far_end(options: &[&str]) -> FarEnd {
    let mut child = Command::new(env!("CARGO_BIN_EXE_squelch"))
        .args(["answer", "--listen", "127.0.0.1:0", "--format", "json"])
        .args(options)
        .env_remove("RUST_LOG")
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut log = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    log.read_line(&mut line).expect("it says where it listens");
    let address = line.trim().rsplit("udp:").next().expect("an address");
    FarEnd {
        address: address.to_owned(),
        child,
        _log: log,
    }
}

impl FarEnd {
    /// What it told, once it has ended by itself.
    fn told(mut self) -> (Option<i32>, serde_json::Value) {
        let mut text = String::new();
        let mut out = self.child.stdout.take().expect("piped");
        out.read_to_string(&mut text).expect("text");
        let code = self.child.wait().expect("it ends").code();
        (code, serde_json::from_str(&text).expect("JSON"))
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_squelch"))
        .arg("load")
        .args(arguments)
        .env_remove("RUST_LOG")
        .env("NO_COLOR", "1")
        .output()
        .expect("it runs")
}

#[test]
fn every_call_is_answered_and_hears_its_echo() {
    let far = far_end(&["--echo", "--calls", "6"]);
    let address = far.address.clone();
    let ran = load(&[
        &address,
        "--pcap",
        SAMPLE,
        "--calls",
        "6",
        "--rate",
        "20",
        "--talk",
        "1s",
        "--workers",
        "2",
    ]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert!(!ran.stdout.is_empty(), "a result is told");
    let (code, told) = far.told();
    assert_eq!(code, Some(0));
    assert_eq!(told["started"], 6, "{told}");
    assert_eq!(told["answered"], 6);
    let received = told["received"].as_u64().expect("a number");
    assert!(received > 6 * 40, "{received} packets of six seconds");
}

#[test]
fn refused_calls_make_exit_code_1() {
    let far = far_end(&["--misbehave", "reject=503"]);
    let ran = load(&[&far.address, "--pcap", SAMPLE, "--calls", "2"]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
}

#[test]
fn what_cannot_begin_makes_exit_code_2_and_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("text.pcap");
    std::fs::write(&text, "no capture").expect("written");
    let text = text.to_str().expect("UTF-8");
    let folder = folder.path().to_str().expect("UTF-8").to_owned() + "/none.pcap";
    for (arguments, said) in [
        (["192.0.2.1", "--pcap", &folder], "none.pcap"),
        (["192.0.2.1", "--pcap", text], "text.pcap"),
        (["tel:1", "--pcap", SAMPLE], "tel:1"),
        (["sip:x@192.0.2.1;transport=sctp", "--pcap", SAMPLE], "sctp"),
    ] {
        let ran = load(&arguments);
        let errors = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(2), "{errors}");
        assert!(errors.contains(said), "{errors}");
        assert!(ran.stdout.is_empty());
    }
}
