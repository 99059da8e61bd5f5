//! A whole call over IPv6 on the machine's own `[::1]`: a carrier calls by UDP, TCP and TLS, the
//! stand-in for OpenAI is called by the same, RTP flows, and every address in every message has its
//! brackets or does without where it must. Over TLS the carrier shows a certificate, because it is
//! asked for one.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use squelch::config::{self, Authorities, Listen, ShownCertificate, Surroundings};
use squelch::serve;
use squelch::sim_io::{
    Call, CarrierError, Identity, OpenAiServer, OpenAiServerConfig, Seen, Tap, place_call,
};
use squelch_pcap::Reader;
use squelch_pcap::replay::{Choice, schedule};
use squelch_sim::peer::carrier::{CallPlan, Script};
use squelch_sim::peer::openai::{OpenAiConfig, Speech};
use squelch_sim::sound::Law;
use squelch_sip::{Protocol, Target, Uri};

const HOST: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
const SECRET: &str = "whsec_ZGVtbyBkZW1vIGRlbW8gZGVtbyBkZW1vIGRlbW8gISE=";
const VOICE: &[u8] = include_bytes!("../../../pcap-samples/clean-pcmu.pcap");

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_udp() {
    holds(Protocol::Udp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_tcp() {
    holds(Protocol::Tcp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_tls_with_certificates_on_both_sides() {
    holds(Protocol::Tls).await;
}

async fn holds(protocol: Protocol) {
    let folder = tempfile::tempdir().expect("a folder");
    let identity = Identity::new(&["localhost"]).expect("made");
    let own = certificate(folder.path(), "squelch");
    let trust = Authorities::Configured(own.chain.clone().into());
    let shown = certificate(folder.path(), "carrier");
    std::fs::write(folder.path().join("ca.pem"), &identity.pem).expect("written");
    std::fs::write(folder.path().join("session.json"), r#"{"type":"realtime"}"#).expect("written");
    let server = OpenAiServer::bind(OpenAiServerConfig {
        sip: Listen {
            protocol,
            address: SocketAddr::new(HOST, 0),
        },
        api: SocketAddr::new(HOST, 0),
        identity,
    });
    let server = server.await.expect("bound");
    let config = configuration(folder.path(), protocol, server.sip(), server.api());
    let gateway = serve::start(config).await.expect("started");
    let squelch = gateway.sip()[0].address;
    let http = gateway.http().expect("an address for webhooks");
    let (openai_tap, mut openai_seen) = Tap::new();
    let (carrier_tap, mut carrier_seen) = Tap::new();
    let configure = |endpoint| {
        let mut config = OpenAiConfig::new(endpoint, HOST, Speech::from_8k(vec![1_000; 8_000]));
        config.webhook_url = Some(format!("http://{http}/webhooks/openai"));
        config.webhook_secret = SECRET.into();
        config.api_key = "key".into();
        config
    };
    let openai = server.run(configure, openai_tap).expect("runs");
    let placed = place(squelch, protocol, trust, Some(shown), carrier_tap).await;
    placed.expect("a call that ends");
    gateway.stop().await;
    drop(openai);

    let record = std::fs::read_to_string(folder.path().join("calls.jsonl")).expect("a record");
    let record: serde_json::Value = serde_json::from_str(&record).expect("one line");
    assert_eq!(record["reason"], "carrier_hangup", "{record}");
    let carrier: Vec<Seen> = std::iter::from_fn(|| carrier_seen.try_recv().ok()).collect();
    let openai: Vec<Seen> = std::iter::from_fn(|| openai_seen.try_recv().ok()).collect();
    for (who, seen) in [("carrier", &carrier), ("OpenAI", &openai)] {
        let heard = seen.iter().filter(|s| matches!(s, Seen::RtpReceived(_)));
        assert!(heard.count() > 50, "{who} hears nothing");
        brackets_are_right(who, seen);
    }
}

/// RFC 3261 section 25.1 writes an IPv6 address in brackets, RFC 8866 section 5.7 without.
fn brackets_are_right(who: &str, seen: &[Seen]) {
    let mut vias = 0;
    for message in seen {
        let Seen::Sip(message) = message else {
            continue;
        };
        let text = String::from_utf8_lossy(&message.bytes);
        for line in text.lines() {
            let name = line.split(':').next().unwrap_or_default();
            let holds = match name {
                "Via" | "Contact" => line.contains("[::1]:"),
                // "c=IN ..." and "o=..." have no colon before the address.
                _ if line.starts_with("c=") || line.starts_with("o=") => {
                    line.ends_with("IN IP6 ::1")
                }
                _ => !line.contains("::1") || line.contains("[::1]"),
            };
            assert!(holds, "{who}: {line}");
            vias += usize::from(name == "Via");
            // RFC 3581: where it came from, without brackets (RFC 5118 section 4.5).
            assert!(!line.contains("received=["), "{who}: {line}");
        }
    }
    assert!(vias > 4, "{who} has seen no call");
}

async fn place(
    squelch: SocketAddr,
    protocol: Protocol,
    trust: Authorities,
    shown: Option<ShownCertificate>,
    tap: Tap,
) -> Result<(), CarrierError> {
    let packets = Reader::new(VOICE).expect("a capture").map_while(Result::ok);
    let voice = schedule(packets, Choice::Longest).expect("a stream");
    let uri = |text: String| Uri::parse(&text).expect("a URI");
    let plan = CallPlan {
        to: uri(format!("sip:+15559870000@{squelch}")),
        from: uri("sip:+15551234567@carrier.example".into()),
        target: Target {
            protocol,
            addr: squelch,
            server_name: (protocol == Protocol::Tls).then(|| "localhost".into()),
        },
        media_address: HOST,
        laws: vec![Law::Mu],
        linear: false,
        srtp: Vec::new(),
        wrong_key: false,
        first_sequence: None,
        script: Script::from_capture(&voice),
        hang_up_after: Some(Duration::from_secs(3)),
        cancel_after: None,
    };
    let call = Call {
        address: HOST,
        trust,
        shown,
        plan,
        at_most: Duration::from_secs(30),
    };
    place_call(call, tap).await.map(|_| ())
}

/// A certificate for `localhost` that vouches for itself, with its files `NAME.pem` and `NAME.key`.
fn certificate(folder: &Path, name: &str) -> ShownCertificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let key = made.signing_key.serialize_pem();
    std::fs::write(folder.join(format!("{name}.pem")), made.cert.pem()).expect("written");
    std::fs::write(folder.join(format!("{name}.key")), key).expect("written");
    ShownCertificate {
        chain: vec![made.cert.der().clone()],
        key: PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key"),
    }
}

fn configuration(
    folder: &Path,
    protocol: Protocol,
    openai: SocketAddr,
    api: SocketAddr,
) -> config::Config {
    let tls = match protocol {
        Protocol::Tls => {
            "certificate = \"squelch.pem\"\nkey = \"squelch.key\"\nclient_authority = \"carrier.pem\""
        }
        _ => "",
    };
    let first_port = 23_000 + 100 * (protocol as u16);
    let text = format!(
        r#"
[sip]
listen = ["{protocol}:[::1]:0"]
{tls}
[media]
ports = "{first_port}-{}"
workers = 1
[[trunk]]
name = "carrier"
sources = ["::1/128"]
media_sources = ["::1/128"]
[openai]
api_key_env = "KEY"
webhook_secret_envs = ["SECRET"]
certificate_authority = "ca.pem"
media_sources = ["::1/128"]
session_file = "session.json"
[[openai.route]]
sip_uri = "sip:proj_x@{openai};transport={protocol}"
api_base = "http://{api}/v1"
server_name = "localhost"
[guard]
on_static = ["hang_up"]
[limits]
max_calls = 10
drain = "2s"
[http]
listen = "[::1]:0"
[records]
path = "calls.jsonl"
"#,
        first_port + 98
    );
    let variable = |name: &str| match name {
        "KEY" => Some("key".to_owned()),
        "SECRET" => Some(SECRET.to_owned()),
        _ => None,
    };
    let variable = &variable;
    let (config, problems) = config::read(&text, Surroundings { folder, variable });
    config.unwrap_or_else(|| panic!("{problems:?}"))
}
