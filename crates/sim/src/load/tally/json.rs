//! A tally as JSON: how shares of a run travel, and how a run's end is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use squelch_media::detect::Fault;

use super::course::{MOST, NARROWEST};
use super::{Course, Distribution, EXAMPLES, Moment, Tally};
use crate::load::Failure;
use crate::load::content::{Mark, Problem};

/// JSON that is no tally, and where it is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no tally of a load test: {0} is missing or not what it should be")]
pub struct NotATally(&'static str);

impl Tally {
    /// All of it, the histograms in HdrHistogram's own encoding.
    pub fn to_json(&self) -> Value {
        let mut value = Map::new();
        for (name, count) in self.counts() {
            value.insert(name.to_owned(), json!(count));
        }
        let statuses: Map<String, Value> = (self.statuses.iter())
            .map(|(status, count)| (status.to_string(), json!(count)))
            .collect();
        let spread: Map<String, Value> = (self.spread.all().into_iter())
            .map(|(name, spread)| (name.to_owned(), json!(spread.encode())))
            .collect();
        let examples: Vec<Value> = (self.examples.iter())
            .map(|(mark, said)| json!([mark.0, said]))
            .collect();
        value.insert("statuses".into(), Value::Object(statuses));
        value.insert("failed".into(), json!(self.failed));
        value.insert("faults".into(), json!(self.faults));
        value.insert("problems".into(), json!(self.problems));
        value.insert("examples".into(), Value::Array(examples));
        value.insert("histograms".into(), Value::Object(spread));
        value.insert("course".into(), course_to_json(&self.course));
        Value::Object(value)
    }

    /// Reads [`Tally::to_json`].
    ///
    /// **Errors**: what is missing or wrong; nothing is taken half. **Cost**: bounded, whatever it says.
    pub fn from_json(value: &Value) -> Result<Tally, NotATally> {
        let mut tally = Tally::default();
        for (name, count) in tally.counts_mut() {
            *count = number(value, name)?;
        }
        let statuses = value.get("statuses").and_then(Value::as_object);
        for (status, count) in statuses.ok_or(NotATally("statuses"))? {
            let status = status.parse().ok().filter(|s| (100..=699).contains(s));
            let status = status.ok_or(NotATally("statuses"))?;
            let count = count.as_u64().ok_or(NotATally("statuses"))?;
            tally.statuses.insert(status, count);
        }
        tally.failed = named(value, "failed", Failure::ALL.map(Failure::name))?;
        tally.faults = named(value, "faults", Fault::ALL.map(Fault::name))?;
        tally.problems = named(value, "problems", Problem::NAMES)?;
        let examples = value.get("examples").and_then(Value::as_array);
        for example in examples.ok_or(NotATally("examples"))?.iter().take(EXAMPLES) {
            tally.examples.push(example_of(example)?);
        }
        let spreads = value.get("histograms").ok_or(NotATally("histograms"))?;
        for (name, spread) in tally.spread.all_mut() {
            *spread = distribution(spreads, name)?;
        }
        tally.course = course_of(value.get("course").ok_or(NotATally("course"))?)?;
        Ok(tally)
    }

    fn counts(&self) -> [(&'static str, u64); 12] {
        let mut copy = self.clone();
        copy.counts_mut().map(|(name, count)| (name, *count))
    }

    fn counts_mut(&mut self) -> [(&'static str, &mut u64); 12] {
        [
            ("started", &mut self.started),
            ("answered", &mut self.answered),
            ("ended", &mut self.ended),
            ("sent", &mut self.sent),
            ("received", &mut self.received),
            ("lost", &mut self.lost),
            ("duplicates", &mut self.duplicates),
            ("reordered", &mut self.reordered),
            ("listened", &mut self.listened),
            ("bad_content", &mut self.bad_content),
            ("windows", &mut self.windows),
            ("same_windows", &mut self.same_windows),
        ]
    }
}

fn course_to_json(course: &Course) -> Value {
    let moments: Vec<Value> = (course.moments.iter())
        .map(|moment| {
            json!({
                "started": moment.started, "answered": moment.answered, "ended": moment.ended,
                "failed": moment.failed, "bad_content": moment.bad_content, "faults": moment.faults,
                "setup": moment.setup.encode(), "mos": moment.mos.encode(),
                "latest_us": moment.latest.as_micros() as u64,
            })
        })
        .collect();
    json!({"width_s": course.width.as_secs(), "moments": moments})
}

fn course_of(value: &Value) -> Result<Course, NotATally> {
    let width = number(value, "width_s")?;
    let moments = value.get("moments").and_then(Value::as_array);
    let moments = moments.filter(|moments| moments.len() <= MOST);
    // Any other width could not be merged with ours.
    if !width.is_power_of_two() || width > MOST_SECONDS {
        return Err(NotATally("width_s"));
    }
    let mut course = Course {
        width: NARROWEST * width as u32,
        moments: Vec::new(),
    };
    for moment in moments.ok_or(NotATally("moments"))? {
        course.moments.push(Moment {
            started: number(moment, "started")?,
            answered: number(moment, "answered")?,
            ended: number(moment, "ended")?,
            failed: number(moment, "failed")?,
            bad_content: number(moment, "bad_content")?,
            faults: number(moment, "faults")?,
            setup: distribution(moment, "setup")?,
            mos: distribution(moment, "mos")?,
            latest: Duration::from_micros(number(moment, "latest_us")?),
        });
    }
    Ok(course)
}

fn example_of(value: &Value) -> Result<(Mark, String), NotATally> {
    let mark = value.get(0).and_then(Value::as_u64);
    let mark = mark.and_then(|mark| u32::try_from(mark).ok());
    let said = value.get(1).and_then(Value::as_str);
    let said = said.filter(|said| said.len() <= MOST_SAID);
    match (mark, said) {
        (Some(mark), Some(said)) => Ok((Mark(mark), said.to_owned())),
        _ => Err(NotATally("examples")),
    }
}

fn number(value: &Value, name: &'static str) -> Result<u64, NotATally> {
    let number = value.get(name).and_then(Value::as_u64);
    number.ok_or(NotATally(name))
}

fn distribution(value: &Value, name: &'static str) -> Result<Distribution, NotATally> {
    let text = value.get(name).and_then(Value::as_str);
    text.and_then(Distribution::decode).ok_or(NotATally(name))
}

/// Counts under names of a closed set.
fn named<const N: usize>(
    value: &Value,
    name: &'static str,
    known: [&'static str; N],
) -> Result<BTreeMap<&'static str, u64>, NotATally> {
    let counts = value.get(name).and_then(Value::as_object);
    let mut read = BTreeMap::new();
    for (key, count) in counts.ok_or(NotATally(name))? {
        let key = known.iter().find(|known| *known == key);
        let (Some(key), Some(count)) = (key, count.as_u64()) else {
            return Err(NotATally(name));
        };
        read.insert(*key, count);
    }
    Ok(read)
}

/// A moment of this length holds a run of eight years.
const MOST_SECONDS: u64 = 1 << 19;
const MOST_SAID: usize = 500;
