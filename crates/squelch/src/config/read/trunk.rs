//! `[[trunk]]`.

use std::time::Duration;

use toml::de::DeValue;

use super::digest::credentials;
use super::formats::formats;
use crate::config::files::Surroundings;
use crate::config::problem::Wrong;
use crate::config::section::Section;
use crate::config::values::{self, Parsed};
use squelch_call::{NumberPattern, Srtp, Transfer, Trunk, TrunkDigest};
use squelch_sip::digest::Algorithm;

pub(super) fn trunks(
    sections: Vec<Section<'_>>,
    listens_by_tls: bool,
    taps: bool,
    around: Surroundings<'_>,
) -> Vec<Trunk> {
    let mut trunks: Vec<Trunk> = Vec::new();
    for section in sections {
        if let Some(trunk) = trunk(section, &trunks, listens_by_tls, taps, around) {
            trunks.push(trunk);
        }
    }
    trunks
}

fn trunk(
    mut section: Section<'_>,
    before: &[Trunk],
    listens_by_tls: bool,
    taps: bool,
    around: Surroundings<'_>,
) -> Option<Trunk> {
    let name = section.required("name", "write name = \"carrier\"", values::text);
    let sources = section.list("sources", values::network);
    let media_sources = section.list("media_sources", values::network);
    let formats = formats(&mut section);
    let srtp = section.value_or("srtp", Srtp::Prefer, values::word(&SRTP));
    if srtp == Srtp::Require && !listens_by_tls {
        let message = "takes keys over TLS alone, and no address of [sip] listen is \"tls:\"";
        section.error("srtp", message, "add \"tls:0.0.0.0:5061\" to listen");
    }
    let digest = trunk_digest(&mut section, around);
    let session_expires = section.value("session_expires", session_expires);
    let transfer = transfer(&mut section);
    let record = section.value_or("record", false, values::flag);
    if record && !taps {
        let mend = "add [tap] with path = \"captures\", where recordings go";
        section.error("record", "has nowhere to write: there is no [tap]", mend);
    }
    let max_calls = section.value("max_calls", values::number(1, u32::MAX));
    let max_calls_per_second = section.value("max_calls_per_second", values::number(1, u32::MAX));

    if let Some(name) = &name
        && before.iter().any(|other| other.name == *name)
    {
        let message = format!("{name:?} is the name of two trunks");
        section.error("name", message, "give each its own");
    }
    match &sources {
        Some(sources) if sources.is_empty() => {
            let mend = "name the carrier's networks";
            section.error("sources", "names no network", mend);
        }
        Some(sources) => {
            for source in sources {
                let theirs = before.iter().find(|other| {
                    let mut nets = other.sources.iter();
                    nets.any(|net| net.contains(source) || source.contains(net))
                });
                if let Some(other) = theirs {
                    let message = format!("{source} is in trunk {:?} too", other.name);
                    section.error("sources", message, "a source belongs to one trunk");
                }
                if source.prefix_len() == 0 {
                    let message = format!("{source} lets anyone call");
                    section.warning("sources", message, "name the carrier's networks");
                }
            }
        }
        None if !section.has("sources") => {
            let mend = "write sources = [\"198.51.100.0/24\"], the networks its SIP comes from";
            section.missing("sources", mend);
        }
        None => {}
    }
    section.finish();
    Some(Trunk {
        name: name?,
        sources: sources?,
        media_sources: media_sources.unwrap_or_default(),
        formats,
        srtp,
        session_expires,
        max_calls,
        max_calls_per_second,
        transfer,
        record,
        digest,
    })
}

/// What is asked of the trunk.
fn trunk_digest(section: &mut Section<'_>, around: Surroundings<'_>) -> Option<TrunkDigest> {
    let credentials = credentials(section, Some(REALM), around);
    let algorithms = section.list("digest", values::word(&ALGORITHMS));
    if section.has("digest") && !section.has("username") {
        let message = "asks the trunk for a password that is not given";
        section.error("digest", message, "add username and password_env");
    }
    if algorithms.as_ref().is_some_and(Vec::is_empty) {
        let mend = "write [\"sha-256\"]";
        section.error("digest", "names no algorithm", mend);
    }
    let algorithms = algorithms.unwrap_or_else(|| vec![Algorithm::Sha256]);
    if algorithms.contains(&Algorithm::Md5) {
        let message = "takes MD5, which is broken as a hash";
        section.warning(
            "digest",
            message,
            "name it only for a carrier that knows nothing better",
        );
    }
    Some(TrunkDigest {
        credentials: credentials?,
        algorithms,
    })
}

/// RFC 4028 section 5: 90 s at least.
fn session_expires(value: &DeValue<'_>) -> Parsed<Duration> {
    match values::time(value)? {
        interval if interval >= Duration::from_secs(90) => Ok(interval),
        _ => Err(Wrong::new(
            "is shorter than a session may be",
            "write \"90s\" or more; \"1800s\" is usual",
        )),
    }
}

/// `"refuse"`, or the numbers that may be dialled.
fn transfer(section: &mut Section<'_>) -> Transfer {
    let item = section.item("transfer");
    let Some(item) = item.filter(|item| item.value.is_array()) else {
        section.value("transfer", refuse);
        return Transfer::Refuse;
    };
    let patterns = section.list("transfer", number_pattern).unwrap_or_default();
    if item.value.as_array().is_some_and(|list| list.is_empty()) {
        let mend = "write transfer = \"refuse\"";
        section.error("transfer", "names no number", mend);
    }
    if patterns.iter().any(NumberPattern::is_anything) {
        let message = "lets the model have every number of the world dialled";
        let mend = "name the numbers that it may dial";
        section.warning("transfer", message, mend);
    }
    Transfer::Numbers(patterns)
}

fn refuse(value: &DeValue<'_>) -> Parsed<()> {
    let mend = "write \"refuse\" or a list of numbers such as [\"+1415*\"]";
    match value.as_str() {
        Some("refuse") => Ok(()),
        Some(other) => Err(Wrong::new(format!("{other:?} is unknown"), mend)),
        None => Err(Wrong::new(
            format!("{} where text or a list is due", value.type_str()),
            mend,
        )),
    }
}

fn number_pattern(value: &DeValue<'_>) -> Parsed<NumberPattern> {
    let text = values::text(value)?;
    text.parse().map_err(|_| {
        Wrong::new(
            format!("{text:?} is neither a number nor the beginning of one"),
            "write such as \"+14155550100\" or \"+1415*\"",
        )
    })
}

/// What our challenges name where the trunk names nothing.
const REALM: &str = "squelch";
const ALGORITHMS: [(&str, Algorithm); 3] = [
    ("sha-512-256", Algorithm::Sha512_256),
    ("sha-256", Algorithm::Sha256),
    ("md5", Algorithm::Md5),
];
/// `srtp`, of trunks and of `[openai]`.
pub(super) const SRTP: [(&str, Srtp); 3] = [
    ("off", Srtp::Off),
    ("prefer", Srtp::Prefer),
    ("require", Srtp::Require),
];
