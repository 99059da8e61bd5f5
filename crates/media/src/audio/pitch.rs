//! The period of voiced speech, by correlation.

/// The shortest and the longest period looked for: 66 to 200 Hz. **Source**: ITU-T G.711 Appendix I, section I.2.2.
/// **Units**: samples at 8 kHz.
pub(crate) const SHORTEST: usize = 40;
pub(crate) const LONGEST: usize = 120;

/// How much sound is compared. **Source**: ITU-T G.711 Appendix I, section I.2.2: 20 ms.
const COMPARED: usize = 160;

/// The period, in samples, that the end of `heard` repeats best.
///
/// **Shape**: `heard` lasts [`LONGEST`] + 20 ms at least, else the shortest period is given. `step` is the sample
/// rate over 8 kHz: the search is as fine as that at 8 kHz, then finer around the best.
///
/// **Cost**: some 10 us.
pub(crate) fn period(heard: &[i16], step: usize) -> usize {
    let step = step.max(1);
    let window = COMPARED * step;
    let (shortest, longest) = (SHORTEST * step, LONGEST * step);
    if heard.len() < window + longest {
        return shortest;
    }
    let score = |lag: usize, stride: usize| likeness_at(heard, lag, window, stride);
    let best = |lags: &mut dyn Iterator<Item = usize>, stride: usize| {
        let mut best = (f32::MIN, shortest);
        for lag in lags {
            let score = score(lag, stride);
            if score > best.0 {
                best = (score, lag);
            }
        }
        best.1
    };
    // Every second lag by every second sample first.
    let coarse = best(&mut (shortest..=longest).step_by(2 * step), 2 * step);
    let around = coarse.saturating_sub(2 * step).max(shortest)..=(coarse + 2 * step).min(longest);
    best(&mut around.into_iter(), step)
}

/// How alike the last `window` samples are to those `lag` before, -1 to 1.
fn likeness_at(heard: &[i16], lag: usize, window: usize, stride: usize) -> f32 {
    let end = heard.len();
    let now = heard.get(end - window..).unwrap_or_default();
    let before = heard.get(end - window - lag..end - lag).unwrap_or_default();
    likeness(now, before, stride)
}

/// How alike two stretches are by every `stride`-th sample, -1 to 1; silence is like nothing.
pub(crate) fn likeness(a: &[i16], b: &[i16], stride: usize) -> f32 {
    let (mut product, mut a_energy, mut b_energy) = (0.0_f32, 1.0_f32, 1.0_f32);
    for (a, b) in a.iter().zip(b).step_by(stride.max(1)) {
        let (a, b) = (f32::from(*a), f32::from(*b));
        product += a * b;
        a_energy += a * a;
        b_energy += b * b;
    }
    product / (a_energy * b_energy).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buzz_has_its_period_at_every_rate() {
        for step in [1, 2, 3, 6] {
            for hz in [70, 100, 133, 190] {
                let rate = 8_000 * step;
                let period_samples = rate / hz;
                let heard: Vec<i16> = (0..rate / 20)
                    .map(|n| {
                        let phase = (n % period_samples) as f32 / period_samples as f32;
                        ((1.0 - 2.0 * phase) * 8_000.0) as i16
                    })
                    .collect();
                let found = period(&heard, step);
                assert!(
                    found.abs_diff(period_samples) <= step,
                    "{hz} Hz at {rate}: {found}, not {period_samples}"
                );
            }
        }
    }

    #[test]
    fn too_little_and_nothing_at_all_give_a_period_all_the_same() {
        assert_eq!(period(&[1, 2, 3], 1), SHORTEST);
        assert!((SHORTEST..=LONGEST).contains(&period(&[0; 400], 1)));
    }
}
