//! What went over the networks, for people.

use std::fmt::Write as _;
use std::time::Duration;

use super::text::Text;

/// The lines of a message ladder; empty unless one is wanted.
#[derive(Debug, Default)]
pub(super) struct Ladder {
    wanted: bool,
    lines: Vec<String>,
}

impl Ladder {
    pub(super) fn new(wanted: bool) -> Ladder {
        Ladder {
            wanted,
            lines: Vec::new(),
        }
    }

    pub(super) fn message(&mut self, at: Duration, way: &str, bytes: &[u8], fate: &str) {
        if !self.wanted {
            return;
        }
        let text = Text::new(bytes);
        let line = text.map_or("(part of a message)", |text| text.start_line());
        let cseq = text
            .and_then(|text| text.header("CSeq"))
            .unwrap_or_default();
        let call = text.map_or("", |text| text.call_id().get(..6).unwrap_or_default());
        self.say(at, &format!("{way:<28} {line} [{cseq}] {call} {fate}"));
    }

    /// Something that is no message.
    pub(super) fn note(&mut self, at: Duration, what: impl FnOnce() -> String) {
        if self.wanted {
            let what = what();
            self.say(at, &format!("  * {what}"));
        }
    }

    fn say(&mut self, at: Duration, what: &str) {
        let mut line = String::new();
        let _ = write!(line, "{:>10.3} {what}", at.as_secs_f64());
        self.lines.push(line);
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
