//! The HTML report: one file that shows what was said on the wire and what was heard.
//!
//! Nothing is fetched and nothing runs in it: styles, pictures and sound are inside,
//! and its content security policy forbids the rest. All text is escaped.

mod chart;
mod escape;
mod ladder;
mod page;
mod palette;
mod png;
mod sound;
mod spectrogram;
mod track;
mod waveform;

use std::io::{self, Write};
use std::time::Duration;

use squelch_media::detect::Fault;

/// What a report shows, from top to bottom.
#[derive(Debug, Default)]
pub struct Report<'a> {
    /// The heading.
    pub title: String,
    /// The verdict, beside the heading.
    pub verdict: Option<Row>,
    /// A sentence or two under the heading.
    pub lead: String,
    /// What there is to know at a glance.
    pub summary: Vec<Row>,
    /// Streams, calls or whatever was compared.
    pub table: Option<Table>,
    /// The audio, each with its verdict timeline.
    pub tracks: Vec<Track<'a>>,
    /// Curves over time.
    pub charts: Vec<Chart>,
    /// The signalling, in the order of time.
    pub ladder: Vec<LadderMessage>,
    /// A sentence over the signalling; may be empty.
    pub ladder_note: String,
    /// What was found, to explain in plain words; each fault is explained once.
    pub findings: Vec<Finding>,
}

/// One fault that was found, and why it is believed.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which one.
    pub fault: Fault,
    /// Where, in a few words.
    pub place: String,
    /// A sentence with the finding's figures.
    pub why: String,
}

/// A name, a value, and what to think of it.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// What is said.
    pub label: String,
    /// What it is.
    pub value: String,
    /// What to think of it.
    pub tone: Tone,
}

/// What to think of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// Neither good nor bad.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Wrong.
    Bad,
}

/// A table: a heading per column, and rows of as many cells.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The columns' headings.
    pub columns: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell of a [`Table`].
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// What to think of it.
    pub tone: Tone,
}

/// Curves on one scale over time.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// What it shows.
    pub name: String,
    /// A sentence under the name.
    pub note: String,
    /// The unit of its values.
    pub unit: String,
    /// How long the curves last.
    pub span: Duration,
    /// The curves, drawn one over the other.
    pub curves: Vec<Curve>,
}

/// One curve of a [`Chart`].
#[derive(Debug, Clone, Default)]
pub struct Curve {
    /// What it is.
    pub name: String,
    /// What to think of it.
    pub tone: Tone,
    /// Its values, evenly spread over the chart's span; none where there is nothing to show.
    pub points: Vec<Option<f64>>,
}

/// One piece of audio with what was found in it.
#[derive(Debug)]
pub struct Track<'a> {
    /// Whose audio it is.
    pub name: String,
    /// A sentence under the name.
    pub note: String,
    /// The PCM samples.
    pub samples: &'a [i16],
    /// **Units**: Hz.
    pub rate_hz: u32,
    /// What was found, and what was done about it.
    pub spans: Vec<Span>,
}

/// A part of a track that is marked.
#[derive(Debug, Clone)]
pub struct Span {
    /// What the mark means.
    pub kind: SpanKind,
    /// Where it begins, from the track's start.
    pub from: Duration,
    /// Where it ends.
    pub to: Duration,
    /// When it was noticed, if that was later.
    pub detected_at: Option<Duration>,
    /// What it says.
    pub label: String,
}

/// What the mark of a [`Span`] means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// A fault that acts.
    Fault,
    /// A fault that is only told.
    Advisory,
    /// Comfort silence instead of what came.
    Muted,
    /// Made right again.
    Repaired,
}

/// One arrow of the signalling ladder.
#[derive(Debug, Clone)]
pub struct LadderMessage {
    /// When, from the first packet.
    pub at: Duration,
    /// Who sent it: the same text is the same column.
    pub from: String,
    /// Whom it was sent to.
    pub to: String,
    /// What is written over the arrow.
    pub text: String,
    /// What is written under it, smaller.
    pub detail: String,
    /// How it is drawn.
    pub kind: LadderKind,
}

/// How a [`LadderMessage`] is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LadderKind {
    /// A request: solid.
    Request,
    /// A response: dashed.
    Response,
    /// A media stream that begins: thick.
    Media,
    /// Something outside SIP (a webhook, an API call): dotted.
    Control,
    /// Something that went wrong: solid, in the colour of faults.
    Alarm,
}

impl Report<'_> {
    /// Writes the report as one HTML file.
    ///
    /// **Cost**: a spectrogram and, up to two minutes of audio, the samples themselves a track.
    pub fn write_html(&self, out: &mut impl Write) -> io::Result<()> {
        page::write(self, out)
    }
}

#[cfg(test)]
mod tests;
