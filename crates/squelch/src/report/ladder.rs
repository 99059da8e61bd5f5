//! The signalling as a ladder: a column an end, an arrow a message, time downwards.

use std::io::{self, Write};

use super::escape::Escaped;
use super::{LadderKind, LadderMessage};

pub(super) fn write(messages: &[LadderMessage], out: &mut impl Write) -> io::Result<()> {
    let ends = ends(messages);
    let shown = messages.get(..MAX_MESSAGES).unwrap_or(messages);
    let column = |name: &str| ends.iter().position(|end| *end == name).unwrap_or(0);
    let wide = ((PAGE - GUTTER) / ends.len().max(1)).clamp(MIN_COLUMN, MAX_COLUMN);
    let x = |index: usize| GUTTER + wide / 2 + index * wide;
    let width = GUTTER + wide * ends.len();
    let height = HEAD + ROW * shown.len() + FOOT;
    write!(
        out,
        "<div class=\"scroll\"><svg class=\"ladder\" viewBox=\"0 0 {width} {height}\" \
         style=\"width:{width}px\" role=\"img\" aria-label=\"Signalling\"><defs>"
    )?;
    for kind in &KINDS {
        write!(
            out,
            "<marker id=\"tip-{0}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"{1}\" \
             markerHeight=\"{1}\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip {0}\" d=\"M0 1 10 5 0 9Z\"/></marker>",
            kind.class(),
            if *kind == LadderKind::Media { 14 } else { 9 }
        )?;
    }
    write!(out, "</defs>")?;
    for (index, end) in ends.iter().enumerate() {
        let at = x(index);
        write!(
            out,
            "<line class=\"life\" x1=\"{at}\" x2=\"{at}\" y1=\"{HEAD}\" y2=\"{height}\"/>\
             <rect class=\"end\" x=\"{}\" y=\"4\" width=\"{}\" height=\"30\" rx=\"6\"/>\
             <text class=\"name\" x=\"{at}\" y=\"24\">{}</text>",
            at - wide / 2 + 12,
            wide - 24,
            Escaped(&short(end, 30))
        )?;
    }
    for (row, message) in shown.iter().enumerate() {
        let y = HEAD + ROW * row + ROW * 2 / 3;
        let (from, to) = (x(column(&message.from)), x(column(&message.to)));
        let class = message.kind.class();
        let middle = (from + to) / 2;
        write!(
            out,
            "<g><title>{full}</title><text class=\"time\" x=\"{right}\" y=\"{time_y}\">{time:.3} s</text>\
             <line class=\"arrow {class}\" x1=\"{from}\" x2=\"{to}\" y1=\"{y}\" y2=\"{y}\" marker-end=\"url(#tip-{class})\"/>\
             <text class=\"over {class}\" x=\"{middle}\" y=\"{over}\">{text}</text>\
             <text class=\"under\" x=\"{middle}\" y=\"{under}\">{detail}</text></g>",
            full = Escaped(&format!("{} {}", message.text, message.detail)),
            right = GUTTER - 8,
            time_y = y + 4,
            time = message.at.as_secs_f64(),
            over = y - 5,
            under = y + 13,
            text = Escaped(&short(&message.text, 40)),
            detail = Escaped(&short(&message.detail, 48)),
        )?;
    }
    write!(out, "</svg></div>")?;
    if messages.len() > shown.len() {
        let left = messages.len() - shown.len();
        write!(out, "<p class=\"note\">{left} more messages follow.</p>")?;
    }
    Ok(())
}

/// The ends in the order in which they first speak or are spoken to.
fn ends(messages: &[LadderMessage]) -> Vec<&str> {
    let mut ends: Vec<&str> = Vec::new();
    for message in messages {
        for end in [message.from.as_str(), message.to.as_str()] {
            if !ends.contains(&end) && ends.len() < MAX_ENDS {
                ends.push(end);
            }
        }
    }
    ends
}

impl LadderKind {
    fn class(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Media => "media",
            Self::Control => "control",
            Self::Alarm => "alarm",
        }
    }
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{kept}…")
}

const KINDS: [LadderKind; 5] = [
    LadderKind::Request,
    LadderKind::Response,
    LadderKind::Media,
    LadderKind::Control,
    LadderKind::Alarm,
];
/// More would no longer be read; the capture itself holds the rest.
const MAX_MESSAGES: usize = 200;
/// More columns than this are no call any more; what is beyond shares the first.
const MAX_ENDS: usize = 12;
const GUTTER: usize = 76;
/// What the page has room for; more columns than fit are scrolled.
const PAGE: usize = 1_030;
const MIN_COLUMN: usize = 200;
const MAX_COLUMN: usize = 320;
const HEAD: usize = 42;
const ROW: usize = 42;
const FOOT: usize = 14;
