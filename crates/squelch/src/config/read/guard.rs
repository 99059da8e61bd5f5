//! `[guard]` and `[limits]`.

use std::time::Duration;

use squelch_media::{GuardAction, MAX_HOLD};

use crate::config::problem::Wrong;
use crate::config::section::Section;
use crate::config::values;
use squelch_call::{Guard, Limits, OnStatic};

pub(super) fn guard(mut section: Section<'_>) -> Guard {
    let action = section.value_or("action", GuardAction::Protect, values::word(&ACTIONS));
    let on_static = section.list("on_static", |value| match values::text(value)?.as_str() {
        "mend" => Ok(OnStatic::Mend),
        "hang_up" => Ok(OnStatic::HangUp),
        "redial" => Ok(OnStatic::Redial),
        other => Err(values::unknown_word(other, &["mend", "redial", "hang_up"])),
    });
    let hang_up_after = section.value_or(
        "hang_up_after",
        Some(Duration::from_secs(10)),
        values::duration_or_never,
    );
    let hold = section.value_or("hold", Duration::ZERO, |value| {
        match values::duration(value)? {
            hold if hold <= MAX_HOLD => Ok(hold),
            _ => Err(Wrong::new(
                "delays every call by more than talk bears",
                format!("write \"0ms\" to \"{}ms\"", MAX_HOLD.as_millis()),
            )),
        }
    });
    section.finish();
    Guard {
        action,
        on_static: on_static
            .unwrap_or_else(|| vec![OnStatic::Mend, OnStatic::Redial, OnStatic::HangUp]),
        hang_up_after,
        hold,
    }
}

pub(super) fn limits(mut section: Section<'_>) -> Limits {
    let seconds = Duration::from_secs;
    let limits = Limits {
        setup: section.value_or("setup", seconds(15), values::time),
        ring: section.value_or("ring", seconds(60), values::time),
        media_timeout: section.value_or("media_timeout", seconds(30), values::time),
        max_call: section.value_or("max_call", seconds(2 * 3_600), values::time),
        drain: section.value_or("drain", seconds(30), values::duration),
        max_calls: section.value_or("max_calls", 1_000, values::number(1, MAX_CALLS)),
    };
    section.finish();
    limits
}

const ACTIONS: [(&str, GuardAction); 3] = [
    ("observe", GuardAction::Observe),
    ("mute", GuardAction::Mute),
    ("protect", GuardAction::Protect),
];
/// More than the ports of one address have room for.
const MAX_CALLS: u32 = 16_384;
