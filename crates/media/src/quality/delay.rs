//! What delay takes from a conversation (ITU-T G.107 section 7.4: Id = Idte + Idle + Idd).

use std::time::Duration;

/// G.107's default values (table 2): all but the delay.
const TALKER_ECHO_LOUDNESS_RATING: f64 = 65.0;
const WEIGHTED_ECHO_PATH_LOSS: f64 = 110.0;
/// Ro, and Roe, which is the same at the defaults: 15 - 1.5 (SLR + No) with No = -61.18 dBm0p.
const RO: f64 = 94.77;

/// By how much the rating falls for a one-way delay; 0 for none, since R's default of 93.2 has its share in it.
pub(super) fn delay_impairment(delay: Duration) -> f64 {
    let ms = delay.as_secs_f64() * 1_000.0;
    (impairment(ms) - impairment(0.0)).max(0.0)
}

/// Id with T = Ta and Tr = 2 Ta. **Units**: milliseconds.
fn impairment(ta: f64) -> f64 {
    talker_echo(ta) + listener_echo(2.0 * ta) + too_long(ta)
}

/// Idte, by formulas 7-19 to 7-22; the sidetone masking rating is within 9 to 20 dB at its default.
fn talker_echo(t: f64) -> f64 {
    let terv = TALKER_ECHO_LOUDNESS_RATING - 40.0 * ((1.0 + t / 10.0) / (1.0 + t / 150.0)).log10()
        + 6.0 * (-0.3 * t * t).exp();
    let re = 80.0 + 2.5 * (terv - 14.0);
    let half = (RO - re) / 2.0;
    (half + (half * half + 100.0).sqrt() - 1.0) * (1.0 - (-t).exp())
}

/// Idle, by formulas 7-24 and 7-25.
fn listener_echo(tr: f64) -> f64 {
    let rle = 10.5 * (WEIGHTED_ECHO_PATH_LOSS + 7.0) * (tr + 1.0).powf(-0.25);
    let half = (RO - rle) / 2.0;
    half + (half * half + 169.0).sqrt()
}

/// Idd, by formulas 7-27 and 7-28.
fn too_long(ta: f64) -> f64 {
    if ta <= 100.0 {
        return 0.0;
    }
    let x = (ta / 100.0).log2();
    25.0 * ((1.0 + x.powi(6)).powf(1.0 / 6.0) - 3.0 * (1.0 + (x / 3.0).powi(6)).powf(1.0 / 6.0)
        + 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ms: u64) -> f64 {
        delay_impairment(Duration::from_millis(ms))
    }

    #[test]
    fn no_delay_takes_nothing_and_more_takes_more() {
        assert_eq!(of(0), 0.0);
        let curve: Vec<f64> = (0..100).map(|n| of(10 * n)).collect();
        assert!(curve.is_sorted(), "{curve:?}");
    }

    /// Cole and Rosenbluth, Voice over IP performance monitoring (2001): Id = 0.024 d + 0.11 (d - 177.3) H(d - 177.3)
    /// approximates G.107 at its defaults; past 300 ms the line is the steeper one.
    #[test]
    fn the_published_approximation_is_near() {
        for ms in [50, 100, 150, 200, 250, 300] {
            let d = ms as f64;
            let approximation = 0.024 * d + 0.11 * (d - 177.3).max(0.0);
            let of = of(ms);
            assert!(
                (of - approximation).abs() < 2.0,
                "{ms} ms: {of:.2}, {approximation:.2}"
            );
        }
    }
}
