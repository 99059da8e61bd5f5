//! The result as an HTML report.

use std::collections::BTreeMap;
use std::io::{self, Write};

use squelch_call::observe::{FaultReport, Origin, Signal, SignalKind, StreamReport};

use super::playback::{can_be_heard, sound};
use super::run::{FileResult, counted};
use crate::explain::why;
use crate::report::{
    Cell, Finding, LadderKind, LadderMessage, Report, Row, Span, SpanKind, Table, Tone, Track,
};
use crate::wav::Sound;

pub(super) fn write(
    results: &[FileResult],
    errors: &[(String, String)],
    out: &mut impl Write,
) -> io::Result<()> {
    let streams: Vec<(&FileResult, &StreamReport)> = results
        .iter()
        .flat_map(|file| file.streams.iter().map(move |stream| (file, stream)))
        .collect();
    let faulty = streams.iter().filter(|(_, stream)| stream.is_faulty());
    let faulty = faulty.count();
    let shown = choose(&streams);
    let sounds: Vec<Sound> = shown
        .iter()
        .map(|(file, stream)| sound(&file.path, stream))
        .collect();
    let tracks = shown
        .iter()
        .zip(&sounds)
        .map(|((file, stream), sound)| Track {
            name: place(stream, "to"),
            note: note(file, stream),
            samples: &sound.samples,
            rate_hz: sound.rate_hz,
            spans: stream.faults.iter().map(span).collect(),
        });
    let with_signals = results.iter().find(|file| !file.signals.is_empty());
    let report = Report {
        charts: Vec::new(),
        title: title(results),
        verdict: Some(verdict(faulty, streams.len(), errors.len())),
        lead: lead(streams.len(), shown.len()),
        summary: summary(results, &streams, faulty, errors),
        table: Some(table(&streams)),
        tracks: tracks.collect(),
        ladder: with_signals.map(ladder).unwrap_or_default(),
        ladder_note: match with_signals {
            Some(file) if results.len() > 1 => {
                format!("Of {}, the first capture with SIP in it.", file.name)
            }
            _ => String::new(),
        },
        findings: streams
            .iter()
            .flat_map(|(file, stream)| stream.faults.iter().map(move |found| (file, stream, found)))
            .map(|(file, stream, found)| Finding {
                fault: found.fault,
                place: format!("{}, {}", file.name, place(stream, "→")),
                why: why(found),
            })
            .collect(),
    };
    report.write_html(out)
}

/// The streams to draw: those with faults first, then the others, as many as a page carries.
fn choose<'a>(
    streams: &[(&'a FileResult, &'a StreamReport)],
) -> Vec<(&'a FileResult, &'a StreamReport)> {
    let mut chosen: Vec<_> = streams
        .iter()
        .copied()
        .filter(|(_, stream)| can_be_heard(stream))
        .collect();
    chosen.sort_by_key(|(_, stream)| !stream.is_faulty());
    chosen.truncate(MAX_TRACKS);
    chosen
}

fn title(results: &[FileResult]) -> String {
    match results {
        [only] => {
            let name = only.path.file_name().map(|name| name.to_string_lossy());
            name.map_or_else(|| only.name.clone(), |name| name.into_owned())
        }
        several => format!("{} captures", several.len()),
    }
}

fn verdict(faulty: usize, streams: usize, errors: usize) -> Row {
    let (label, tone) = match (faulty, errors) {
        (0, 0) => ("Nothing wrong found", Tone::Good),
        (0, _) => ("Not all could be read", Tone::Warning),
        _ => ("Broken audio found", Tone::Bad),
    };
    Row {
        label: label.into(),
        value: match faulty {
            0 => format!("in {}", counted(streams, "stream")),
            _ => format!("in {faulty} of {}", counted(streams, "stream")),
        },
        tone,
    }
}

fn lead(streams: usize, shown: usize) -> String {
    let rest = streams - shown;
    let left_out = match rest {
        0 => String::new(),
        _ => format!(
            " {} in the table without a drawing.",
            counted(rest, "stream")
        ),
    };
    format!(
        "Loss and jitter are read from the packets' headers; the verdict is read from the audio \
         itself, which is where static shows and nowhere else.{left_out}"
    )
}

fn summary(
    results: &[FileResult],
    streams: &[(&FileResult, &StreamReport)],
    faulty: usize,
    errors: &[(String, String)],
) -> Vec<Row> {
    let row = |label: &str, value: String, tone| Row {
        label: label.into(),
        value,
        tone,
    };
    let packets: u64 = streams.iter().map(|(_, stream)| stream.packets).sum();
    let worst = streams.iter().filter_map(|(_, stream)| stream.mos);
    let worst = worst.min_by(f64::total_cmp);
    let mut rows = vec![
        row("Captures", results.len().to_string(), Tone::Plain),
        row("Streams", streams.len().to_string(), Tone::Plain),
        row("Packets", packets.to_string(), Tone::Plain),
        row(
            "Streams with faults",
            faulty.to_string(),
            if faulty > 0 { Tone::Bad } else { Tone::Good },
        ),
    ];
    if let Some(mos) = worst {
        rows.push(row(
            "Lowest MOS (network)",
            format!("{mos:.2}"),
            mos_tone(mos),
        ));
    }
    for (file, error) in errors {
        rows.push(row("Could not read", format!("{file}: {error}"), Tone::Bad));
    }
    rows
}

fn table(streams: &[(&FileResult, &StreamReport)]) -> Table {
    let columns = [
        "Capture", "Stream", "Format", "Length", "Packets", "Lost", "Jitter", "MOS", "Verdict",
    ];
    let plain = |text: String| Cell {
        text,
        tone: Tone::Plain,
    };
    let rows = streams.iter().map(|(file, stream)| {
        let lost_percent = stream.lost as f64 * 100.0 / stream.expected.max(1) as f64;
        vec![
            plain(file.name.clone()),
            plain(place(stream, "→")),
            plain(stream.format.into()),
            plain(format!("{:.1} s", stream.duration.as_secs_f64())),
            plain(stream.packets.to_string()),
            Cell {
                text: format!("{lost_percent:.1} %"),
                tone: if stream.lost > 0 {
                    Tone::Warning
                } else {
                    Tone::Plain
                },
            },
            plain(format!("{:.1} ms", stream.jitter_ms)),
            stream.mos.map_or_else(
                || plain("-".into()),
                |mos| Cell {
                    text: format!("{mos:.2}"),
                    tone: mos_tone(mos),
                },
            ),
            Cell {
                text: stream.fault.map_or("none", |fault| fault.name()).into(),
                tone: match stream.fault {
                    Some(_) if stream.is_faulty() => Tone::Bad,
                    Some(_) => Tone::Warning,
                    None => Tone::Good,
                },
            },
        ]
    });
    Table {
        columns: columns.map(String::from).to_vec(),
        rows: rows.collect(),
    }
}

fn place(stream: &StreamReport, to: &str) -> String {
    match stream.origin {
        Origin::Rtp {
            source,
            destination,
            ..
        } => format!("{source} {to} {destination}"),
        Origin::File { channel } => format!("channel {channel}"),
    }
}

fn note(file: &FileResult, stream: &StreamReport) -> String {
    let mut note = match stream.origin {
        Origin::Rtp {
            ssrc, payload_type, ..
        } => format!(
            "{}, SSRC {ssrc:#010x}, {} (payload type {payload_type}), from {:.2} s of the capture",
            file.name,
            stream.format,
            stream.first_packet.as_secs_f64(),
        ),
        Origin::File { .. } => format!("{}, heard as {}", file.name, stream.format),
    };
    if let Some(call_id) = &stream.call_id {
        note.push_str(&format!(", call {call_id}"));
    }
    note
}

fn span(found: &FaultReport) -> Span {
    Span {
        kind: if found.fault.acts() {
            SpanKind::Fault
        } else {
            SpanKind::Advisory
        },
        from: found.from,
        to: found.to,
        detected_at: Some(found.detected_at),
        label: format!("{} ({})", found.fault.name(), found.variant),
    }
}

/// The signalling of the first capture that has any, with its streams where they begin.
fn ladder(file: &FileResult) -> Vec<LadderMessage> {
    let mut ends = Ends::default();
    let mut messages: Vec<LadderMessage> = file
        .signals
        .iter()
        .map(|signal| ends.signal(signal))
        .collect();
    for stream in &file.streams {
        let Some((source, destination)) = stream.origin.ends() else {
            continue;
        };
        messages.push(LadderMessage {
            at: stream.first_packet,
            from: ends.name(source),
            to: ends.name(destination),
            text: format!("RTP {}, {} packets", stream.format, stream.packets),
            detail: place(stream, "→"),
            kind: LadderKind::Media,
        });
        for found in &stream.faults {
            messages.push(LadderMessage {
                at: stream.first_packet + found.detected_at,
                from: ends.name(source),
                to: ends.name(destination),
                text: format!("{} found", found.fault.name()),
                detail: String::new(),
                kind: LadderKind::Alarm,
            });
        }
    }
    messages.sort_by_key(|message| message.at);
    messages
}

/// One column a host where a host has one signalling port; else one a socket.
#[derive(Default)]
struct Ends {
    by_host: BTreeMap<std::net::IpAddr, std::net::SocketAddr>,
}

impl Ends {
    fn signal(&mut self, signal: &Signal) -> LadderMessage {
        for end in [signal.source, signal.destination] {
            self.by_host.entry(end.ip()).or_insert(end);
        }
        LadderMessage {
            at: signal.at,
            from: signal.source.to_string(),
            to: signal.destination.to_string(),
            text: signal.text.clone(),
            detail: signal.detail.clone(),
            kind: match signal.kind {
                SignalKind::Request => LadderKind::Request,
                SignalKind::Response(_) => LadderKind::Response,
            },
        }
    }

    /// The signalling end at the same host, so that media stand in its column.
    fn name(&self, media: std::net::SocketAddr) -> String {
        self.by_host
            .get(&media.ip())
            .copied()
            .unwrap_or(media)
            .to_string()
    }
}

/// G.107's table B.1: below 3.6 many users are dissatisfied, below 4.03 some.
fn mos_tone(mos: f64) -> Tone {
    if mos < 3.6 {
        Tone::Bad
    } else if mos < 4.03 {
        Tone::Warning
    } else {
        Tone::Plain
    }
}

/// A page with more of them is no longer looked at.
const MAX_TRACKS: usize = 8;
