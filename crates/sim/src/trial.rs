//! Trials: whole calls through the real gateway, each decided by a number.
//!
//! A seed sets a scene of up to three calls. Each follows a story out of a table (who hangs up, who
//! cancels, who refuses, who falls silent ...) while the networks of both legs lose, repeat, delay
//! and reorder every message; towards OpenAI also over TCP and TLS, where bytes come in pieces and
//! connections break. Names, ports, the API, draining and strangers play their parts.
//!
//! The peers are user agents of their own, written a second time from RFC 3261. No media run: what
//! the media path would say is said for it.
//!
//! When nobody waits for anything any more, the trial is judged: `verdict` holds the list. The same
//! seed gives the same messages at the same times.

mod dice;
mod digest;
mod ladder;
mod phone;
mod pipes;
mod plot;
mod plots;
mod setting;
mod stage;
mod text;
mod verdict;
mod weather;
mod witness;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use stage::Stage;

/// What came of one trial.
#[derive(Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// What it was about, for people.
    pub story: String,
    /// What went wrong; empty where nothing did.
    pub faults: Vec<String>,
    /// How each call ended: the reason in its record.
    pub endings: Vec<&'static str>,
    /// SIP messages that the peers sent and got.
    pub messages: u64,
    /// How long it lasted, in its own time.
    pub lasted: Duration,
    /// Every message with its time, where it was asked for.
    pub ladder: Vec<String>,
}

/// Plays one trial. `start` is any instant: only differences count.
pub fn run(start: Instant, seed: u64, ladder: bool) -> Report {
    let mut stage = Stage::new(start, seed, ladder);
    let story = stage.setting.story();
    let faults = catch_unwind(AssertUnwindSafe(|| verdict::judge(&mut stage)));
    let faults = faults.unwrap_or_else(|_| vec!["it panicked".into()]);
    Report {
        seed,
        story,
        faults,
        endings: stage.tally.records.iter().map(|r| r.reason).collect(),
        messages: stage.tally.messages,
        lasted: stage.elapsed(),
        ladder: stage.ladder.into_lines(),
    }
}
