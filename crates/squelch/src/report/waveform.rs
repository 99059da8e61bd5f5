//! The samples' envelope as an SVG path.

use std::fmt::Write as _;

/// The outline of the samples in a box of `COLUMNS` by `HEIGHT`: highest values to the
/// right, lowest back to the left.
pub(super) fn path(samples: &[i16]) -> String {
    let columns = samples.len().clamp(1, COLUMNS);
    let mut lows = Vec::with_capacity(columns);
    let mut path = String::from("M");
    for column in 0..columns {
        let from = column * samples.len() / columns;
        let to = (column + 1) * samples.len() / columns;
        let part = samples.get(from..to).unwrap_or(&[]);
        let high = part.iter().max().copied().unwrap_or(0);
        let low = part.iter().min().copied().unwrap_or(0);
        let x = column * COLUMNS / columns;
        let _ = write!(path, "{x} {} ", y(high) - HAIRLINE);
        lows.push((x, y(low) + HAIRLINE));
    }
    for (x, low) in lows.into_iter().rev() {
        let _ = write!(path, "{x} {low} ");
    }
    path.push('Z');
    path
}

fn y(sample: i16) -> i32 {
    HEIGHT / 2 - i32::from(sample) * (HEIGHT / 2) / 32_768
}

/// The width of the box.
pub(super) const COLUMNS: usize = 1_000;
/// The height of the box.
pub(super) const HEIGHT: i32 = 256;
/// So that silence is a line and not nothing.
const HAIRLINE: i32 = 1;
