//! Values of the command line: spans of time and shares.

use std::time::Duration;

/// `250ms`, `15s`, `1.5s`, `30m`, `2h`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{text:?} is no time: write a number with a unit, as in 250ms, 15s, 30m, 2h");
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = text.split_at(unit_at.unwrap_or(text.len()));
    let seconds: f64 = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let span = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
    (span <= LONGEST).then_some(span).ok_or_else(wrong)
}

/// A week.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(span("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(span("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(span("2h"), Ok(Duration::from_secs(7_200)));
        for wrong in ["", "5", "s", "-1s", "NaNs", "1e9h", "5 s", "5d"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
