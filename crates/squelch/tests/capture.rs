//! Captures as an operator gets them: a call through `squelch serve` whose audio breaks, with SRTP towards OpenAI, is on
//! disk by itself; and the same call is recorded because somebody asks for it.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use squelch::config::{self, Authorities, Listen, Surroundings};
use squelch::serve;
use squelch::sim_io::{Call, Identity, OpenAiServer, OpenAiServerConfig, Tap, place_call};
use squelch::wav::Sound;
use squelch_g711::Law as Companding;
use squelch_pcap::Reader;
use squelch_pcap::replay::{Choice, schedule};
use squelch_sim::check::static_time;
use squelch_sim::peer::carrier::{CallPlan, Script};
use squelch_sim::peer::openai::{OpenAiConfig, ScheduledFault, Security, Speech};
use squelch_sim::sound::Law;
use squelch_sip::{Protocol, Target, Uri};

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SECRET: &str = "whsec_ZGVtbyBkZW1vIGRlbW8gZGVtbyBkZW1vIGRlbW8gISE=";
const VOICE: &[u8] = include_bytes!("../../../pcap-samples/clean-pcmu.pcap");
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn static_is_on_disk_by_itself_and_the_call_as_long_as_somebody_asks() {
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
    let http = gateway.http().expect("an address for webhooks");
    let admin = gateway.admin().expect("an address");
    let configure = |endpoint| {
        let mut config = OpenAiConfig::new(endpoint, HOST, Speech::from_8k(voice()));
        config.webhook_url = Some(format!("http://{http}/webhooks/openai"));
        config.webhook_secret = SECRET.into();
        config.api_key = "key".into();
        config.srtp = Security::Prefer;
        config.faults = vec![ScheduledFault::parse("g711_as_pcm16@2").expect("a fault")];
        config
    };
    let openai = server.run(configure, Tap::default()).expect("runs");
    let squelch = gateway.sip()[0].address;
    let carrier = tokio::spawn(place(squelch));
    let recording = tokio::task::spawn_blocking(move || record_for_a_second(admin));
    let recording = recording.await.expect("recorded");
    carrier.await.expect("a call");
    let metrics = tokio::task::spawn_blocking(move || ask(admin, "GET", "/metrics", Some("token")));
    let metrics = metrics.await.expect("asked");
    gateway.stop().await;
    drop(openai);

    let record = std::fs::read_to_string(folder.path().join("calls.jsonl")).expect("a record");
    let record: Value = serde_json::from_str(&record).expect("one line");
    assert_eq!(record["legs"]["openai"]["srtp"], true, "{record}");
    let id = record["id"].as_str().expect("an id");
    let captures = folder.path().join("captures");
    let told = |event: &str| -> Vec<String> {
        let events = record["events"].as_array().expect("events").iter();
        let those = events.filter(|one| one["event"] == event);
        those
            .filter_map(|one| Some(one["detail"].as_str()?.to_owned()))
            .collect()
    };
    let name = format!("{id}-2-g711_as_pcm16");
    assert_eq!(
        told("capture"),
        [format!("{name}.pcap: 10 s before and 5 s after")]
    );
    assert_eq!(
        told("recording"),
        [format!("{recording}: begun"), format!("{recording}: ended")]
    );
    for line in [
        "squelch_captures_total{kind=\"recording\",result=\"complete\"} 1",
        "squelch_capture_lost_packets_total{reason=\"disk\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
    both_sides_of_the_guard(&captures, &name);
    for file in std::fs::read_dir(&captures).expect("a folder") {
        let file = file.expect("read");
        let mode = file.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file:?}");
        let bytes = std::fs::read(file.path()).expect("read");
        assert!(
            !bytes.windows(7).any(|w| w == b"inline:"),
            "a key in {file:?}"
        );
    }
    let file = std::fs::File::open(captures.join(&recording)).expect("there");
    let packets: Vec<_> = Reader::new(file).expect("a capture").collect();
    assert!(packets.iter().all(Result::is_ok));
    assert!(
        (180..320).contains(&packets.len()),
        "{} in a second",
        packets.len()
    );
}

/// What the files of a fault's capture hold, by squelch's own commands and by the meter of static.
fn both_sides_of_the_guard(captures: &Path, name: &str) {
    let file = |ending: &str| captures.join(format!("{name}.{ending}"));
    let sound = |ending| Sound::read(&file(ending)).expect("a sound").samples;
    let (came, heard) = (sound("from-openai.wav"), sound("to-carrier.wav"));
    assert!(
        static_time(&came).as_millis() > 1_000,
        "the static is there"
    );
    assert!(
        static_time(&heard).as_millis() <= 200,
        "the caller was spared it"
    );
    assert!(came.len().abs_diff(heard.len()) < 800, "on one clock");
    assert!(!sound("from-carrier.wav").is_empty() && !sound("to-openai.wav").is_empty());
    let about: Value =
        serde_json::from_slice(&std::fs::read(file("json")).expect("there")).expect("JSON");
    assert_eq!(about["findings"][0]["leg"], "openai");
    assert_eq!(about["complete"], true);
    let squelch = &about["squelch"];
    let inspect = Command::new(env!("CARGO_BIN_EXE_squelch"))
        .args(["inspect", "--format", "json"])
        .arg(file("pcap"))
        .output();
    let told = String::from_utf8(inspect.expect("run").stdout).expect("text");
    let streams: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(streams.len(), 4, "{told}");
    for stream in &streams {
        // The caller heard the static until it was found: that stream may be called faulty or not.
        let to_carrier = stream["source"] == squelch["carrier"];
        let from_openai = stream["destination"] == squelch["openai"];
        let expected = if from_openai { "g711_as_pcm16" } else { "none" };
        assert!(to_carrier || stream["fault"] == expected, "{stream}");
        let ends = [&stream["source"], &stream["destination"]];
        let ours = [&squelch["openai"], &squelch["carrier"]];
        assert!(ends.iter().any(|end| ours.contains(end)), "{stream}");
        assert!(stream["lost"].as_u64() == Some(0), "{stream}");
    }
}

/// Has the call recorded for a second, as soon as it is up; gives the file's name.
fn record_for_a_second(admin: SocketAddr) -> String {
    let deadline = Instant::now() + PATIENCE;
    let id = loop {
        assert!(Instant::now() < deadline, "no call came up");
        let answer = ask(admin, "GET", "/calls", Some("token"));
        let calls: Value = serde_json::from_str(body(&answer)).expect("JSON");
        match calls[0]["state"].as_str() {
            Some("up") => break calls[0]["id"].as_str().expect("an id").to_owned(),
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let path = format!("/calls/{id}/record");
    for (path, token, status) in [
        (path.as_str(), None, "401"),
        (path.as_str(), Some("guess"), "401"),
        ("/calls/0123/record", Some("token"), "404"),
    ] {
        let answer = ask(admin, "POST", path, token);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
    let begun = ask(admin, "POST", &path, Some("token"));
    assert!(begun.starts_with("HTTP/1.1 200"), "{begun}");
    std::thread::sleep(Duration::from_secs(1));
    let ended = ask(admin, "DELETE", &path, Some("token"));
    assert!(ended.starts_with("HTTP/1.1 200"), "{ended}");
    let again = ask(admin, "DELETE", &path, Some("token"));
    assert!(again.starts_with("HTTP/1.1 409"), "{again}");
    let told: Value = serde_json::from_str(body(&begun)).expect("JSON");
    let file = told["file"].as_str().expect("a name").to_owned();
    assert_eq!(file, format!("{id}-1-recording.pcap"));
    file
}

fn ask(to: SocketAddr, method: &str, path: &str, token: Option<&str>) -> String {
    let mut stream = TcpStream::connect(to).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let shown = token.map_or(String::new(), |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{shown}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |halves| halves.1)
}

fn voice() -> Vec<i16> {
    let packets = Reader::new(VOICE).expect("a capture").map_while(Result::ok);
    let replay = schedule(packets, Choice::Longest).expect("a stream");
    let codes: Vec<u8> = replay
        .packets
        .iter()
        .flat_map(|(_, packet)| packet.get(12..).unwrap_or_default())
        .copied()
        .collect();
    let mut samples = vec![0; codes.len()];
    Companding::Mu.decode(&codes, &mut samples);
    samples
}

async fn place(squelch: SocketAddr) {
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
        hang_up_after: Some(Duration::from_secs(5)),
        cancel_after: None,
    };
    let call = Call {
        address: HOST,
        trust: Authorities::Public,
        shown: None,
        plan,
        at_most: Duration::from_secs(30),
    };
    place_call(call, Tap::default())
        .await
        .expect("a call that ends");
}

fn configuration(folder: &Path, openai: SocketAddr, api: SocketAddr) -> config::Config {
    let text = format!(
        r#"
[sip]
listen = ["udp:{HOST}:0"]
[media]
ports = "23400-23498"
workers = 1
[[trunk]]
name = "carrier"
sources = ["{HOST}/32"]
media_sources = ["{HOST}/32"]
[openai]
api_key_env = "KEY"
webhook_secret_envs = ["SECRET"]
certificate_authority = "ca.pem"
media_sources = ["{HOST}/32"]
session_file = "session.json"
[[openai.route]]
sip_uri = "sip:proj_x@{openai};transport=tls"
api_base = "http://{api}/v1"
server_name = "localhost"
[guard]
on_static = []
hang_up_after = "never"
[limits]
max_calls = 10
drain = "2s"
[tap]
path = "captures"
[http]
listen = "{HOST}:0"
[admin]
listen = "{HOST}:0"
token_env = "ADMIN"
[records]
path = "calls.jsonl"
"#
    );
    let variable = |name: &str| match name {
        "KEY" => Some("key".to_owned()),
        "SECRET" => Some(SECRET.to_owned()),
        "ADMIN" => Some("token".to_owned()),
        _ => None,
    };
    let variable = &variable;
    let (config, problems) = config::read(&text, Surroundings { folder, variable });
    config.unwrap_or_else(|| panic!("{problems:?}"))
}
