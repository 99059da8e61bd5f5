//! The WebSocket about a call, `/v1/realtime?call_id=...`: what of its texts is judged, and what they tell.
//!
//! A [`Watcher`] goes with each socket and sees every text of both directions. What can bear no format is not
//! parsed: audio, transcripts and cancellations pass at the cost of one search.

mod baseline;
mod clock;
mod playback;
mod said;

pub(crate) use baseline::{Baselines, Place};
pub(crate) use clock::{AudioClock, Pace};
pub(crate) use playback::{Disagreement, Playback};
pub use said::{Said, SaidFormat};

use super::session_guard::{Context, Finding, Judgement, Weight, judge_event};
use serde_json::Value;

/// What becomes of a text of the application's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passage {
    /// It goes on as it is.
    Pass,
    /// This goes on instead.
    Rewrite(String),
    /// It stays here; this goes back to the application, an `error` event as OpenAI sends it.
    Refuse(String),
}

/// Something that the gateway is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// An event of the application's that bears a session was judged.
    Judged {
        /// `session.update` or `response.create`.
        event: &'static str,
        /// `pass`, `rewrite` or `refuse`.
        verdict: &'static str,
        /// What was changed, or what is wrong with it. Empty for `pass`.
        detail: String,
    },
    /// OpenAI told something about the session.
    Said(Said),
}

/// One socket's guard.
#[derive(Debug, Clone)]
pub struct Watcher {
    context: Context,
    spoken: bool,
    /// Of error events of our own making.
    refusals: u64,
}

impl Watcher {
    /// For a call whose formats are those of `context`.
    pub fn new(context: Context) -> Watcher {
        Watcher {
            context,
            spoken: false,
            refusals: 0,
        }
    }

    /// Judges a text that the application sends.
    pub fn application_said(&mut self, text: &str) -> (Passage, Option<Report>) {
        let (verdict, detail, passage) = match judge_event(text, self.context, self.spoken) {
            Judgement::Pass { .. } => ("pass", String::new(), Passage::Pass),
            Judgement::Rewrite { value, changes, .. } => (
                "rewrite",
                changes.join("; "),
                Passage::Rewrite(value.to_string()),
            ),
            Judgement::Refuse(findings) => {
                let said: Vec<String> = findings.iter().map(Finding::to_string).collect();
                let answer = self.error_event(text, &findings);
                ("refuse", said.join(". "), Passage::Refuse(answer))
            }
        };
        let report = event_name(text).map(|event| Report::Judged {
            event,
            verdict,
            detail,
        });
        (passage, report)
    }

    fn error_event(&mut self, text: &str, findings: &[Finding]) -> String {
        self.refusals += 1;
        let refused = findings.iter().find(|one| one.weight == Weight::Refused);
        let answered = serde_json::from_str::<Value>(text).ok();
        let answered = answered
            .as_ref()
            .and_then(|event| event["event_id"].as_str());
        let id = format!("event_squelch_{}", self.refusals);
        let event = refused.map(|finding| finding.error_event(&id, answered));
        event.unwrap_or_default().to_string()
    }

    /// Reads a text of OpenAI's. It always goes on as it is.
    pub fn openai_said(&mut self, text: &str) -> Option<Report> {
        if text.contains("output_audio_buffer.started") {
            self.spoken = true;
        }
        said::read(text).map(Report::Said)
    }
}

/// Which of the two events that bear a session a text is, by the first name in it.
fn event_name(text: &str) -> Option<&'static str> {
    let at = |name: &str| text.find(name);
    match (at("\"session.update\""), at("\"response.create\"")) {
        (Some(update), Some(create)) if create < update => Some("response.create"),
        (Some(_), _) => Some("session.update"),
        (None, Some(_)) => Some("response.create"),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
