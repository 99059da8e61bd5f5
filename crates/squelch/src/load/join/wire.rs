//! What coordinator and workers tell each other, as JSON.

use serde_json::{Value, json};
use squelch_sim::load::{Share, Tally};

use crate::load::share::Known;

/// One share of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) run: String,
    pub(super) share: Share,
    /// The command line of the run, as a worker is to understand it.
    pub(super) arguments: Vec<String>,
}

impl Job {
    pub(super) fn to_json(&self) -> String {
        let (index, of) = (self.share.index, self.share.of);
        json!({"run": self.run, "index": index, "of": of, "arguments": self.arguments}).to_string()
    }

    /// **Errors**: it is no job of this version.
    pub(super) fn parse(bytes: &[u8]) -> Result<Job, String> {
        let wrong = || "the queue holds something that is no share of a load test".to_owned();
        let value: Value = serde_json::from_slice(bytes).map_err(|_| wrong())?;
        let number = |name: &str| {
            let number = value.get(name)?.as_u64()?;
            u32::try_from(number).ok()
        };
        let run = value.get("run").and_then(Value::as_str);
        // It becomes part of subjects.
        let run = run.filter(|run| run.len() <= 32 && run.chars().all(|c| c.is_ascii_hexdigit()));
        let (Some(run), Some(index), Some(of)) = (run, number("index"), number("of")) else {
            return Err(wrong());
        };
        let arguments = value.get("arguments").and_then(Value::as_array);
        let arguments = arguments.ok_or_else(wrong)?.iter();
        let arguments: Option<Vec<String>> = arguments
            .map(|argument| argument.as_str().map(str::to_owned))
            .collect();
        match (index < of && of <= MOST_SHARES, arguments) {
            (true, Some(arguments)) => Ok(Job {
                run: run.to_owned(),
                share: Share { index, of },
                arguments,
            }),
            _ => Err(wrong()),
        }
    }
}

/// What a worker knows of its share.
pub(super) fn told(index: u32, known: &Known) -> String {
    json!({
        "index": index, "tally": known.tally.to_json(), "busiest": known.busiest, "busy": known.busy,
        "refused": known.refused, "active": known.active,
    })
    .to_string()
}

/// Reads [`told`]; none if it is anything else.
pub(super) fn known(bytes: &[u8]) -> Option<(u32, Known)> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let index = u32::try_from(value.get("index")?.as_u64()?).ok()?;
    let known = Known {
        tally: Tally::from_json(value.get("tally")?).ok()?,
        busiest: value.get("busiest")?.as_f64()?,
        busy: value.get("busy")?.as_f64()?,
        refused: value.get("refused")?.as_u64()?,
        active: usize::try_from(value.get("active")?.as_u64()?).ok()?,
    };
    Some((index, known))
}

/// As many workers as one coordinator can listen to.
pub(super) const MOST_SHARES: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_as_it_was_written_and_nothing_else_is() {
        let job = Job {
            run: "0a1b".into(),
            share: Share { index: 1, of: 3 },
            arguments: vec!["127.0.0.1".into(), "--calls".into(), "9".into()],
        };
        assert_eq!(Job::parse(job.to_json().as_bytes()), Ok(job.clone()));
        for (from, to) in [("0a1b", "a.>"), ("\"of\":3", "\"of\":1"), ("\"9\"", "9")] {
            let bad = job.to_json().replace(from, to);
            assert!(Job::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Job::parse(b"").is_err());
    }

    #[test]
    fn what_a_worker_tells_is_read() {
        let mut told_of = Known::default();
        told_of.tally.started = 4;
        told_of.active = 2;
        let (index, read) = known(told(2, &told_of).as_bytes()).unwrap();
        assert_eq!((index, read.tally.started, read.active), (2, 4, 2));
        assert!(known(b"{}").is_none());
    }
}
