//! `[openai]` and `[[openai.route]]`.

use ipnet::IpNet;
use squelch_sip::{Protocol, Uri};

use super::digest::credentials;
use crate::config::files::{Surroundings, named, secret};
use crate::config::model::Authorities;
use crate::config::problem::Wrong;
use crate::config::section::Section;
use crate::config::values::{self, text};
use squelch_call::{AudioFormatPolicy, OpenAi, Route};

pub(super) fn openai(mut section: Section<'_>, around: Surroundings<'_>) -> (OpenAi, Authorities) {
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
    let media_sources = section.list("media_sources", values::network);
    section.only("srtp", "off", &["prefer", "require"]);
    let audio_format = section.value_or(
        "audio_format",
        AudioFormatPolicy::Omit,
        values::word(&AUDIO_FORMATS),
    );
    section.only("at_expiry", "warn", &["redial", "end"]);
    let session = named(&mut section, "session_file", |f| around.session(f));
    section.unbuilt(
        "webhook_forward",
        "let squelch accept calls itself: session_file",
    );
    if !section.has("session_file") {
        let mend =
            "write session_file = \"session.json\", the session that calls are accepted with";
        section.missing("session_file", mend);
    }
    let sections = section.sections("route");
    if sections.is_empty() && !section.has("route") {
        let mend = "add [[openai.route]] with sip_uri and api_base";
        section.missing("route", mend);
    }
    let routes = sections
        .into_iter()
        .filter_map(|section| route(section, around))
        .collect();
    section.finish();
    let openai = OpenAi {
        routes,
        api_key,
        webhook_secrets: secrets.unwrap_or_default(),
        media_sources: media_sources.unwrap_or_else(published),
        audio_format,
        session,
    };
    let authorities = match authority {
        Some(chain) => Authorities::Configured(chain.into()),
        None => Authorities::Public,
    };
    (openai, authorities)
}

fn route(mut section: Section<'_>, around: Surroundings<'_>) -> Option<Route> {
    let mend = "write sip_uri = \"sip:PROJECT@sip.api.openai.com;transport=tls\"";
    let uri = section.required("sip_uri", mend, sip_uri);
    let mend = "write api_base = \"https://api.openai.com/v1\"";
    let api_base = section.required("api_base", mend, api_base);
    let server_name = section.value("server_name", values::host);
    let credentials = credentials(&mut section, None, around);
    if let Some((_, protocol)) = &uri
        && *protocol != Protocol::Tls
    {
        let message = format!("calls go to OpenAI over {protocol}, readable by anyone on the way");
        section.warning("sip_uri", message, "write ;transport=tls except in tests");
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
    let text = text(value)?;
    let mend = "write such as \"https://api.openai.com/v1\"";
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
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(format!("{text:?} has more after the path")));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The networks that OpenAI sends media from, as its SIP guide lists them.
fn published() -> Vec<IpNet> {
    PUBLISHED
        .iter()
        .filter_map(|net| net.parse().ok())
        .collect()
}

const PUBLISHED: [&str; 4] = [
    "13.79.45.80/28",
    "23.98.140.64/28",
    "40.67.149.176/28",
    "40.83.204.240/28",
];
const AUDIO_FORMATS: [(&str, AudioFormatPolicy); 3] = [
    ("omit", AudioFormatPolicy::Omit),
    ("pin", AudioFormatPolicy::Pin),
    ("pass", AudioFormatPolicy::Pass),
];
