//! A track: waveform, spectrogram and verdicts under one another, on one time axis.

use std::io::{self, Write};
use std::time::Duration;

use super::escape::Escaped;
use super::{Span, SpanKind, Track, sound, spectrogram, waveform};

/// `index` tells this track's drawings from those of the others in the page.
pub(super) fn write(track: &Track<'_>, index: usize, out: &mut impl Write) -> io::Result<()> {
    let length = length(track);
    write!(
        out,
        "<section class=\"card track\"><h3>{}</h3><p class=\"note\">{}</p><div class=\"lanes\">",
        Escaped(&track.name),
        Escaped(&track.note)
    )?;
    wave_lane(track, index, length, out)?;
    let top_khz = f64::from(track.rate_hz) / 2_000.0;
    write!(
        out,
        "<div class=\"gutter\"><b>{top_khz} kHz</b><b>0</b></div><div class=\"lane spectrum\">\
         <img alt=\"Spectrogram of {}\" src=\"{}\">",
        Escaped(&track.name),
        spectrogram::data_uri(track.samples)
    )?;
    edges(track, length, out)?;
    write!(out, "</div>")?;
    verdict_lane(track, length, out)?;
    axis(length, out)?;
    write!(out, "</div>")?;
    findings(track, out)?;
    if let Some(uri) = sound::data_uri(track.samples, track.rate_hz) {
        if track.spans.iter().any(Span::is_bad) {
            write!(
                out,
                "<p class=\"loud\">Turn the volume down first: what is broken is loud.</p>"
            )?;
        }
        write!(
            out,
            "<audio controls preload=\"none\" src=\"{uri}\"></audio>"
        )?;
    }
    writeln!(out, "</section>")
}

fn wave_lane(
    track: &Track<'_>,
    index: usize,
    length: Duration,
    out: &mut impl Write,
) -> io::Result<()> {
    let (columns, height) = (waveform::COLUMNS, waveform::HEIGHT);
    write!(
        out,
        "<div class=\"gutter\"><b>level</b></div><div class=\"lane wave\">\
         <svg viewBox=\"0 0 {columns} {height}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Waveform of {}\">\
         <defs><path id=\"wave{index}\" d=\"{}\"/><clipPath id=\"clip{index}\">",
        Escaped(&track.name),
        waveform::path(track.samples)
    )?;
    for span in track.spans.iter().filter(|span| span.is_bad()) {
        let (left, width) = placed(span, length);
        write!(
            out,
            "<rect x=\"{:.1}\" width=\"{:.1}\" y=\"0\" height=\"{height}\"/>",
            left * 10.0,
            width * 10.0
        )?;
    }
    write!(
        out,
        "</clipPath></defs><use href=\"#wave{index}\" class=\"sound\"/>\
         <use href=\"#wave{index}\" class=\"broken\" clip-path=\"url(#clip{index})\"/></svg>"
    )?;
    edges(track, length, out)?;
    write!(out, "</div>")
}

/// Where faults begin and end, as lines over a drawing.
fn edges(track: &Track<'_>, length: Duration, out: &mut impl Write) -> io::Result<()> {
    for span in track.spans.iter().filter(|span| span.is_bad()) {
        let (left, width) = placed(span, length);
        write!(
            out,
            "<i class=\"edges\" style=\"left:{left:.2}%;width:{width:.2}%\"></i>"
        )?;
    }
    Ok(())
}

fn verdict_lane(track: &Track<'_>, length: Duration, out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "<div class=\"gutter\"><b>verdict</b></div><div class=\"lane verdicts\">"
    )?;
    for span in &track.spans {
        let (left, width) = placed(span, length);
        let text = Escaped(&span.label);
        write!(
            out,
            "<i class=\"span {}\" style=\"left:{left:.2}%;width:{width:.2}%\" title=\"{text}\">{text}</i>",
            span.kind.class()
        )?;
        if let Some(at) = span.detected_at {
            let left = percent(at, length);
            write!(
                out,
                "<i class=\"found\" style=\"left:{left:.2}%\" title=\"found at {}\"></i>",
                seconds(at)
            )?;
        }
    }
    write!(out, "</div>")
}

/// A tick every so many whole seconds that about ten fit, and a number under each.
fn axis(length: Duration, out: &mut impl Write) -> io::Result<()> {
    let whole = length.as_secs();
    let step = STEPS_S
        .into_iter()
        .find(|step| whole / step <= MAX_TICKS)
        .unwrap_or(whole.max(1));
    write!(out, "<div></div><div class=\"axis\">")?;
    for second in (0..=whole).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        let left = percent(Duration::from_secs(second), length);
        if left < 99.0 {
            write!(out, "<b style=\"left:{left:.2}%\">{second} s</b>")?;
        }
    }
    write!(out, "</div>")
}

fn findings(track: &Track<'_>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "<ul class=\"findings\">")?;
    for span in &track.spans {
        write!(
            out,
            "<li><em class=\"{}\">{}</em> {} to {}",
            span.kind.class(),
            Escaped(&span.label),
            seconds(span.from),
            seconds(span.to)
        )?;
        if let Some(at) = span.detected_at {
            let after = at.saturating_sub(span.from).as_millis();
            write!(out, ", found after {after} ms")?;
        }
        write!(out, "</li>")?;
    }
    if track.spans.is_empty() {
        write!(out, "<li><em class=\"good\">none</em> no fault found</li>")?;
    }
    write!(out, "</ul>")
}

impl SpanKind {
    fn class(self) -> &'static str {
        match self {
            Self::Fault => "bad",
            Self::Advisory => "warning",
            Self::Muted => "muted",
            Self::Repaired => "good",
        }
    }
}

impl Span {
    fn is_bad(&self) -> bool {
        self.kind == SpanKind::Fault
    }
}

/// Left edge and width, in percent.
fn placed(span: &Span, length: Duration) -> (f64, f64) {
    let left = percent(span.from, length);
    (left, (percent(span.to, length) - left).max(0.2))
}

fn percent(at: Duration, length: Duration) -> f64 {
    (at.as_secs_f64() / length.as_secs_f64() * 100.0).clamp(0.0, 100.0)
}

fn length(track: &Track<'_>) -> Duration {
    let samples = track.samples.len().max(1) as f64;
    Duration::from_secs_f64(samples / f64::from(track.rate_hz.max(1)))
}

fn seconds(at: Duration) -> String {
    format!("{:.2} s", at.as_secs_f64())
}

/// Distances between ticks that read well.
const STEPS_S: [u64; 12] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600];
const MAX_TICKS: u64 = 12;
