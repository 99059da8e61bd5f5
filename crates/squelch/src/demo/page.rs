//! The demo's report.

use std::time::Duration;

use squelch_call::observe::{SignalKind, StreamReport};
use squelch_sim::peer::openai::SimFault;

use super::evidence::Evidence;
use super::outcome::{MOST_HEARD, Outcome};
use crate::explain::why;
use crate::report::{Finding, LadderKind, LadderMessage, Report, Row, Span, SpanKind, Tone, Track};

/// The page: both recordings on one clock, then the signalling.
pub(super) fn page<'a>(evidence: &'a Evidence, outcome: &Outcome) -> Report<'a> {
    let good = outcome.is_good();
    let heard = outcome.with.static_heard;
    Report {
        title: "squelch demo".into(),
        verdict: Some(Row {
            label: match good {
                true => "The static was found and muted",
                false => "The static was not stopped",
            }
            .into(),
            value: format!("the caller heard {} ms of it", heard.as_millis()),
            tone: if good { Tone::Good } else { Tone::Bad },
        }),
        lead: format!(
            "One call on loopback. Three seconds in, the application sent OpenAI a session.update \
             with tools and no audio format, past squelch; the session's output became {}. \
             Both recordings are of that one call: what came from OpenAI, and what went to the caller.",
            outcome.format_after
        ),
        summary: summary(outcome),
        tracks: vec![without(evidence), with(evidence, outcome)],
        ladder: ladder(evidence, outcome),
        ladder_note: "SIP towards OpenAI went over TLS; it is shown in the clear.".into(),
        findings: (evidence.observation.streams.iter())
            .flat_map(|stream| stream.faults.iter().map(move |found| (stream, found)))
            .map(|(stream, found)| Finding {
                fault: found.fault,
                place: stream.origin.to_string(),
                why: why(found),
            })
            .collect(),
        ..Report::default()
    }
}

fn summary(outcome: &Outcome) -> Vec<Row> {
    let row = |label: &str, value: String, tone| Row {
        label: label.into(),
        value,
        tone,
    };
    let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
    let heard = outcome.with.static_heard;
    let mut rows = vec![
        row(
            "Static from OpenAI",
            seconds(outcome.without.static_heard),
            Tone::Bad,
        ),
        row(
            "Static the caller heard",
            seconds(heard),
            if heard <= MOST_HEARD {
                Tone::Good
            } else {
                Tone::Bad
            },
        ),
    ];
    if let Some(time) = outcome.detection {
        rows.push(row(
            "Time to detection",
            format!("{} ms", time.as_millis()),
            Tone::Good,
        ));
    }
    rows.push(row("Muted", seconds(outcome.muted), Tone::Plain));
    if !outcome.repaired.is_zero() {
        rows.push(row("Repaired", seconds(outcome.repaired), Tone::Good));
    }
    if let Some(mos) = outcome.without.mos {
        rows.push(row(
            "MOS of the static (network)",
            format!("{mos:.2}"),
            Tone::Plain,
        ));
    }
    rows
}

fn without(evidence: &Evidence) -> Track<'_> {
    Track {
        name: "Without squelch".into(),
        note: "What came from OpenAI: what the caller would have heard.".into(),
        samples: &evidence.without.samples,
        rate_hz: evidence.without.rate_hz,
        spans: evidence.openai_stream().map(faults).unwrap_or_default(),
    }
}

fn with<'a>(evidence: &'a Evidence, outcome: &Outcome) -> Track<'a> {
    let (kind, what) = match outcome.fault {
        SimFault::Pcm16AsG711 if outcome.repaired > outcome.muted => {
            (SpanKind::Repaired, "repaired")
        }
        _ => (SpanKind::Muted, "muted"),
    };
    let acted = evidence.openai_stream().into_iter().flat_map(|stream| {
        stream.faults.iter().map(|found| Span {
            kind,
            from: found.detected_at,
            to: found.to,
            detected_at: None,
            label: what.into(),
        })
    });
    let mut spans: Vec<Span> = acted.collect();
    spans.extend(evidence.caller_stream().map(faults).unwrap_or_default());
    Track {
        name: "With squelch".into(),
        note: "What went to the caller in the same call.".into(),
        samples: &evidence.with.samples,
        rate_hz: evidence.with.rate_hz,
        spans,
    }
}

fn faults(stream: &StreamReport) -> Vec<Span> {
    let span = |found: &squelch_call::observe::FaultReport| Span {
        kind: SpanKind::Fault,
        from: found.from,
        to: found.to,
        detected_at: Some(found.detected_at),
        label: format!("{} ({})", found.fault.name(), found.variant),
    };
    stream.faults.iter().map(span).collect()
}

/// A request by its method and the last part of its path: the rest does not fit over an arrow.
fn in_short(text: &str) -> String {
    match (text.split_once(' '), text.rsplit_once('/')) {
        (Some(("POST", _)), Some((_, action))) => format!("POST .../{action}"),
        _ => text.to_owned(),
    }
}

fn ladder(evidence: &Evidence, outcome: &Outcome) -> Vec<LadderMessage> {
    let signals = evidence.observation.signals.iter().map(|signal| {
        let (source, destination) = (signal.source, signal.destination);
        LadderMessage {
            at: signal.at,
            from: evidence.name(source, destination).into(),
            to: evidence.name(destination, source).into(),
            text: signal.text.clone(),
            detail: signal.detail.clone(),
            kind: match signal.kind {
                SignalKind::Request => LadderKind::Request,
                SignalKind::Response(_) => LadderKind::Response,
            },
        }
    });
    let controls = evidence.controls.iter().map(|control| LadderMessage {
        at: control.at,
        from: control.from.into(),
        to: control.to.into(),
        text: in_short(&control.text),
        detail: String::new(),
        kind: match control.text.as_str() {
            "session.update" => LadderKind::Alarm,
            _ => LadderKind::Control,
        },
    });
    let streams = evidence.observation.streams.iter().filter_map(|stream| {
        let (source, destination) = stream.origin.ends()?;
        Some(LadderMessage {
            at: stream.first_packet,
            from: evidence.name(source, destination).into(),
            to: evidence.name(destination, source).into(),
            text: format!("RTP {}, {} packets", stream.format, stream.packets),
            detail: String::new(),
            kind: LadderKind::Media,
        })
    });
    let mut messages: Vec<LadderMessage> = signals.chain(controls).chain(streams).collect();
    if let Some(found) = evidence.openai_stream().filter(|_| outcome.found) {
        messages.extend(found.faults.iter().map(|fault| LadderMessage {
            at: found.first_packet + fault.detected_at,
            from: "OpenAI".into(),
            to: "squelch".into(),
            text: format!("{} found", fault.fault.name()),
            detail: String::new(),
            kind: LadderKind::Alarm,
        }));
    }
    messages.sort_by_key(|message| message.at);
    messages
}
