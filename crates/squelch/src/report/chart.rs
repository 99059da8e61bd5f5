//! A curve over time, or several on one scale.

use std::io::{self, Write};

use super::escape::Escaped;
use super::{Chart, Tone};

pub(super) fn write(chart: &Chart, out: &mut impl Write) -> io::Result<()> {
    let points = chart.curves.iter().flat_map(|curve| &curve.points);
    let highest = points.clone().flatten().copied().fold(0.0, f64::max);
    let top = round_up(highest);
    writeln!(
        out,
        "<section class=\"card\"><h3>{}</h3><p class=\"note\">{}</p><div class=\"legend\">",
        Escaped(&chart.name),
        Escaped(&chart.note)
    )?;
    for (index, curve) in chart.curves.iter().enumerate() {
        write!(
            out,
            "<span><i class=\"key {}\"></i>{}</span>",
            class(curve.tone, index),
            Escaped(&curve.name)
        )?;
    }
    let unit = Escaped(&chart.unit);
    write!(
        out,
        "</div><div class=\"lanes\"><div class=\"gutter\"><span>{} {unit}</span><span>0</span></div>\
         <svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{}\">",
        number(top),
        Escaped(&chart.name)
    )?;
    for (index, curve) in chart.curves.iter().enumerate() {
        let last = (curve.points.len().max(2) - 1) as f64;
        let mut path = String::new();
        let mut up = true;
        for (at, point) in curve.points.iter().enumerate() {
            let Some(point) = point.filter(|point| point.is_finite()) else {
                up = true;
                continue;
            };
            let (x, y) = (
                at as f64 / last * WIDTH,
                HEIGHT - point / top * (HEIGHT - 2.0) - 1.0,
            );
            path.push_str(&format!("{}{x:.1} {y:.1}", if up { "M" } else { "L" }));
            if up {
                // One point alone is a dot.
                path.push_str("h0.01");
            }
            up = false;
        }
        write!(
            out,
            "<path class=\"{}\" d=\"{path}\"/>",
            class(curve.tone, index)
        )?;
    }
    writeln!(
        out,
        "</svg><span></span><div class=\"ends\"><span>0 s</span><span>{} s</span></div></div></section>",
        chart.span.as_secs()
    )
}

fn class(tone: Tone, index: usize) -> &'static str {
    match (tone, index % 3) {
        (Tone::Bad, _) => "curve bad",
        (Tone::Warning, _) => "curve warning",
        (Tone::Good, _) => "curve good",
        (Tone::Plain, 0) => "curve first",
        (Tone::Plain, 1) => "curve second",
        (Tone::Plain, _) => "curve third",
    }
}

/// The next of 1, 2, 5, 10 and so on.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let step = steps
        .into_iter()
        .find(|step| value <= step * power * 1.000_001);
    step.unwrap_or(10.0) * power
}

fn number(value: f64) -> String {
    match value < 1.0 {
        true => format!("{value:.3}"),
        false => format!("{value:.0}"),
    }
}

const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 120.0;
