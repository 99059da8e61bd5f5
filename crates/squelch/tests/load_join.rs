//! One run by several workers over Debian's nats-server: `squelch load --share` and `--join`.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const CAPTURE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../pcap-samples/clean-pcmu.pcap"
);

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

/// A server on a port of its own; none where it is not installed, which CI does not let pass.
#[expect(
    clippy::print_stderr,
    reason = "who runs the test is told what was skipped"
)]
fn nats(folder: &Path, jetstream: bool) -> Option<(Running, String)> {
    let port = free_port();
    let mut command = Command::new("nats-server");
    command
        .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-sd"])
        .arg(folder);
    if jetstream {
        command.arg("-js");
    }
    match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Ok(child) => {
            let server = Running(child);
            wait_for(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
            Some((server, format!("nats://127.0.0.1:{port}")))
        }
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "nats-server: {error}");
            eprintln!("skipped: nats-server is not here: {error}");
            None
        }
    }
}

fn wait_for(mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < until, "waited for 20 s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn squelch(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_squelch"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn answer(port: u16) -> Running {
    let listen = format!("127.0.0.1:{port}");
    let mut command = squelch(&["answer", "--echo", "--listen", &listen]);
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // There once its port is taken.
    wait_for(|| std::net::UdpSocket::bind(("127.0.0.1", port)).is_err());
    Running(child)
}

fn shared(url: &str, target: &str, more: &[&str]) -> Running {
    let plan = [
        "load", target, "--share", url, "--shares", "3", "--pcap", CAPTURE, "--rate", "6",
        "--format", "json",
    ];
    Running(squelch(&[&plan, more].concat()).spawn().unwrap())
}

fn join(url: &str) -> Running {
    Running(squelch(&["load", "--join", url]).spawn().unwrap())
}

fn end(mut running: Running) -> (Option<i32>, Output) {
    let until = Instant::now() + Duration::from_secs(60);
    while running.0.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it did not end within 60 s");
        std::thread::sleep(Duration::from_millis(50));
    }
    // The handle stays with the guard; what was written is taken out of it.
    let mut output = Output {
        status: Default::default(),
        stdout: Vec::new(),
        stderr: Vec::new(),
    };
    use std::io::Read;
    let _ = running
        .0
        .stdout
        .take()
        .map(|mut pipe| pipe.read_to_end(&mut output.stdout));
    let _ = running
        .0
        .stderr
        .take()
        .map(|mut pipe| pipe.read_to_end(&mut output.stderr));
    (running.0.wait().unwrap().code(), output)
}

fn result(output: &Output) -> Value {
    let told = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"))
}

#[test]
fn three_workers_do_one_run_and_each_call_is_placed_once() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_server, url)) = nats(folder.path(), true) else {
        return;
    };
    let port = free_port();
    let _answer = answer(port);
    let target = format!("127.0.0.1:{port}");
    let more = ["--calls", "9", "--expect", "echo", "--talk", "4s"];
    let coordinator = shared(&url, &target, &more);
    let workers = [join(&url), join(&url), join(&url)];
    let (code, output) = end(coordinator);
    let result = result(&output);
    assert_eq!(code, Some(0), "{result}");
    assert_eq!(
        (&result["started"], &result["answered"]),
        (&9.into(), &9.into()),
        "{result}"
    );
    assert_eq!(
        (&result["listened"], &result["bad_content"]),
        (&9.into(), &0.into())
    );
    assert_eq!(result["percentiles"]["setup"]["count"], 9);
    for worker in workers {
        let (code, output) = end(worker);
        assert_eq!(code, Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_worker_that_is_killed_in_the_middle_is_told_as_lost() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_server, url)) = nats(folder.path(), true) else {
        return;
    };
    let port = free_port();
    let _answer = answer(port);
    let target = format!("127.0.0.1:{port}");
    let coordinator = shared(&url, &target, &["--calls", "30", "--talk", "8s"]);
    let mut workers = vec![join(&url), join(&url), join(&url)];
    // All have begun: the far end is the only one who is sure, but three seconds of six calls each second are enough.
    std::thread::sleep(Duration::from_secs(4));
    drop(workers.pop());
    let (code, output) = end(coordinator);
    let result = result(&output);
    assert_eq!(code, Some(1), "{result}");
    let reasons = result["reasons"].to_string();
    assert!(
        reasons.contains("1 of 3 shares") && reasons.contains("lost"),
        "{reasons}"
    );
    let (started, answered) = (result["started"].as_u64(), result["answered"].as_u64());
    assert!(started >= Some(20) && answered >= Some(20), "{result}");
}

#[test]
fn no_server_and_no_jetstream_are_told_before_any_call() {
    let nowhere = format!("nats://127.0.0.1:{}", free_port());
    let (code, output) = end(join(&nowhere));
    assert_eq!(code, Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("no NATS server answers"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let Some((_server, url)) = nats(folder.path(), false) else {
        return;
    };
    let (code, output) = end(join(&url));
    assert_eq!(code, Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("no JetStream") && told.contains("-js"),
        "{told}"
    );
}
