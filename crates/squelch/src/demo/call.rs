//! The demo's call: everything started, one call held, everything stopped.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use squelch_sim::peer::carrier::CallPlan;
use squelch_sim::peer::openai::{OpenAiConfig, SimFault};
use squelch_sim::sound::Law;
use squelch_sip::{Protocol, Target, Uri};
use tokio::sync::mpsc;

use super::{application, voices};
use crate::config::{self, Config, Listen, Severity, Surroundings};
use crate::serve;
use crate::sim_io::{Call, Identity, OpenAiServer, OpenAiServerConfig, Seen, Tap, place_call};

/// What the call leaves behind.
#[derive(Debug)]
pub(super) struct Held {
    /// What the carrier saw.
    pub(super) carrier: Vec<Seen>,
    /// What the stand-in saw.
    pub(super) openai: Vec<Seen>,
    /// Where squelch listened for the carrier's SIP.
    pub(super) squelch: SocketAddr,
    /// Where the stand-in listened.
    pub(super) openai_sip: SocketAddr,
    /// The output format of the session after the update, as OpenAI tells it.
    pub(super) format_after: String,
    /// squelch's record of the call.
    pub(super) record: Value,
}

/// Holds the call; its record goes to `out`.
pub(super) async fn hold(fault: SimFault, out: &Path) -> Result<Held, String> {
    let folder = Folder::new()?;
    let identity = Identity::new(&["localhost"]).map_err(|error| error.to_string())?;
    folder.write("ca.pem", &identity.pem)?;
    folder.write("session.json", SESSION)?;
    let server = OpenAiServer::bind(OpenAiServerConfig {
        sip: Listen {
            protocol: Protocol::Tls,
            address: SocketAddr::new(HOST.into(), 0),
        },
        api: SocketAddr::new(HOST.into(), 0),
        identity,
    });
    let server = server.await.map_err(|error| error.to_string())?;
    let (openai_sip, api) = (server.sip(), server.api());
    let records = out.join("calls.jsonl");
    // One call, one record: not those of demos before.
    let _ = std::fs::remove_file(&records);
    let config = configuration(&folder.0, &records, openai_sip, api)?;
    let gateway = serve::start(config).await.map_err(|e| e.to_string())?;
    let sip = gateway.sip().iter().find(|l| l.protocol == Protocol::Udp);
    let squelch = sip.map(|listen| listen.address).ok_or("no SIP address")?;
    let http = gateway.http().ok_or("no address for webhooks")?;

    let (openai_tap, openai_seen) = Tap::new();
    let (carrier_tap, carrier_seen) = Tap::new();
    let configure = |endpoint| {
        let mut config = OpenAiConfig::new(endpoint, HOST.into(), voices::assistant());
        config.webhook_url = Some(format!("http://{http}/webhooks/openai"));
        config.webhook_secret = WEBHOOK_SECRET.into();
        config.api_key = API_KEY.into();
        config.misreading = fault;
        config
    };
    let openai = server.run(configure, openai_tap);
    let openai = openai.map_err(|error| error.to_string())?;
    let carrier = tokio::spawn(place_call(
        Call {
            address: HOST.into(),
            trust: config::Authorities::Public,
            shown: None,
            plan: plan(squelch)?,
            at_most: CALL + SETUP,
        },
        carrier_tap,
    ));
    let application = async {
        let up = tokio::time::timeout(SETUP, openai.answered()).await;
        let Ok(Some(id)) = up else {
            return Err("the call was not answered".to_owned());
        };
        tokio::time::sleep(CLOBBER).await;
        application::clobber(api, API_KEY, &id).await
    };
    let format_after = application.await;
    let ended = carrier.await.map_err(|error| error.to_string())?;
    gateway.stop().await;
    drop(openai);
    ended.map_err(|error| error.to_string())?;
    Ok(Held {
        carrier: drained(carrier_seen),
        openai: drained(openai_seen),
        squelch,
        openai_sip,
        format_after: format_after?,
        record: record(&records)?,
    })
}

/// The true configuration, as a file would say it.
fn configuration(
    folder: &Path,
    records: &Path,
    openai_sip: SocketAddr,
    api: SocketAddr,
) -> Result<Config, String> {
    let records = records
        .canonicalize()
        .or_else(|_| std::path::absolute(records));
    let records = records.map_err(|error| error.to_string())?;
    let records = Value::String(records.to_string_lossy().into_owned());
    let text = format!(
        r#"
[sip]
listen = ["udp:{HOST}:0"]
[media]
ports = "20000-29999"
workers = 1
[[trunk]]
name = "carrier"
sources = ["{HOST}/32"]
media_sources = ["{HOST}/32"]
formats = ["pcmu", "pcma"]
[openai]
api_key_env = "API_KEY"
webhook_secret_envs = ["WEBHOOK_SECRET"]
certificate_authority = "ca.pem"
media_sources = ["{HOST}/32"]
# The capture is there to be listened to.
srtp = "off"
session_file = "session.json"
[[openai.route]]
sip_uri = "sip:proj_demo@{openai_sip};transport=tls"
api_base = "http://{api}/v1"
server_name = "localhost"
[guard]
action = "protect"
on_static = []
hang_up_after = "never"
hold = "0ms"
[limits]
drain = "2s"
max_calls = 1
[http]
listen = "{HOST}:0"
[records]
path = {records}
"#
    );
    let variable = |name: &str| match name {
        "API_KEY" => Some(API_KEY.to_owned()),
        "WEBHOOK_SECRET" => Some(WEBHOOK_SECRET.to_owned()),
        _ => None,
    };
    let around = Surroundings {
        folder,
        variable: &variable,
    };
    let (config, problems) = config::read(&text, around);
    config.ok_or_else(|| {
        let error = problems.iter().find(|p| p.severity == Severity::Error);
        error.map_or_else(String::new, ToString::to_string)
    })
}

fn plan(squelch: SocketAddr) -> Result<CallPlan, String> {
    let uri = |text: String| Uri::parse(&text).map_err(|error| error.to_string());
    Ok(CallPlan {
        to: uri(format!("sip:+15559870000@{squelch}"))?,
        from: uri("sip:+15551234567@carrier.example".into())?,
        target: Target {
            protocol: Protocol::Udp,
            addr: squelch,
            server_name: None,
        },
        media_address: HOST.into(),
        laws: vec![Law::Mu, Law::A],
        linear: false,
        srtp: Vec::new(),
        wrong_key: false,
        first_sequence: None,
        script: voices::caller(),
        hang_up_after: Some(CALL),
        cancel_after: None,
    })
}

/// All that waits in the queue.
fn drained(mut seen: mpsc::Receiver<Seen>) -> Vec<Seen> {
    std::iter::from_fn(|| seen.try_recv().ok()).collect()
}

fn record(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("no call record in {}: {error}", path.display()))?;
    let line = text.lines().next_back().unwrap_or_default();
    serde_json::from_str(line).map_err(|error| format!("a broken call record: {error}"))
}

/// A folder for what the configuration points at; it is gone with the call.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, String> {
        let path = std::env::temp_dir().join(format!("squelch-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .map_err(|error| format!("can't make {}: {error}", path.display()))?;
        Ok(Folder(path))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.0.join(name);
        std::fs::write(&path, text)
            .map_err(|error| format!("can't write {}: {error}", path.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is a certificate of a server that is gone.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;
const API_KEY: &str = "sk-demo";
/// base64 of 32 bytes that are no secret.
const WEBHOOK_SECRET: &str = "whsec_ZGVtbyBkZW1vIGRlbW8gZGVtbyBkZW1vIGRlbW8gISE=";
/// A session as applications send it to accept: nothing of audio formats, no tools yet.
const SESSION: &str = r#"{"type":"realtime","model":"gpt-realtime","instructions":"Greet the caller and take the order.","audio":{"output":{"voice":"alloy"}}}"#;
/// From the answer to the application's update.
const CLOBBER: Duration = Duration::from_secs(3);
/// From the answer to the caller's BYE.
const CALL: Duration = Duration::from_secs(9);
/// From the INVITE to the answer at most.
const SETUP: Duration = Duration::from_secs(5);
/// What it takes in all: the call, and until the gateway's last transaction is done.
pub(super) const EXPECTED: Duration = Duration::from_millis(11_400);
