//! The E-model (ITU-T G.107): from loss and delay to a rating R and a mean opinion score.

use super::delay::delay_impairment;
use crate::Format;
use std::time::Duration;

/// The rating with all of G.107's default values and no delay. **Source**: ITU-T G.107, section 7.7.
const DEFAULT_RATING: f64 = 93.2;

/// Equipment impairment of G.711. **Source**: ITU-T G.113 Appendix I, table I.1.
const G711_IE: f64 = 0.0;

/// Packet-loss robustness of G.711 with concealment as in its Appendix I. **Source**: G.113 Appendix I, table I.4.
///
/// Receivers conceal loss; squelch relays gaps as they are, so the figure is what a receiver that conceals hears.
const G711_BPL: f64 = 25.1;

/// How much burstier than random loss the model follows. **Source**: G.107's permitted range of BurstR.
const MAX_BURST_RATIO: f64 = 8.0;

/// What transport did to a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transport {
    /// A fraction, 0 to 1.
    pub loss: f64,
    /// The mean run of lost packets against that of random loss as frequent; 1 for random loss.
    pub burst_ratio: f64,
    /// From mouth to ear, as far as it is known.
    pub delay: Duration,
}

impl Transport {
    /// Random loss without delay.
    pub const fn random_loss(loss: f64) -> Transport {
        Transport {
            loss,
            burst_ratio: 1.0,
            delay: Duration::ZERO,
        }
    }
}

/// The transmission rating R. **Source**: G.107 section 7.1, formula 7-1, with Ie-eff by formula 7-29 and Id by
/// section 7.4.
pub fn rating_of(format: Format, transport: &Transport) -> f64 {
    let (ie, bpl) = match format {
        // G.113 has no figures for L16, which loses nothing to coding either, nor for Opus.
        Format::Pcmu | Format::Pcma | Format::L16(_) | Format::Opus => (G711_IE, G711_BPL),
    };
    let percent = 100.0 * transport.loss.clamp(0.0, 1.0);
    // Loss that is spread more evenly than by chance is no better for it.
    let ratio = transport.burst_ratio.clamp(1.0, MAX_BURST_RATIO);
    let effective = ie + (95.0 - ie) * percent / (percent / ratio + bpl);
    DEFAULT_RATING - effective - delay_impairment(transport.delay)
}

/// The mean opinion score, 1.0 to 4.41. **Source**: G.107 Annex B.
pub fn mos_of(format: Format, transport: &Transport) -> f64 {
    let r = rating_of(format, transport);
    if r <= 0.0 {
        return 1.0;
    }
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7.0e-6).clamp(1.0, 4.5)
}

/// The transmission rating R for random loss without delay.
///
/// **Units**: `loss` as a fraction 0 to 1.
pub fn rating(format: Format, loss: f64) -> f64 {
    rating_of(format, &Transport::random_loss(loss))
}

/// The mean opinion score for random loss without delay, 1.0 to 4.41.
///
/// **Units**: `loss` as a fraction 0 to 1.
pub fn mos(format: Format, loss: f64) -> f64 {
    mos_of(format, &Transport::random_loss(loss))
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
        for burst_ratio in [1.0, 2.0, 8.0] {
            let curve: Vec<f64> = (0..=100)
                .map(|percent| {
                    let transport = Transport {
                        burst_ratio,
                        ..Transport::random_loss(f64::from(percent) / 100.0)
                    };
                    mos_of(Format::Pcma, &transport)
                })
                .collect();
            assert!(curve.is_sorted_by(|a, b| a >= b));
            assert!(curve[100] < 2.0);
        }
    }

    #[test]
    fn g113_five_percent_loss() {
        // 93.2 - 95 * 5 / (5 + 25.1) = 77.42 by hand.
        assert!((rating(Format::Pcmu, 0.05) - 77.42).abs() < 0.01);
    }

    #[test]
    fn bursts_are_worse_than_random_loss() {
        let bursty = Transport {
            burst_ratio: 2.0,
            ..Transport::random_loss(0.05)
        };
        // 93.2 - 95 * 5 / (2.5 + 25.1) = 75.99 by hand.
        assert!((rating_of(Format::Pcmu, &bursty) - 75.99).abs() < 0.01);
    }
}
