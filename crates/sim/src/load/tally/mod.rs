//! The outcomes of many calls in numbers: counted, spread, and over time.

mod course;
mod distribution;
mod json;

pub use course::{Course, Moment};
pub use distribution::{Distribution, HIGHEST};
pub use json::NotATally;

use std::collections::BTreeMap;
use std::time::Duration;

use squelch_media::detect::Fault;

use super::content::{Mark, Problem};
use super::{CallOutcome, Failure};

/// What the calls of a run, or of a share of it, came to. Tallies of shares are merged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    /// Calls whose INVITE was sent.
    pub started: u64,
    /// Calls that were answered.
    pub answered: u64,
    /// Calls that are over.
    pub ended: u64,
    /// Calls that failed, by why.
    pub failed: BTreeMap<&'static str, u64>,
    /// Final responses to INVITE.
    pub statuses: BTreeMap<u16, u64>,
    /// Packets sent.
    pub sent: u64,
    /// Distinct packets received.
    pub received: u64,
    /// Packets lost on the way to us (RFC 3550 A.3).
    pub lost: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets that came behind a later one.
    pub reordered: u64,
    /// Calls in which the detector found a fault, by fault.
    pub faults: BTreeMap<&'static str, u64>,
    /// Calls that were listened to.
    pub listened: u64,
    /// Calls in whose content something was wrong, by what; a call may have several.
    pub problems: BTreeMap<&'static str, u64>,
    /// Calls in whose content something was wrong.
    pub bad_content: u64,
    /// Windows of 100 ms that were judged, and those in which the same was heard.
    pub windows: u64,
    /// See [`Tally::windows`].
    pub same_windows: u64,
    /// The first calls in which something was wrong, with a sentence: at most [`EXAMPLES`].
    pub examples: Vec<(Mark, String)>,
    /// How figures are spread.
    pub spread: Distributions,
    /// How it went over time.
    pub course: Course,
}

/// The spread of what is measured of each call, and of each packet sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distributions {
    /// From INVITE to 200. **Units**: us.
    pub setup: Distribution,
    /// From INVITE to the first word of the far end. **Units**: us.
    pub post_dial_delay: Distribution,
    /// From 200 to the first RTP packet. **Units**: us.
    pub media_start: Distribution,
    /// From 200 to the end. **Units**: us.
    pub talked: Distribution,
    /// Mean interarrival jitter of a call (RFC 3550 A.8). **Units**: us.
    pub jitter: Distribution,
    /// Share of packets that a call lost. **Units**: millionths.
    pub loss: Distribution,
    /// MOS of a call. **Units**: thousandths.
    pub mos: Distribution,
    /// There and back, where what is sent comes back. **Units**: us.
    pub delay: Distribution,
    /// How late packets were sent: the generator's own fault, not the target's. **Units**: us.
    pub lateness: Distribution,
}

impl Distributions {
    /// Each with its word.
    pub fn all(&self) -> [(&'static str, &Distribution); 9] {
        [
            ("setup", &self.setup),
            ("post_dial_delay", &self.post_dial_delay),
            ("media_start", &self.media_start),
            ("talked", &self.talked),
            ("jitter", &self.jitter),
            ("loss", &self.loss),
            ("mos", &self.mos),
            ("delay", &self.delay),
            ("lateness", &self.lateness),
        ]
    }

    fn all_mut(&mut self) -> [(&'static str, &mut Distribution); 9] {
        [
            ("setup", &mut self.setup),
            ("post_dial_delay", &mut self.post_dial_delay),
            ("media_start", &mut self.media_start),
            ("talked", &mut self.talked),
            ("jitter", &mut self.jitter),
            ("loss", &mut self.loss),
            ("mos", &mut self.mos),
            ("delay", &mut self.delay),
            ("lateness", &mut self.lateness),
        ]
    }
}

impl Tally {
    /// A call's INVITE is sent.
    pub fn on_start(&mut self, at: Duration) {
        self.started += 1;
        self.course.at(at).started += 1;
    }

    /// A call was answered.
    pub fn on_answer(&mut self, at: Duration, setup: Duration) {
        self.answered += 1;
        self.spread.setup.record_time(setup);
        let moment = self.course.at(at);
        moment.answered += 1;
        moment.setup.record_time(setup);
    }

    /// A call is over. It was given to [`Tally::on_start`], and to [`Tally::on_answer`] if it was answered.
    pub fn on_end(&mut self, outcome: &CallOutcome) {
        self.ended += 1;
        let moment = self.course.at(outcome.ended);
        moment.ended += 1;
        if let Some(failure) = outcome.failure {
            moment.failed += 1;
            *self.failed.entry(failure.name()).or_default() += 1;
            let status = outcome.status.filter(|_| failure == Failure::Refused);
            match status {
                Some(status) => self.example(outcome, format!("{failure} with {status}")),
                None => self.example(outcome, failure.name().to_owned()),
            }
        }
        if let Some(status) = outcome.status {
            *self.statuses.entry(status).or_default() += 1;
        }
        let spread = &mut self.spread;
        let times = [
            (&mut spread.post_dial_delay, outcome.post_dial_delay),
            (&mut spread.media_start, outcome.media_start),
            (&mut spread.talked, outcome.talked),
        ];
        for (distribution, time) in times {
            if let Some(time) = time {
                distribution.record_time(time);
            }
        }
        self.sent += outcome.sent;
        self.on_transport(outcome);
        for fault in &outcome.faults {
            *self.faults.entry(fault.name()).or_default() += 1;
            self.course.at(outcome.ended).faults += 1;
            self.example(outcome, format!("fault {fault}"));
        }
        self.on_content(outcome);
    }

    /// A packet was sent this late.
    pub fn on_lateness(&mut self, at: Duration, late: Duration) {
        self.spread.lateness.record_time(late);
        let moment = self.course.at(at);
        moment.latest = moment.latest.max(late);
    }

    /// Calls that are up or being set up.
    pub fn active(&self) -> u64 {
        self.started.saturating_sub(self.ended)
    }

    /// Calls that failed.
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Calls in which a fault was found that counts as something wrong: all but `clipping`.
    pub fn acting_faults(&self) -> u64 {
        let acting = Fault::ALL.iter().filter(|fault| fault.acts());
        acting
            .filter_map(|fault| self.faults.get(fault.name()))
            .sum()
    }

    /// Adds another tally: calls of another worker or share of the same run, on the same clock.
    pub fn merge(&mut self, other: &Tally) {
        let counts = [
            (&mut self.started, other.started),
            (&mut self.answered, other.answered),
            (&mut self.ended, other.ended),
            (&mut self.sent, other.sent),
            (&mut self.received, other.received),
            (&mut self.lost, other.lost),
            (&mut self.duplicates, other.duplicates),
            (&mut self.reordered, other.reordered),
            (&mut self.listened, other.listened),
            (&mut self.bad_content, other.bad_content),
            (&mut self.windows, other.windows),
            (&mut self.same_windows, other.same_windows),
        ];
        for (count, more) in counts {
            *count = count.saturating_add(more);
        }
        for (map, more) in [
            (&mut self.failed, &other.failed),
            (&mut self.faults, &other.faults),
            (&mut self.problems, &other.problems),
        ] {
            for (name, count) in more {
                let total = map.entry(name).or_default();
                *total = total.saturating_add(*count);
            }
        }
        for (status, count) in &other.statuses {
            let total = self.statuses.entry(*status).or_default();
            *total = total.saturating_add(*count);
        }
        let room = EXAMPLES.saturating_sub(self.examples.len());
        self.examples
            .extend(other.examples.iter().take(room).cloned());
        for ((_, mine), (_, theirs)) in self.spread.all_mut().into_iter().zip(other.spread.all()) {
            mine.merge(theirs);
        }
        self.course.merge(&other.course);
    }

    fn on_transport(&mut self, outcome: &CallOutcome) {
        let Some(transport) = &outcome.transport else {
            return;
        };
        self.received += transport.received;
        self.lost += transport.lost;
        self.duplicates += transport.duplicates;
        self.reordered += transport.reordered;
        if transport.received == 0 {
            return;
        }
        self.spread.jitter.record_time(transport.jitter);
        self.spread.loss.record((transport.loss() * 1e6) as u64);
        if let Some(mos) = transport.mos {
            let thousandths = (mos * 1e3).round() as u64;
            self.spread.mos.record(thousandths);
            self.course.at(outcome.ended).mos.record(thousandths);
        }
    }

    fn on_content(&mut self, outcome: &CallOutcome) {
        let Some(content) = &outcome.content else {
            return;
        };
        self.listened += 1;
        self.windows += u64::from(content.judged);
        self.same_windows += u64::from(content.same);
        if let Some(delay) = content.delay {
            self.spread.delay.record_time(delay);
        }
        if content.is_good() {
            return;
        }
        self.bad_content += 1;
        self.course.at(outcome.ended).bad_content += 1;
        let mut names: Vec<&'static str> = content.problems.iter().map(|p| p.name()).collect();
        names.dedup();
        for name in names {
            *self.problems.entry(name).or_default() += 1;
        }
        for problem in &content.problems {
            let said = match (problem, content.first_word_missing) {
                (Problem::FirstWordClipped, Some(missing)) => {
                    format!("{problem} by {} ms", missing.as_millis())
                }
                (Problem::OtherSpeech | Problem::Silence, _) => format!(
                    "{problem}: of {} windows of 100 ms {} had the same speech, {} were silent",
                    content.judged, content.same, content.silent
                ),
                _ => problem.to_string(),
            };
            self.example(outcome, said);
        }
    }

    fn example(&mut self, outcome: &CallOutcome, said: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push((outcome.mark, said));
        }
    }
}

/// Calls told one by one; the others are counted.
pub const EXAMPLES: usize = 20;
