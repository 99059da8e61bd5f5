//! `[openai]` and `[[openai.route]]`.

use std::time::Duration;

use ipnet::IpNet;
use squelch_sip::{Protocol, Uri};

use super::digest::credentials;
use super::formats::formats;
use super::trunk::SRTP;
use crate::config::files::{Surroundings, named, secret};
use crate::config::model::{Authorities, ShownCertificate};
use crate::config::problem::Wrong;
use crate::config::section::Section;
use crate::config::values::{self, text};
use squelch_call::control::session_guard::{self, Context, Finding, Judgement, Message, Weight};
use squelch_call::{AtExpiry, AudioFormatPolicy, OpenAi, Route, Srtp};

/// `[openai]` as it was read.
pub(super) struct OpenAiSection {
    pub(super) settings: OpenAi,
    pub(super) authorities: Authorities,
    pub(super) client_certificate: Option<ShownCertificate>,
}

pub(super) fn openai(mut section: Section<'_>, around: Surroundings<'_>) -> OpenAiSection {
    let api_key = secret(&mut section, "api_key_env", "api_key_file", around);
    if !section.has("api_key_env") && !section.has("api_key_file") {
        let mend = "write api_key_env = \"OPENAI_API_KEY\" in [openai], or api_key_file";
        section.missing("api_key_env", mend);
    }
    let secrets = section.list("webhook_secret_envs", |v| around.secret(&text(v)?));
    match &secrets {
        Some(list) if list.is_empty() => {
            let mend = "name the variable that holds the webhook's secret";
            section.error("webhook_secret_envs", "names no variable", mend);
        }
        None if !section.has("webhook_secret_envs") => {
            let mend = "write webhook_secret_envs = [\"OPENAI_WEBHOOK_SECRET\"]";
            section.missing("webhook_secret_envs", mend);
        }
        _ => {}
    }
    let authority = named(&mut section, "certificate_authority", |f| {
        around.certificates(f)
    });
    let shown = client_certificate(&mut section, around);
    let probe = section.value_or("probe", Some(PROBE), probe_interval);
    let is_probe_said = section.has("probe");
    let media_sources = section.list("media_sources", values::network);
    let formats = formats(&mut section);
    if !formats.iter().any(|format| format.is_g711()) {
        let message = "names no G.711, and OpenAI's SIP is known to take nothing else";
        section.warning("formats", message, "add \"pcmu\"");
    }
    let srtp = section.value_or("srtp", Srtp::Prefer, values::word(&SRTP));
    let audio_format = section.value_or(
        "audio_format",
        AudioFormatPolicy::Omit,
        values::word(&AUDIO_FORMATS),
    );
    let at_expiry = section.value_or("at_expiry", AtExpiry::Warn, values::word(&AT_EXPIRY));
    let session = named(&mut section, "session_file", |f| around.session(f));
    if let Some(session) = &session {
        check_session(&section, session, audio_format);
    }
    let webhook_forward = section.value("webhook_forward", webhook_url);
    match (section.has("session_file"), section.has("webhook_forward")) {
        (false, false) => {
            let mend = "write session_file = \"session.json\", the session that calls are accepted with, or \
                        webhook_forward, where the application is told of calls";
            section.missing("session_file", mend);
        }
        (true, true) => {
            let message = "beside session_file: squelch and the application would both accept";
            section.error("webhook_forward", message, "keep one of the two");
        }
        _ => {}
    }
    let sections = section.sections("route");
    if sections.is_empty() && !section.has("route") {
        let mend = "add [[openai.route]] with sip_uri and api_base";
        section.missing("route", mend);
    }
    let routes: Vec<Route> = sections
        .into_iter()
        .filter_map(|section| route(section, srtp, around))
        .collect();
    // One route alone is taken whatever probes say of it.
    let probe = probe.filter(|_| is_probe_said || routes.len() > 1);
    section.finish();
    let settings = OpenAi {
        routes,
        probe,
        api_key,
        webhook_secrets: secrets.unwrap_or_default(),
        media_sources: media_sources.unwrap_or_else(published),
        formats,
        srtp,
        audio_format,
        at_expiry,
        webhook_forward,
        session,
    };
    let authorities = match authority {
        Some(chain) => Authorities::Configured(chain.into()),
        None => Authorities::Public,
    };
    OpenAiSection {
        settings,
        authorities,
        client_certificate: shown,
    }
}

/// Says what OpenAI would refuse of the session that squelch sends by the policy.
fn check_session(section: &Section<'_>, session: &serde_json::Value, policy: AudioFormatPolicy) {
    let context = Context {
        policy,
        negotiated: None,
    };
    let findings = match session_guard::judge_session(session, Message::Accept, context) {
        Judgement::Pass { doubts } | Judgement::Rewrite { doubts, .. } => doubts,
        Judgement::Refuse(findings) => findings,
    };
    for Finding {
        weight,
        path,
        problem,
        mend,
        ..
    } in findings
    {
        let said = match path {
            Some(path) => format!("{path}: {problem}"),
            None => problem,
        };
        match weight {
            Weight::Refused => section.error("session_file", said, mend),
            Weight::Doubtful => section.warning("session_file", said, mend),
        }
    }
}

/// What is shown to peers that ask: a certificate and its key, or neither.
fn client_certificate(
    section: &mut Section<'_>,
    around: Surroundings<'_>,
) -> Option<ShownCertificate> {
    let (certificate, key) = ("client_certificate", "client_key");
    let chain = named(section, certificate, |f| around.certificates(f));
    let private = named(section, key, |f| around.private_key(f));
    for (there, missing) in [(certificate, key), (key, certificate)] {
        if section.has(there) && !section.has(missing) {
            let message = format!("missing, and {there} is nothing without it");
            section.error(missing, message, "name the PEM file");
        }
    }
    let shown = ShownCertificate {
        chain: chain?,
        key: private?,
    };
    if let Err(error) = crate::signaling_io::tls::client(&Authorities::Public, Some(&shown)) {
        let mend = "name the certificate and the key that belong together";
        section.error(certificate, error.to_string(), mend);
    }
    Some(shown)
}

/// `"never"`, or not so often that probes are a load.
fn probe_interval(value: &toml::de::DeValue<'_>) -> values::Parsed<Option<Duration>> {
    match values::duration_or_never(value)? {
        Some(interval) if interval < LEAST_PROBE => Err(Wrong::new(
            "is too often for whoever answers",
            "write \"5s\" or more, or \"never\"",
        )),
        interval => Ok(interval),
    }
}

fn route(mut section: Section<'_>, srtp: Srtp, around: Surroundings<'_>) -> Option<Route> {
    let mend = "write sip_uri = \"sip:PROJECT@sip.api.openai.com;transport=tls\"";
    let uri = section.required("sip_uri", mend, sip_uri);
    let mend = "write api_base = \"https://api.openai.com/v1\"";
    let api_base = section.required("api_base", mend, api_base);
    let server_name = section.value("server_name", values::host);
    let credentials = credentials(&mut section, None, around);
    if let Some((_, protocol)) = &uri
        && *protocol != Protocol::Tls
    {
        let mend = "write ;transport=tls except in tests";
        if srtp == Srtp::Require {
            let message = format!("goes over {protocol}, and keys of srtp = \"require\" do not");
            section.error("sip_uri", message, mend);
        } else {
            let message =
                format!("calls go to OpenAI over {protocol}, readable by anyone on the way");
            section.warning("sip_uri", message, mend);
        }
    }
    if let Some(base) = &api_base
        && base.starts_with("http:")
    {
        let message = "the API key goes over the network in the clear";
        section.warning("api_base", message, "write https except in tests");
    }
    section.finish();
    Some(Route {
        sip_uri: uri?.0,
        api_base: api_base?,
        server_name,
        credentials,
    })
}

fn sip_uri(value: &toml::de::DeValue<'_>) -> values::Parsed<(String, Protocol)> {
    let text = text(value)?;
    let mend = "write such as \"sip:proj_example@sip.api.openai.com;transport=tls\"";
    let uri = Uri::parse(&text)
        .map_err(|error| Wrong::new(format!("{text:?} is no SIP URI: {error}"), mend))?;
    if !uri.is_sip() || uri.host().is_none() {
        return Err(Wrong::new(format!("{text:?} is no SIP URI"), mend));
    }
    let protocol = match uri
        .param("transport")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("tls") => Protocol::Tls,
        Some("tcp") if uri.scheme() != "sips" => Protocol::Tcp,
        Some("udp") if uri.scheme() != "sips" => Protocol::Udp,
        None if uri.scheme() == "sips" => Protocol::Tls,
        Some(other) => {
            let message = format!("{other:?} is no transport for this URI");
            return Err(Wrong::new(message, "write ;transport=tls"));
        }
        // RFC 3263 would take UDP, which is never meant here.
        None => return Err(Wrong::new("names no transport", "add ;transport=tls")),
    };
    Ok((text, protocol))
}

fn api_base(value: &toml::de::DeValue<'_>) -> values::Parsed<String> {
    let mend = "write such as \"https://api.openai.com/v1\"";
    let text = web_address(value, mend)?;
    if text.contains(['?', '#']) {
        return Err(Wrong::new(
            format!("{text:?} has more after the path"),
            mend,
        ));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn webhook_url(value: &toml::de::DeValue<'_>) -> values::Parsed<String> {
    web_address(value, "write such as \"https://app.example/webhook\"")
}

fn web_address(value: &toml::de::DeValue<'_>, mend: &'static str) -> values::Parsed<String> {
    let text = text(value)?;
    let wrong = |message: String| Wrong::new(message, mend);
    let url = reqwest::Url::parse(&text)
        .map_err(|error| wrong(format!("{text:?} is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong(format!("{text:?} is no web address")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // The text may hold a secret: it is not repeated.
        return Err(wrong("has a user name or password in it".into()));
    }
    Ok(text)
}

/// The networks that OpenAI sends media from, as its SIP guide lists them.
fn published() -> Vec<IpNet> {
    PUBLISHED
        .iter()
        .filter_map(|net| net.parse().ok())
        .collect()
}

/// A dead route is known within a minute of calls that go elsewhere.
const PROBE: Duration = Duration::from_secs(30);
const LEAST_PROBE: Duration = Duration::from_secs(5);
const PUBLISHED: [&str; 4] = [
    "13.79.45.80/28",
    "23.98.140.64/28",
    "40.67.149.176/28",
    "40.83.204.240/28",
];
const AT_EXPIRY: [(&str, AtExpiry); 3] = [
    ("warn", AtExpiry::Warn),
    ("redial", AtExpiry::Redial),
    ("end", AtExpiry::End),
];
const AUDIO_FORMATS: [(&str, AudioFormatPolicy); 3] = [
    ("omit", AudioFormatPolicy::Omit),
    ("pin", AudioFormatPolicy::Pin),
    ("pass", AudioFormatPolicy::Pass),
];
