//! Values of the command line: spans of time, shares, and what befalls packets.

use std::time::Duration;

use squelch_sim::impair::Impairment;

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

/// `1%`, `0.5%` or `0.005`, as 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is no share: write it as 1% or 0.01");
    let (number, unit) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let share = number.parse::<f64>().map_err(|_| wrong())? / unit;
    (0.0..=1.0)
        .contains(&share)
        .then_some(share)
        .ok_or_else(wrong)
}

/// `loss=1%,jitter=20ms,reorder=0.5%,duplicate=0.1%,delay=50ms`, in any order, each at most once.
pub(super) fn impairment(text: &str) -> Result<Impairment, String> {
    let mut plan = Impairment::default();
    let mut given = Vec::new();
    for part in text.split(',') {
        let (name, value) = part.split_once('=').ok_or_else(|| {
            format!("{part:?}: write it as loss=1%, with a comma before the next")
        })?;
        if given.contains(&name) {
            return Err(format!("{name} is given twice"));
        }
        given.push(name);
        match name {
            "loss" => plan.loss = share(value)?,
            "duplicate" => plan.duplicate = share(value)?,
            "reorder" => plan.reorder = share(value)?,
            "jitter" => plan.jitter = wait(value)?,
            "delay" => plan.delay = wait(value)?,
            _ => {
                return Err(format!(
                    "{name:?}: there is loss, jitter, reorder, duplicate and delay"
                ));
            }
        }
    }
    Ok(plan)
}

/// A time that packets may be held back for.
fn wait(text: &str) -> Result<Duration, String> {
    let time = span(text)?;
    (time <= LONGEST_WAIT)
        .then_some(time)
        .ok_or_else(|| format!("{text} is more than {} s", LONGEST_WAIT.as_secs()))
}

/// More than any network keeps a packet for, and less than a call has room to hold.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
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

    #[test]
    fn impairment_is_a_list() {
        let plan = impairment("loss=1%,jitter=20ms,reorder=0.5%,duplicate=0.1%").unwrap();
        assert_eq!(
            (plan.loss, plan.reorder, plan.duplicate),
            (0.01, 0.005, 0.001)
        );
        assert_eq!(plan.jitter, Duration::from_millis(20));
        for wrong in [
            "",
            "loss",
            "loss=2",
            "loss=1%,loss=2%",
            "jitter=3s",
            "colour=1%",
        ] {
            assert!(impairment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares_are_of_a_whole() {
        assert_eq!(share("1%"), Ok(0.01));
        assert_eq!(share("0.5"), Ok(0.5));
        for wrong in ["", "%", "101%", "-1%", "NaN", "2"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
