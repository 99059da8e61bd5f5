//! Keys and passwords are planted wherever squelch is given one, a whole encrypted call is held through it and its
//! API is asked rightly and wrongly, with every log at its most talkative. Then all that it wrote and said is
//! searched for them.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use squelch::config::{self, Authorities, Listen, Surroundings};
use squelch::serve;
use squelch::sim_io::{Call, Identity, OpenAiServer, OpenAiServerConfig, Seen, Tap, place_call};
use squelch_pcap::Reader;
use squelch_pcap::replay::{Choice, schedule};
use squelch_sim::peer::carrier::{CallPlan, Script};
use squelch_sim::peer::openai::{OpenAiConfig, Speech};
use squelch_sim::sound::Law;
use squelch_sip::{Protocol, Target, Uri};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const API_KEY: &str = "sk-canary-6f1d0a52c7";
const APPLICATION_KEY: &str = "sk-canary-app-93be41d8";
const SECRET: &str = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5ISE=";
const OLD_SECRET: &str = "whsec_b2xkLWNhbmFyeS1vbGQtY2FuYXJ5LW9sZC1jYW4=";
const TOKEN: &str = "canary-token-27c95e";
const ADMIN_TOKEN: &str = "canary-admin-5530fb";
const TRUNK_PASSWORD: &str = "canary-trunk-8a1b44";
const ROUTE_PASSWORD: &str = "canary-route-e07f19";
const VOICE: &[u8] = include_bytes!("../../../pcap-samples/clean-pcmu.pcap");

/// Takes what is logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_leaves_by_any_output() {
    let log = Log::default();
    let writer = log.clone();
    let everything = EnvFilter::new("trace");
    squelch::cli::log(everything, false, move || writer.clone()).init();

    let folder = tempfile::tempdir().expect("a folder");
    let identity = Identity::new(&["localhost"]).expect("made");
    std::fs::write(folder.path().join("ca.pem"), &identity.pem).expect("written");
    std::fs::write(folder.path().join("session.json"), r#"{"type":"realtime"}"#).expect("written");
    let server = OpenAiServer::bind(OpenAiServerConfig {
        sip: Listen {
            protocol: Protocol::Tls,
            address: SocketAddr::new(HOST, 0),
        },
        api: SocketAddr::new(HOST, 0),
        identity,
    });
    let server = server.await.expect("bound");
    let config = configuration(folder.path(), server.sip(), server.api());
    let gateway = serve::start(config).await.expect("started");
    let (squelch, http) = (gateway.sip()[0].address, gateway.http().expect("told"));
    let admin = gateway.admin().expect("told");
    let (openai_tap, mut openai_seen) = Tap::new();
    let (carrier_tap, mut carrier_seen) = Tap::new();
    let configure = |endpoint| {
        let mut config = OpenAiConfig::new(endpoint, HOST, Speech::from_8k(vec![1_000; 8_000]));
        config.webhook_url = Some(format!("http://{http}/webhooks/openai"));
        config.webhook_secret = SECRET.into();
        config.api_key = API_KEY.into();
        config
    };
    let openai = server.run(configure, openai_tap).expect("runs");
    let placing = tokio::spawn(place(squelch, carrier_tap));
    let asking = tokio::task::spawn_blocking(move || asks(http, admin));
    let answers = asking.await.expect("asked");
    placing.await.expect("placed").expect("a call that ends");
    gateway.stop().await;
    drop(openai);

    let record = std::fs::read_to_string(folder.path().join("calls.jsonl")).expect("a record");
    assert!(record.contains("carrier_hangup"), "{record}");
    let log = String::from_utf8_lossy(&log.0.lock().expect("a log")).into_owned();
    assert!(log.contains("TRACE"), "the log was listened to");
    let sip = |seen: &mut tokio::sync::mpsc::Receiver<Seen>| -> String {
        let messages = std::iter::from_fn(|| seen.try_recv().ok());
        let texts = messages.filter_map(|one| match one {
            Seen::Sip(message) => Some(String::from_utf8_lossy(&message.bytes).into_owned()),
            _ => None,
        });
        texts.collect()
    };
    let (carrier, openai) = (sip(&mut carrier_seen), sip(&mut openai_seen));
    let master_keys: Vec<&str> = openai
        .split("inline:")
        .skip(1)
        .filter_map(|rest| rest.split(['|', '\r']).next())
        .collect();
    assert!(master_keys.len() >= 2, "the call was encrypted");
    let outputs = [
        ("the log", &log),
        ("the record", &record),
        ("the answers to HTTP", &answers),
        ("the carrier's SIP", &carrier),
    ];
    for (where_, text) in outputs.iter().chain(&[("OpenAI's SIP", &openai)]) {
        for canary in [
            API_KEY,
            APPLICATION_KEY,
            TOKEN,
            ADMIN_TOKEN,
            TRUNK_PASSWORD,
            ROUTE_PASSWORD,
            &SECRET[6..],
            &OLD_SECRET[6..],
        ] {
            let found = text.find(canary).map(|at| around(text, at));
            assert_eq!(found, None, "{canary} is in {where_}");
        }
    }
    for (where_, text) in outputs {
        for key in &master_keys {
            let found = text.find(key).map(|at| around(text, at));
            assert_eq!(found, None, "an SRTP key is in {where_}");
        }
    }
}

/// What stands around a find, for whoever has to mend it.
fn around(text: &str, at: usize) -> String {
    let line = text[..at].rfind('\n').map_or(0, |line| line + 1);
    text[line..].chars().take(400).collect()
}

/// Everything that can be asked while the call is up; all answers.
fn asks(http: SocketAddr, admin: SocketAddr) -> String {
    let mut tries = 0;
    while !exchange(admin, "GET", "/calls", ADMIN_TOKEN).contains("\"state\":\"up\"") {
        assert!(tries < MOST_TRIES, "no call came up");
        tries += 1;
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut answers = String::new();
    for key in [TOKEN, APPLICATION_KEY, API_KEY] {
        for (method, path) in [
            ("POST", "/v1/realtime/calls/rtc_nobody/hangup"),
            ("POST", "/v1/realtime/calls/rtc_nobody/accept"),
            ("POST", "/v1/models"),
            ("GET", "/v1/realtime?call_id=rtc_nobody"),
        ] {
            answers += &exchange(http, method, path, key);
        }
    }
    for token in [ADMIN_TOKEN, "wrong"] {
        for path in ["/metrics", "/calls", "/readyz"] {
            answers += &exchange(admin, "GET", path, token);
        }
    }
    assert!(answers.contains("squelch_calls_active"), "{answers}");
    answers
}

/// A call takes a tenth of a second to come up, on a busy machine some seconds.
const MOST_TRIES: u32 = 600;

fn exchange(to: SocketAddr, method: &str, path: &str, key: &str) -> String {
    let upgrade = match path.contains("call_id") {
        true => {
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        }
        false => "Connection: close\r\nContent-Length: 2\r\n",
    };
    let body = if path.contains("call_id") { "" } else { "{}" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{upgrade}\r\n{body}"
    );
    let mut stream = TcpStream::connect(to).expect("connected");
    let patience = Some(Duration::from_secs(15));
    stream.set_read_timeout(patience).expect("set");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = vec![0; 64 * 1024];
    let mut filled = 0;
    // One that is kept alive ends no stream: its first bytes do.
    loop {
        match stream.read(&mut answer[filled..]) {
            Ok(0) | Err(_) => break,
            Ok(read) => filled += read,
        }
        if path.contains("call_id") || filled == answer.len() {
            break;
        }
    }
    String::from_utf8_lossy(&answer[..filled]).into_owned()
}

async fn place(squelch: SocketAddr, tap: Tap) -> Result<(), squelch::sim_io::CarrierError> {
    let packets = Reader::new(VOICE).expect("a capture").map_while(Result::ok);
    let voice = schedule(packets, Choice::Longest).expect("a stream");
    let uri = |text: String| Uri::parse(&text).expect("a URI");
    let plan = CallPlan {
        to: uri(format!("sip:+15559870000@{squelch}")),
        from: uri("sip:+15551234567@carrier.example".into()),
        target: Target {
            protocol: Protocol::Udp,
            addr: squelch,
            server_name: None,
        },
        media_address: HOST,
        laws: vec![Law::Mu],
        linear: false,
        srtp: Vec::new(),
        wrong_key: false,
        first_sequence: None,
        script: Script::from_capture(&voice),
        hang_up_after: Some(Duration::from_secs(8)),
        cancel_after: None,
    };
    let call = Call {
        address: HOST,
        trust: Authorities::Public,
        shown: None,
        plan,
        at_most: Duration::from_secs(40),
    };
    place_call(call, tap).await.map(|_| ())
}

fn configuration(folder: &Path, openai: SocketAddr, api: SocketAddr) -> config::Config {
    let text = format!(
        r#"
[sip]
listen = ["udp:127.0.0.1:0"]
[media]
ports = "23600-23698"
workers = 1
[[trunk]]
name = "carrier"
sources = ["127.0.0.1/32"]
media_sources = ["127.0.0.1/32"]
[[trunk]]
name = "asked for a password"
sources = ["127.0.0.9/32"]
username = "carrier"
password_env = "TRUNK_PASSWORD"
[openai]
api_key_env = "API_KEY"
webhook_secret_envs = ["SECRET", "OLD_SECRET"]
certificate_authority = "ca.pem"
media_sources = ["127.0.0.1/32"]
session_file = "session.json"
srtp = "require"
[[openai.route]]
sip_uri = "sip:proj_x@{openai};transport=tls"
api_base = "http://{api}/v1"
server_name = "localhost"
username = "squelch"
realm = "openai"
password_env = "ROUTE_PASSWORD"
[limits]
max_calls = 10
drain = "2s"
[http]
listen = "127.0.0.1:0"
token_env = "TOKEN"
[admin]
listen = "127.0.0.1:0"
token_env = "ADMIN_TOKEN"
[records]
path = "calls.jsonl"
"#
    );
    let variable = |name: &str| {
        let value = match name {
            "API_KEY" => API_KEY,
            "SECRET" => SECRET,
            "OLD_SECRET" => OLD_SECRET,
            "TOKEN" => TOKEN,
            "ADMIN_TOKEN" => ADMIN_TOKEN,
            "TRUNK_PASSWORD" => TRUNK_PASSWORD,
            "ROUTE_PASSWORD" => ROUTE_PASSWORD,
            _ => return None,
        };
        Some(value.to_owned())
    };
    let variable = &variable;
    let (config, problems) = config::read(&text, Surroundings { folder, variable });
    config.unwrap_or_else(|| panic!("{problems:?}"))
}
