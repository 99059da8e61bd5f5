//! `squelch serve` as a process: it starts or says in one line why not, answers those it should, and
//! stops when told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const CONFIG: &str = r#"
[sip]
listen = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"]
[media]
ports = "22000-22999"
workers = 1
[[trunk]]
name = "carrier"
sources = ["127.0.0.1/32"]
[openai]
api_key_env = "TEST_KEY"
webhook_secret_envs = ["TEST_SECRET"]
session_file = "session.json"
[[openai.route]]
sip_uri = "sip:proj_x@127.0.0.1:5999;transport=tls"
api_base = "https://127.0.0.1:5998/v1"
[guard]
on_static = ["hang_up"]
[limits]
max_calls = 100
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[records]
path = "calls.jsonl"
"#;

fn command(folder: &Path, config: &str) -> Command {
    let file = folder.join("squelch.toml");
    std::fs::write(&file, config).expect("written");
    std::fs::write(folder.join("session.json"), r#"{"type":"realtime"}"#).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_squelch"));
    command
        .args(["serve", "--config"])
        .arg(file)
        .env("TEST_KEY", "key")
        .env("TEST_SECRET", "whsec_c2VjcmV0IG9mIDI0IGJ5dGVzISEhIQ==")
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A start that must fail: exit code 2 and one line that names all of `named`.
fn refused(config: &str, named: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let Output { status, stderr, .. } = command(folder.path(), config).output().expect("run");
    let told = String::from_utf8(stderr).expect("text");
    let errors: Vec<&str> = told.lines().filter(|line| !line.contains("WARN")).collect();
    assert_eq!((status.code(), errors.len()), (Some(2), 1), "{told}");
    for word in named {
        assert!(told.contains(word), "{word:?} is not in: {told}");
    }
}

#[test]
fn a_port_that_is_taken_stops_it() {
    let udp = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let address = udp.local_addr().expect("bound").to_string();
    let config = CONFIG.replace("udp:127.0.0.1:0", &format!("udp:{address}"));
    refused(&config, &["sip.listen", &address, "already taken"]);
    let tcp = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = tcp.local_addr().expect("bound").to_string();
    let config = CONFIG.replace(
        "[admin]\nlisten = \"127.0.0.1:0\"",
        &format!("[admin]\nlisten = \"{address}\""),
    );
    refused(&config, &["admin.listen", &address, "already taken"]);
}

#[test]
fn a_missing_certificate_stops_it() {
    let config = CONFIG.replace(
        "\"tcp:127.0.0.1:0\"]",
        "\"tls:127.0.0.1:0\"]\ncertificate = \"no.pem\"\nkey = \"no.key\"",
    );
    refused(&config, &["certificate", "no.pem", "squelch.toml: line 4"]);
}

#[test]
fn a_key_that_nobody_knows_stops_it() {
    let config = CONFIG.replace("workers = 1", "workers = 1\nwokers = 2");
    refused(&config, &["wokers", "squelch.toml: line 7"]);
}

#[test]
fn a_record_file_that_can_not_be_written_stops_it() {
    let config = CONFIG.replace("calls.jsonl", "no/such/folder/calls.jsonl");
    refused(&config, &["records.path", "no/such/folder"]);
}

#[test]
fn a_missing_configuration_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_squelch"))
        .args(["serve", "--config", "no-such.toml"])
        .output()
        .expect("run");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such.toml"));
}

/// A gateway that runs; it is killed when a test fails.
struct Serve {
    child: Child,
    told: BufReader<std::process::ChildStderr>,
    sip: SocketAddr,
    http: SocketAddr,
    admin: SocketAddr,
    folder: tempfile::TempDir,
}

impl Serve {
    fn start() -> Serve {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = command(folder.path(), CONFIG).spawn().expect("started");
        let mut told = BufReader::new(child.stderr.take().expect("piped"));
        let (mut sip, mut http, mut admin) = (None, None, None);
        loop {
            let mut line = String::new();
            told.read_line(&mut line).expect("read");
            let after = |word: &str| -> Option<SocketAddr> {
                let rest = line.split_once(word)?.1;
                rest.split(['/', '\n']).next()?.parse().ok()
            };
            sip = sip.or(after("SIP on udp:"));
            http = http.or(after("webhooks on http://"));
            admin = admin.or(after("metrics on http://"));
            assert!(!line.is_empty(), "it ended before it was ready");
            if line.trim_end().ends_with("ready") {
                break;
            }
        }
        Serve {
            child,
            told,
            sip: sip.expect("told"),
            http: http.expect("told"),
            admin: admin.expect("told"),
            folder,
        }
    }

    /// Puts another configuration in place and says so; gives what is told until a line holds `end`.
    fn reload(&mut self, config: &str, end: &str) -> String {
        std::fs::write(self.folder.path().join("squelch.toml"), config).expect("written");
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args(["-HUP", &pid]).status();
        assert!(killed.expect("run").success());
        let mut told = String::new();
        while !told
            .lines()
            .next_back()
            .is_some_and(|line| line.contains(end))
        {
            let read = self.told.read_line(&mut told).expect("read");
            assert!(read > 0, "it ended: {told}");
        }
        told
    }

    /// Ends it as an operator does; gives its exit code and what it said until then.
    fn terminate(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(killed.expect("run").success());
        let mut told = String::new();
        self.told.read_to_string(&mut told).expect("read");
        (self.child.wait().expect("ended").code(), told)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn exchange(to: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(to).expect("connected");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("set");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

fn get(to: SocketAddr, path: &str) -> String {
    exchange(
        to,
        &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    )
}

fn options(from: SocketAddr, to: SocketAddr) -> String {
    format!(
        "OPTIONS sip:squelch@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKtest\r\n\
         Max-Forwards: 70\r\nFrom: <sip:a@{from}>;tag=1\r\nTo: <sip:squelch@{to}>\r\n\
         Call-ID: one@{from}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

#[test]
fn it_answers_its_carrier_and_no_stranger_and_stops_when_told() {
    let serve = Serve::start();
    assert!(get(serve.admin, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(get(serve.admin, "/readyz").contains("ready"));
    assert!(get(serve.admin, "/calls").ends_with("[]"));
    let carrier = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let stranger = UdpSocket::bind("127.0.0.9:0").expect("bound");
    // The carrier asks after the stranger: its answer shows that the stranger's turn has been.
    for socket in [&stranger, &carrier] {
        let request = options(socket.local_addr().expect("bound"), serve.sip);
        socket.send_to(request.as_bytes(), serve.sip).expect("sent");
    }
    carrier
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("set");
    let mut answer = [0; 2_000];
    let length = carrier.recv(&mut answer).expect("answered");
    assert!(answer[..length].starts_with(b"SIP/2.0 200"));
    stranger.set_nonblocking(true).expect("set");
    assert!(
        stranger.recv(&mut answer).is_err(),
        "a stranger got an answer"
    );
    let metrics = get(serve.admin, "/metrics");
    for line in [
        "squelch_sip_strangers_total 1",
        "squelch_calls_active{trunk=\"carrier\"} 0",
        "squelch_sip_messages_total{direction=\"sent\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
    let (code, told) = serve.terminate();
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn a_webhook_that_nobody_signed_is_refused_and_counted() {
    let serve = Serve::start();
    let unsigned = "POST /webhooks/openai HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                    webhook-id: wh_1\r\nwebhook-timestamp: 1\r\nwebhook-signature: v1,AAAA\r\n\
                    Content-Length: 2\r\n\r\n{}";
    let answer = exchange(serve.http, unsigned);
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let metrics = get(serve.admin, "/metrics");
    assert!(
        metrics.contains("squelch_webhooks_total{verdict=\"bad_"),
        "{metrics}"
    );
    assert!(get(serve.http, "/elsewhere").starts_with("HTTP/1.1 404"));
    assert_eq!(serve.terminate().0, Some(0));
}

#[test]
fn a_configuration_is_read_anew_and_a_bad_one_changes_nothing() {
    const SOON: Duration = Duration::from_secs(10);
    let mut serve = Serve::start();
    let (sip, admin) = (serve.sip, serve.admin);
    let carrier = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let other = UdpSocket::bind("127.0.0.9:0").expect("bound");
    let asks = |socket: &UdpSocket| {
        let request = options(socket.local_addr().expect("bound"), sip);
        socket.send_to(request.as_bytes(), sip).expect("sent");
    };
    let hears = |socket: &UdpSocket| {
        socket.set_read_timeout(Some(SOON)).expect("set");
        let mut answer = [0; 2_000];
        let length = socket.recv(&mut answer).expect("answered");
        assert!(answer[..length].starts_with(b"SIP/2.0 200"));
    };
    // The carrier asks after the other: its answer shows that the other's turn has been.
    let is_strange = |socket: &UdpSocket| {
        asks(socket);
        asks(&carrier);
        hears(&carrier);
        socket.set_nonblocking(true).expect("set");
        assert!(
            socket.recv(&mut [0; 1]).is_err(),
            "a stranger got an answer"
        );
        socket.set_nonblocking(false).expect("set");
    };
    is_strange(&other);
    let more = "[[trunk]]\nname = \"other\"\nsources = [\"127.0.0.9/32\"]\n[openai]";
    let wider = CONFIG.replace("[openai]", more).replace("22999", "22899");
    let told = serve.reload(&wider, "read anew");
    assert!(
        told.contains("media.ports is another, which takes a restart"),
        "{told}"
    );
    assert!(!told.contains("sip.listen"), "{told}");
    asks(&other);
    hears(&other);
    assert!(get(admin, "/metrics").contains("squelch_calls_active{trunk=\"other\"} 0"));
    let told = serve.reload(&wider.replace("max_calls = 100", "max_calls = 0"), "stays");
    assert!(
        told.contains("limits.max_calls") && told.contains("line "),
        "{told}"
    );
    asks(&other);
    hears(&other);
    serve.reload(CONFIG, "read anew");
    is_strange(&other);
    assert_eq!(serve.terminate().0, Some(0));
}
