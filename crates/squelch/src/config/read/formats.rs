//! `formats`, of trunks and of `[openai]`.

use crate::config::problem::Wrong;
use crate::config::section::Section;
use crate::config::values::{self, text};
use squelch_media::Format;

/// Reads the list, in order of preference; G.711 where there is none.
pub(super) fn formats(section: &mut Section<'_>) -> Vec<Format> {
    let formats = section.list("formats", format);
    let formats = formats.unwrap_or_else(|| vec![Format::Pcmu, Format::Pcma]);
    if formats.is_empty() {
        section.error(KEY, "names no format", "write [\"pcmu\", \"pcma\"]");
    }
    if formats.iter().enumerate().any(|(at, format)| {
        let mut others = formats.iter().take(at);
        others.any(|other| other == format)
    }) {
        section.error(KEY, "names a format twice", "keep one");
    }
    formats
}

fn format(value: &toml::de::DeValue<'_>) -> values::Parsed<Format> {
    let named = text(value)?;
    let found = Format::ALL
        .into_iter()
        .find(|format| format.name() == named);
    match found {
        Some(format) if format.is_built_in() => Ok(format),
        Some(format) => Err(Wrong::new(
            format!("{:?} is not built in", format.name()),
            "build with --features opus, or leave it out",
        )),
        None => Err(values::unknown_word(&named, &Format::ALL.map(Format::name))),
    }
}

const KEY: &str = "formats";
