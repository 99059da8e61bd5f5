//! Quality by the E-model: a figure for what transport did to the audio, blind to what the audio is.

use crate::Format;

/// The rating with all of G.107's default values and no delay. **Source**: ITU-T G.107, section 7.7.
const DEFAULT_RATING: f64 = 93.2;

/// Equipment impairment of G.711. **Source**: ITU-T G.113 Appendix I, table I.1.
const G711_IE: f64 = 0.0;

/// Packet-loss robustness of G.711 with concealment as in its Appendix I. **Source**: G.113 Appendix I, table I.4.
///
/// Receivers conceal loss; squelch relays gaps as they are, so the figure is what a receiver that conceals hears.
const G711_BPL: f64 = 25.1;

/// The transmission rating R for random loss.
///
/// **Units**: `loss` as a fraction 0 to 1. **Source**: G.107 section 7.5, formula 7-29 with BurstR = 1.
pub fn rating(format: Format, loss: f64) -> f64 {
    let (ie, bpl) = match format {
        // G.113 has no figures for L16, which loses nothing to coding either, nor for Opus.
        Format::Pcmu | Format::Pcma | Format::L16(_) | Format::Opus => (G711_IE, G711_BPL),
    };
    let percent = 100.0 * loss.clamp(0.0, 1.0);
    DEFAULT_RATING - (ie + (95.0 - ie) * percent / (percent + bpl))
}

/// The mean opinion score for random loss, 1.0 to 4.41.
///
/// **Units**: `loss` as a fraction 0 to 1. **Source**: G.107 Annex B.
pub fn mos(format: Format, loss: f64) -> f64 {
    let r = rating(format, loss);
    if r <= 0.0 {
        return 1.0;
    }
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7.0e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g107_annex_b_default_is_4_41() {
        assert!((mos(Format::Pcmu, 0.0) - 4.41).abs() < 0.005);
    }

    #[test]
    fn more_loss_is_never_better() {
        let curve: Vec<f64> = (0..=100)
            .map(|percent| mos(Format::Pcma, f64::from(percent) / 100.0))
            .collect();
        assert!(curve.is_sorted_by(|a, b| a >= b));
        assert!(curve[100] < 2.0);
    }

    #[test]
    fn g113_five_percent_loss() {
        // 93.2 - 95 * 5 / (5 + 25.1) = 77.42 by hand.
        assert!((rating(Format::Pcmu, 0.05) - 77.42).abs() < 0.01);
    }
}
