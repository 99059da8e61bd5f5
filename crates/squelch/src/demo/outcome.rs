//! What the demo comes to.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use squelch_sim::check::StaticMeter;
use squelch_sim::peer::openai::SimFault;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::evidence::Evidence;
use super::files::Files;

/// The figures. Static is measured on the recordings by code other than the detector.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) fault: SimFault,
    /// Whether squelch's record names the fault.
    pub(super) found: bool,
    /// From the first static that OpenAI sent to squelch's finding it.
    pub(super) detection: Option<Duration>,
    pub(super) without: Heard,
    pub(super) with: Heard,
    pub(super) muted: Duration,
    pub(super) repaired: Duration,
    pub(super) format_after: String,
}

/// One recording's figures.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) length: Duration,
    pub(super) static_heard: Duration,
    pub(super) first: Option<Duration>,
    pub(super) mos: Option<f64>,
}

impl Outcome {
    pub(super) fn new(fault: SimFault, evidence: &Evidence) -> Outcome {
        let meter = |sound: &crate::wav::Sound, mos| {
            let meter = StaticMeter::measure(&sound.samples);
            Heard {
                length: Duration::from_millis(sound.samples.len() as u64 / 8),
                static_heard: meter.total(),
                first: meter.first(),
                mos,
            }
        };
        let mos = |stream: Option<&squelch_call::observe::StreamReport>| stream?.mos;
        let without = meter(&evidence.without, mos(evidence.openai_stream()));
        let found_at = found_at(&evidence.record, fault.name());
        let began = without.first.map(|first| evidence.media_began + first);
        let guard = |key: &str| {
            let value = evidence.record.pointer(&format!("/guard/{key}"));
            Duration::from_millis(value.and_then(Value::as_u64).unwrap_or(0))
        };
        Outcome {
            fault,
            found: found_at.is_some(),
            detection: found_at
                .zip(began)
                .and_then(|(found, began)| found.duration_since(began).ok()),
            with: meter(&evidence.with, mos(evidence.caller_stream())),
            without,
            muted: guard("muted_ms"),
            repaired: guard("repaired_ms"),
            format_after: evidence.format_after.clone(),
        }
    }

    /// Whether squelch did what it is for.
    pub(super) fn is_good(&self) -> bool {
        let happened = self.fault != SimFault::G711AsPcm16 || self.without.static_heard >= HAPPENED;
        self.found && happened && self.with.static_heard <= MOST_HEARD
    }

    pub(super) fn write_table(&self, files: &Files, out: &mut impl Write) -> io::Result<()> {
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        let first = |heard: &Heard| heard.first.map_or_else(|| "-".into(), seconds);
        let mos = |heard: &Heard| {
            heard
                .mos
                .map_or_else(|| "-".into(), |mos| format!("{mos:.2}"))
        };
        writeln!(
            out,
            "One call: carrier, squelch, OpenAI's stand-in. After 3 s the application's \
             session.update\nset tools and no audio format; the session's output became {}.\n",
            self.format_after
        )?;
        let rows = [
            (
                "",
                "what OpenAI sent".into(),
                "what the caller heard".into(),
            ),
            (
                "length",
                seconds(self.without.length),
                seconds(self.with.length),
            ),
            (
                "static",
                seconds(self.without.static_heard),
                seconds(self.with.static_heard),
            ),
            ("static from", first(&self.without), first(&self.with)),
            ("MOS (E-model)", mos(&self.without), mos(&self.with)),
        ];
        for (label, without, with) in rows {
            writeln!(out, "  {label:<14} {without:>22} {with:>22}")?;
        }
        writeln!(out)?;
        match self.detection {
            Some(time) => writeln!(
                out,
                "squelch named {} after {} ms, muted {}, repaired {}.",
                self.fault.name(),
                time.as_millis(),
                seconds(self.muted),
                seconds(self.repaired)
            )?,
            None if self.found => writeln!(out, "squelch named {}.", self.fault.name())?,
            None => writeln!(out, "squelch did not find {}.", self.fault.name())?,
        }
        writeln!(
            out,
            "The MOS is blind to it: every packet came, and on time.\n"
        )?;
        for (path, what) in files.list() {
            writeln!(out, "  {:<34} {what}", path.display().to_string())?;
        }
        Ok(())
    }

    pub(super) fn write_json(&self, files: &Files, out: &mut impl Write) -> io::Result<()> {
        let ms = |time: Duration| time.as_millis() as u64;
        let heard = |heard: &Heard, file: &std::path::Path| {
            json!({
                "file": file,
                "duration_ms": ms(heard.length),
                "static_ms": ms(heard.static_heard),
                "static_from_ms": heard.first.map(ms),
                "mos": heard.mos.map(|mos| (mos * 100.0).round() / 100.0),
            })
        };
        let told = json!({
            "type": "demo",
            "ok": self.is_good(),
            "fault": self.fault.name(),
            "found": self.found,
            "time_to_detection_ms": self.detection.map(ms),
            "without_squelch": heard(&self.without, &files.without),
            "with_squelch": heard(&self.with, &files.with),
            "muted_ms": ms(self.muted),
            "repaired_ms": ms(self.repaired),
            "capture": files.capture,
            "report": files.report,
            "record": files.record,
        });
        writeln!(out, "{told}")
    }
}

/// When squelch found the fault, by its record.
fn found_at(record: &Value, fault: &str) -> Option<SystemTime> {
    let faults = record.pointer("/guard/faults")?.as_array()?;
    if !faults.iter().any(|named| named == fault) {
        return None;
    }
    let started = record.get("started_at")?.as_str()?;
    let started: SystemTime = OffsetDateTime::parse(started, &Rfc3339).ok()?.into();
    let events = record.get("events")?.as_array()?;
    let found = events.iter().find(|event| {
        let detail = event.get("detail").and_then(Value::as_str);
        event.get("event").and_then(Value::as_str) == Some("fault")
            && detail.is_some_and(|detail| detail.starts_with(fault))
    })?;
    let after = found.get("at_ms")?.as_u64()?;
    Some(started + Duration::from_millis(after))
}

/// The most static that may reach the caller.
pub(super) const MOST_HEARD: Duration = Duration::from_millis(200);
/// Less static from OpenAI than this, and the demo has shown nothing.
const HAPPENED: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(static_ms: u64) -> Heard {
        Heard {
            length: Duration::from_secs(9),
            static_heard: Duration::from_millis(static_ms),
            first: None,
            mos: None,
        }
    }

    fn outcome(fault: SimFault, found: bool, sent_ms: u64, heard_ms: u64) -> bool {
        let outcome = Outcome {
            fault,
            found,
            detection: None,
            without: heard(sent_ms),
            with: heard(heard_ms),
            muted: Duration::ZERO,
            repaired: Duration::ZERO,
            format_after: String::new(),
        };
        outcome.is_good()
    }

    #[test]
    fn it_is_good_only_when_the_static_came_was_found_and_was_hardly_heard() {
        let fault = SimFault::G711AsPcm16;
        assert!(outcome(fault, true, 5_000, 200));
        assert!(!outcome(fault, false, 5_000, 0), "not found");
        assert!(!outcome(fault, true, 5_000, 220), "heard for too long");
        assert!(!outcome(fault, true, 900, 0), "nothing was shown");
        // Raw PCM16 need not sound like static to the meter.
        assert!(outcome(SimFault::Pcm16AsG711, true, 0, 0));
    }

    #[test]
    fn a_record_tells_when_the_fault_was_found() {
        let record = json!({
            "started_at": "2025-06-18T22:51:18.25Z",
            "guard": {"faults": ["g711_as_pcm16"]},
            "events": [
                {"at_ms": 4, "event": "accepted", "detail": ""},
                {"at_ms": 3_080, "event": "fault", "detail": "g711_as_pcm16 (pcm16) from"},
            ],
        });
        let found = found_at(&record, "g711_as_pcm16").expect("found");
        let since = found
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("a date");
        assert_eq!(since.as_millis(), 1_750_287_078_250 + 3_080);
        assert_eq!(found_at(&record, "pcm16_as_g711"), None);
    }
}
