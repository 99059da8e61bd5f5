//! `[tap]`.

use std::time::Duration;

use crate::config::files::Surroundings;
use crate::config::model::Tap;
use crate::config::problem::Wrong;
use crate::config::section::Section;
use crate::config::values::{self, Parsed};
use toml::de::DeValue;

pub(super) fn tap(mut section: Section<'_>, around: Surroundings<'_>) -> Option<Tap> {
    if !section.is_there() {
        return None;
    }
    let mend = "write path = \"captures\", a folder of their own";
    let path = section.required("path", mend, values::text);
    let ring = section.value_or("ring", RING, ring);
    let max_bytes = section.value_or("max_bytes", MAX_BYTES, values::bytes(LEAST_BYTES));
    section.finish();
    Some(Tap {
        path: around.path(&path?),
        ring,
        max_bytes,
    })
}

fn ring(value: &DeValue<'_>) -> Parsed<Duration> {
    match values::duration(value)? {
        ring if ring <= LONGEST_RING => Ok(ring),
        _ => Err(Wrong::new(
            "is longer than a minute, and each call keeps so much in memory",
            "write \"10s\"; record = true in a [[trunk]] keeps whole calls",
        )),
    }
}

const RING: Duration = Duration::from_secs(10);
/// 2.6 MB of memory a call.
const LONGEST_RING: Duration = Duration::from_secs(60);
const MAX_BYTES: u64 = 1_000_000_000;
/// Two captures of the longest ring, with their sounds.
const LEAST_BYTES: u64 = 20_000_000;
