//! Peers that misbehave over HTTP and WebSocket: each gets an end, and nobody else notices.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use squelch::config::{self, Surroundings};
use squelch::serve::{self, Running};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// squelch, in front of an API that does as the call's name says.
struct Place {
    gateway: Running,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Place {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let api = listener.local_addr().expect("bound");
        std::thread::spawn(move || misbehave(&listener));
        let folder = tempfile::tempdir().expect("a folder");
        let gateway = serve::start(configuration(folder.path(), api)).await;
        Place {
            gateway: gateway.expect("started"),
            _folder: folder,
        }
    }

    /// What is answered to `request` on `[http]`, from a thread of its own.
    async fn asked(&self, request: Vec<u8>) -> String {
        let to = self.gateway.http().expect("told");
        let asked = tokio::task::spawn_blocking(move || exchange(to, &request));
        asked.await.expect("asked")
    }

    async fn is_healthy(&self) -> bool {
        let to = self.gateway.admin().expect("told");
        let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let asked = tokio::task::spawn_blocking(move || exchange(to, request));
        asked.await.expect("asked").starts_with("HTTP/1.1 200")
    }
}

/// Sends all, and reads until the other side closes.
fn exchange(to: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).expect("connected");
    let patience = Some(Duration::from_secs(30));
    stream.set_read_timeout(patience).expect("set");
    // It may be refused before it is all sent.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let mut piece = [0; 4_096];
    while let Ok(read @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(path: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-app\r\nConnection: close\r\n\
         {more}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn socket(call: &str) -> Vec<u8> {
    format!(
        "GET /v1/realtime?call_id={call} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-app\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_misbehaves_is_an_error_to_who_asked_and_nothing_to_others() {
    let place = Place::new().await;
    // This one is answered never, and given up meanwhile.
    let stalls = place.asked(post("/v1/realtime/calls/rtc_stalls/hangup", "", b""));
    let others = async {
        for call in ["rtc_garbage", "rtc_cut", "rtc_huge", "rtc_header"] {
            let path = format!("/v1/realtime/calls/{call}/hangup");
            let answer = place.asked(post(&path, "", b"")).await;
            assert!(answer.starts_with("HTTP/1.1 502"), "{call}: {answer}");
            assert!(place.is_healthy().await, "{call}");
        }
        // What it says itself, it says to the application.
        for (call, status) in [("rtc_429", "429"), ("rtc_500", "500")] {
            let path = format!("/v1/realtime/calls/{call}/hangup");
            let answer = place.asked(post(&path, "", b"")).await;
            let expected = format!("HTTP/1.1 {status}");
            assert!(answer.starts_with(&expected), "{call}: {answer}");
        }
    };
    let (stalled, ()) = tokio::join!(stalls, others);
    assert!(stalled.starts_with("HTTP/1.1 502"), "{stalled}");
    place.gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_beyond_the_limits_is_refused() {
    let place = Place::new().await;
    let long = format!("X-Long: {}\r\n", "x".repeat(64 * 1024));
    let accept = "/v1/realtime/calls/rtc_x/accept";
    for (request, status) in [
        (post(accept, &long, b"{}"), "431"),
        (post(accept, "", &vec![b'x'; 300 * 1024]), "413"),
        // Nested without end, and no JSON at all.
        (post(accept, "", &vec![b'['; 200_000]), "400"),
        (
            post(accept, "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\0"),
            "400",
        ),
        (post("/webhooks/openai", "", &vec![b'['; 200_000]), "40"),
    ] {
        let answer = place.asked(request).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&expected), "{status}: {answer}");
    }
    // Headers that never end are waited for no longer than a few seconds.
    let answer = place
        .asked(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_vec())
        .await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(place.is_healthy().await);
    place.gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_misbehaves_ends_for_the_application_and_for_nobody_else() {
    let place = Place::new().await;
    for call in ["rtc_frame", "rtc_masked", "rtc_closes"] {
        let answer = place.asked(socket(call)).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{call}: {answer}");
        assert!(place.is_healthy().await, "{call}");
    }
    let answer = place.asked(socket("rtc_401")).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    place.gateway.stop().await;
}

/// Serves every connection as the path's call name says.
fn misbehave(listener: &TcpListener) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { return };
        std::thread::spawn(move || {
            let mut request = vec![0; 16 * 1024];
            let read = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let does = |name: &str| request.contains(name);
            if does("rtc_stalls") {
                // Until the other side gives up.
                let _ = stream.read(&mut [0; 1]);
            } else {
                let _ = stream.write_all(&answer(&does, &request));
            }
        });
    }
}

fn answer(does: &dyn Fn(&str) -> bool, request: &str) -> Vec<u8> {
    let status = |line: &str| {
        format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
    };
    if does("rtc_garbage") {
        return b"\0\xff\xfe no HTTP at all\r\n\r\n".to_vec();
    }
    if does("rtc_cut") {
        return b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{".to_vec();
    }
    if does("rtc_huge") {
        let body = vec![b'x'; 2 * 1024 * 1024];
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        return [head.as_bytes(), &body].concat();
    }
    if does("rtc_header") {
        let long = "x".repeat(4 * 1024 * 1024);
        return format!("HTTP/1.1 200 OK\r\nX-Long: {long}\r\n\r\n").into_bytes();
    }
    if does("rtc_429") {
        return status("429 Too Many Requests");
    }
    if does("rtc_500") {
        return status("500 Internal Server Error");
    }
    let key = request.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("Sec-WebSocket-Key")
            .then(|| value.trim().to_owned())
    });
    let (Some(key), false) = (key, does("rtc_401")) else {
        return status("401 Unauthorized");
    };
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    let frame: &[u8] = if does("rtc_frame") {
        // A text of 2^63 - 1 bytes (RFC 6455 section 5.2).
        &[
            0x81, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, b'x',
        ]
    } else if does("rtc_masked") {
        // A server masks nothing (section 5.1).
        &[0x81, 0x81, 1, 2, 3, 4, b'x']
    } else {
        // 1001, going away.
        &[0x88, 2, 0x03, 0xe9]
    };
    [head.as_bytes(), frame].concat()
}

fn configuration(folder: &Path, api: SocketAddr) -> config::Config {
    let text = format!(
        r#"
[sip]
listen = ["udp:127.0.0.1:0"]
[media]
ports = "23700-23798"
workers = 1
[[trunk]]
name = "carrier"
sources = ["127.0.0.1/32"]
[openai]
api_key_env = "KEY"
webhook_secret_envs = ["SECRET"]
webhook_forward = "http://{api}/webhook"
[[openai.route]]
sip_uri = "sip:proj_x@127.0.0.1:5999;transport=tls"
api_base = "http://{api}/v1"
[limits]
max_calls = 10
drain = "1s"
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
"#
    );
    let variable = |name: &str| match name {
        "KEY" => Some("sk-own".to_owned()),
        "SECRET" => Some("whsec_ZGVtbyBkZW1vIGRlbW8gZGVtbyBkZW1vIGRlbW8gISE=".to_owned()),
        _ => None,
    };
    let variable = &variable;
    let (config, problems) = config::read(&text, Surroundings { folder, variable });
    config.unwrap_or_else(|| panic!("{problems:?}"))
}
