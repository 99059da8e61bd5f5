//! `[[trunk]]`.

use squelch_media::Format;

use crate::config::section::Section;
use crate::config::values;
use squelch_call::Trunk;

pub(super) fn trunks(sections: Vec<Section<'_>>) -> Vec<Trunk> {
    let mut trunks: Vec<Trunk> = Vec::new();
    for section in sections {
        if let Some(trunk) = trunk(section, &trunks) {
            trunks.push(trunk);
        }
    }
    trunks
}

fn trunk(mut section: Section<'_>, before: &[Trunk]) -> Option<Trunk> {
    let name = section.required("name", "write name = \"carrier\"", values::text);
    let sources = section.list("sources", values::network);
    let media_sources = section.list("media_sources", values::network);
    let formats = section.list("formats", values::word(&FORMATS));
    section.only("srtp", "off", &["prefer", "require"]);
    let digest = "leave it out: the trunk is known by its sources";
    for key in ["username", "password_env", "password_file"] {
        section.unbuilt(key, digest);
    }
    section.unbuilt("session_expires", "leave it out");
    transfer(&mut section);
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
    let formats = formats.unwrap_or_else(|| vec![Format::Pcmu, Format::Pcma]);
    if formats.is_empty() {
        section.error("formats", "names no format", "write [\"pcmu\", \"pcma\"]");
    }
    if formats.iter().enumerate().any(|(at, format)| {
        let mut others = formats.iter().take(at);
        others.any(|other| other == format)
    }) {
        section.error("formats", "names a format twice", "keep one");
    }
    section.finish();
    Some(Trunk {
        name: name?,
        sources: sources?,
        media_sources: media_sources.unwrap_or_default(),
        formats,
        max_calls,
        max_calls_per_second,
    })
}

fn transfer(section: &mut Section<'_>) {
    section.value("transfer", |value| {
        use crate::config::problem::Wrong;
        match value.as_str() {
            Some("refuse") => Ok(()),
            Some(other) => Err(values::unknown_word(other, &["refuse"])),
            None if value.is_array() => Err(Wrong::new(
                "transfer to numbers is not built yet",
                "write transfer = \"refuse\"",
            )),
            None => Err(Wrong::new(
                format!("{} where text is due", value.type_str()),
                "write transfer = \"refuse\"",
            )),
        }
    });
}

const FORMATS: [(&str, Format); 2] = [("pcmu", Format::Pcmu), ("pcma", Format::Pcma)];
