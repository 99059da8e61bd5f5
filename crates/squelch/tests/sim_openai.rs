//! `squelch sim openai` as a process: it says where it listens, answers its API, stops when told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

#[test]
fn it_says_where_it_is_and_stops_when_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = folder.path().join("ca.pem");
    let mut child = Command::new(env!("CARGO_BIN_EXE_squelch"))
        .args([
            "sim",
            "openai",
            "--listen",
            "127.0.0.1:0",
            "--api",
            "127.0.0.1:0",
        ])
        .args(["--fault", "g711_as_pcm16@2", "--certificate-out"])
        .arg(&certificate)
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut told = BufReader::new(child.stderr.take().expect("piped"));
    let (mut said, mut line) = (String::new(), String::new());
    while !line.trim_end().ends_with("ready") {
        line.clear();
        assert!(told.read_line(&mut line).expect("read") > 0, "{said}");
        said.push_str(&line);
    }
    assert!(said.contains("sip:proj_sim@127.0.0.1:") && said.contains("transport=tls"));
    let pem = std::fs::read_to_string(&certificate).expect("written");
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
    let api = said.split_once("http://").expect("an address").1;
    let api: SocketAddr = api.split('/').next().expect("one").parse().expect("one");
    let mut stream = TcpStream::connect(api).expect("connected");
    let request = "POST /v1/realtime/calls/rtc_x/accept HTTP/1.1\r\nHost: x\r\n\
                   Authorization: Bearer sk-sim\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("call_id_not_found"), "{answer}");
    let pid = child.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.expect("run").success());
    assert_eq!(child.wait().expect("ended").code(), Some(0));
}
