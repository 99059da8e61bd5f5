//! What resampling keeps, what it lets through, and what it costs: tones in, levels out, at every pair of rates.

use squelch_media::audio::resample::Resampler;
use std::f64::consts::TAU;

const RATES: [u32; 4] = [8_000, 16_000, 24_000, 48_000];
const AMPLITUDE: f64 = 10_000.0;

fn pairs() -> impl Iterator<Item = (u32, u32)> {
    let all = RATES
        .into_iter()
        .flat_map(|from| RATES.map(|to| (from, to)));
    all.filter(|(from, to)| from != to)
}

/// A second of a tone through a resampler in packets of `ms`; what comes out in its second half.
fn second_half(from: u32, to: u32, ms: u16, hz: f64) -> Vec<i16> {
    let mut resampler = Resampler::new(from, to, ms).expect("a pair of rates");
    let tone: Vec<i16> = (0..from)
        .map(|n| ((f64::from(n) * hz * TAU / f64::from(from)).sin() * AMPLITUDE) as i16)
        .collect();
    let mut heard = Vec::new();
    let mut packet = vec![0; resampler.output_samples()];
    for samples in tone.chunks_exact(resampler.input_samples()) {
        resampler.process(samples, &mut packet).expect("a packet");
        heard.extend_from_slice(&packet);
    }
    heard.split_off(heard.len() / 2)
}

/// The level of one frequency against the tone that went in. **Units**: dB.
fn level_db(pcm: &[i16], hz: f64, rate: u32) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in (0..).zip(pcm) {
        let phase = f64::from(n) * hz * TAU / f64::from(rate);
        re += f64::from(*sample) * phase.cos();
        im += f64::from(*sample) * phase.sin();
    }
    20.0 * (2.0 * re.hypot(im) / pcm.len() as f64 / AMPLITUDE).log10()
}

/// The level of all there is, against the tone that went in. **Units**: dB.
fn power_db(pcm: &[i16]) -> f64 {
    let power: f64 = pcm.iter().map(|s| f64::from(*s).powi(2)).sum();
    20.0 * ((power / pcm.len() as f64).sqrt() / (AMPLITUDE / 2_f64.sqrt())).log10()
}

/// A tone's level in what came out, less the tone itself: everything that should not be there.
fn rest_db(pcm: &[i16], hz: f64, rate: u32) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in (0..).zip(pcm) {
        let phase = f64::from(n) * hz * TAU / f64::from(rate);
        re += f64::from(*sample) * phase.cos();
        im += f64::from(*sample) * phase.sin();
    }
    let (re, im) = (2.0 * re / pcm.len() as f64, 2.0 * im / pcm.len() as f64);
    let rest: Vec<i16> = (0..)
        .zip(pcm)
        .map(|(n, sample)| {
            let phase = f64::from(n) * hz * TAU / f64::from(rate);
            (f64::from(*sample) - re * phase.cos() - im * phase.sin()).round() as i16
        })
        .collect();
    power_db(&rest)
}

/// A tone of this share of the lower rate's half, at a whole number of cycles in half a second.
fn tone_at(from: u32, to: u32, share: f64) -> f64 {
    (f64::from(from.min(to)) / 2.0 * share / 10.0).round() * 10.0
}

/// Where a packet is longer the filter is steeper: the share of the lower rate's half that is kept whole, and the one
/// from which on nothing is left.
const STEEPNESS: [(u16, f64, f64); 5] = [
    (10, 0.70, 1.20),
    (20, 0.85, 1.05),
    (30, 0.85, 1.05),
    (40, 0.85, 1.05),
    (60, 0.85, 1.05),
];

/// What a short filter takes from the upper end of the telephone's band, at the most.
const MOST_LOST_DB: f64 = 10.5;

#[test]
fn what_both_rates_hold_keeps_its_level_and_nothing_is_added() {
    for (from, to) in pairs() {
        for (ms, kept, _) in STEEPNESS {
            for share in [0.05, 0.25, 0.5, 0.7, 0.8, 0.85] {
                let hz = tone_at(from, to, share);
                let heard = second_half(from, to, ms, hz);
                let told = format!("{from} to {to} by {ms} ms, {hz} Hz");
                let level = level_db(&heard, hz, to);
                // 85 % are 3,400 Hz at 8 kHz, the telephone's band; packets of 10 ms lose some of its upper end.
                let most = if share <= kept { 0.01 } else { MOST_LOST_DB };
                assert!(level.abs() < most, "{told}: {level} dB");
                // Images and distortion: what is left is the rounding to 16 bits.
                let rest = rest_db(&heard, hz, to);
                assert!(rest < -75.0, "{told}: {rest} dB beside it");
            }
        }
    }
}

#[test]
fn what_the_lower_rate_can_not_hold_is_gone() {
    for (from, to) in pairs().filter(|(from, to)| from > to) {
        for (ms, _, gone) in STEEPNESS {
            for share in [1.05, 1.1, 1.2, 1.5, 1.9, 2.5, 5.5] {
                let hz = tone_at(from, to, share);
                if share >= gone && hz < f64::from(from) / 2.0 {
                    let alias = power_db(&second_half(from, to, ms, hz));
                    assert!(
                        alias < -80.0,
                        "{from} to {to} by {ms} ms, {hz} Hz: {alias} dB"
                    );
                }
            }
        }
    }
}

#[test]
fn no_packet_allocates() {
    for (from, to) in pairs() {
        for packet_ms in [10, 20, 30, 40, 60] {
            let mut resampler = Resampler::new(from, to, packet_ms).expect("a pair of rates");
            let input = vec![1_000; resampler.input_samples()];
            let mut output = vec![0; resampler.output_samples()];
            let counted = allocation_counter::measure(|| {
                for _ in 0..20 {
                    resampler.process(&input, &mut output).expect("a packet");
                }
            });
            let told = (from, to, packet_ms);
            assert_eq!(counted.count_total, 0, "{told:?}");
        }
    }
}
