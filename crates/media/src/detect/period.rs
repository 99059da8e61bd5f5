//! Whether a payload that comes again and again is a sound whose period fits the packet: then nothing is wrong.
//!
//! Seen as a loop, the payload of a tone of 50 Hz, of any multiple of it, or of some of them together has all its
//! power in a few lines of its spectrum, and goes on smoothly where it begins anew. A piece that was cut out of
//! speech has it in many, for its own pitch and its formants lie between the lines and its ends don't meet.

use super::readings::{Room, product};
use squelch_g711::Law;

/// Whether the payload, repeated, can be nothing but a piece of something else.
///
/// **Cost**: a Fourier transform done the long way, some 10,000 products for 20 ms; only for what repeats.
pub(super) fn is_cut_out(law: Law, payload: &[u8]) -> bool {
    let Some(payload) = payload.get(..payload.len().min(MAX_SAMPLES)) else {
        return false;
    };
    if has_period(payload) || is_mostly_one(payload) {
        return false;
    }
    let mut room = Room::new();
    let samples = payload.iter().map(|code| law.decode_sample(*code));
    let (_, samples) = room.shape(samples);
    let mut powers = [0.0; MAX_SAMPLES / 2];
    let powers = spectrum(samples, &mut powers);
    let beyond = beyond_the_lines(powers);
    match beyond {
        _ if is_comb(powers) => false,
        ..FEW_LINES => false,
        FEW_LINES..MANY_LINES => seam(samples) > SEAM,
        _ => true,
    }
}

/// Whether most of the payload is the same some way further on: a sound with a period, and so no ciphertext.
pub(super) fn is_periodic(payload: &[u8]) -> bool {
    /// Less of a payload than this that is left to compare tells nothing.
    const LEAST: usize = 40;
    (2..payload.len().saturating_sub(LEAST)).any(|period| {
        let later = payload.get(period..).unwrap_or_default();
        let same = later.iter().zip(payload).filter(|(a, b)| a == b).count();
        // Of random bytes one in 256 is.
        same * 2 > later.len()
    })
}

/// Whether the payload repeats within itself: a sound of that period, which fits the packet by chance.
fn has_period(payload: &[u8]) -> bool {
    let length = payload.len();
    let divisors = (1..=length / 2).filter(|period| length.is_multiple_of(*period));
    divisors.into_iter().any(|period| {
        let (head, tail) = (payload.get(..length - period), payload.get(period..));
        head == tail
    })
}

/// Whether one code is half of the payload: pulses, square waves.
fn is_mostly_one(payload: &[u8]) -> bool {
    let mut counts = [0_usize; 256];
    for code in payload {
        if let Some(count) = counts.get_mut(usize::from(*code)) {
            *count += 1;
        }
    }
    counts.iter().any(|count| count * 2 >= payload.len())
}

/// The power in each line of the samples taken for a loop, the first at one period a payload.
fn spectrum<'a>(samples: &[f32], powers: &'a mut [f32; MAX_SAMPLES / 2]) -> &'a [f32] {
    let length = samples.len().max(1);
    let mut turn = [(0.0_f32, 0.0_f32); MAX_SAMPLES];
    for (index, slot) in turn.iter_mut().take(length).enumerate() {
        let (sine, cosine) = (index as f32 / length as f32 * std::f32::consts::TAU).sin_cos();
        *slot = (cosine, sine);
    }
    let powers = powers.get_mut(..samples.len() / 2).unwrap_or_default();
    for (line, power) in (1..).zip(powers.iter_mut()) {
        let (mut real, mut imaginary, mut at) = (0.0, 0.0, 0);
        for sample in samples {
            let (cosine, sine) = turn[at];
            real += sample * cosine;
            imaginary += sample * sine;
            at = (at + line) % length;
        }
        *power = real * real + imaginary * imaginary;
        if line * 2 == length {
            // The last line has no mirror image.
            *power /= 2.0;
        }
    }
    powers
}

/// The share of the power that the strongest lines leave.
fn beyond_the_lines(powers: &[f32]) -> f32 {
    let mut strongest = [0.0_f32; LINES];
    for power in powers {
        let mut rest = *power;
        for slot in &mut strongest {
            if rest > *slot {
                std::mem::swap(slot, &mut rest);
            }
        }
    }
    1.0 - strongest.iter().sum::<f32>() / total(powers)
}

/// Whether nearly all of the power lies in the multiples of one line above the first: the payload is several periods
/// of a sound, none of them a whole number of samples.
fn is_comb(powers: &[f32]) -> bool {
    (2..=MOST_PERIODS).any(|step| {
        let teeth: f32 = powers.iter().skip(step - 1).step_by(step).sum();
        teeth > COMB * total(powers)
    })
}

fn total(powers: &[f32]) -> f32 {
    powers.iter().sum::<f32>().max(1.0)
}

/// How badly the payload's own prediction does where it begins anew, against how it does inside: root mean squares.
fn seam(samples: &[f32]) -> f32 {
    let mut lags = [0.0; ORDER + 1];
    for (lag, slot) in lags.iter_mut().enumerate() {
        *slot = product(samples.get(lag..).unwrap_or_default(), samples);
    }
    // A floor of noise 40 dB down keeps the recursion from what rounding left.
    lags[0] *= 1.000_1;
    let filter = levinson(&lags);
    let missed = |at: usize| {
        let length = samples.len();
        let past = (0..=ORDER).map(|lag| samples.get((at + length - lag) % length));
        let missed: f32 = past.zip(&filter).map(|(x, a)| x.unwrap_or(&0.0) * a).sum();
        missed * missed
    };
    if samples.len() <= 2 * ORDER {
        return 0.0;
    }
    let begins: f32 = (0..ORDER).map(missed).sum();
    let inside: f32 = (ORDER..samples.len()).map(missed).sum();
    let inside = (inside / (samples.len() - ORDER) as f32).max(1.0);
    (begins / ORDER as f32 / inside).sqrt()
}

/// The filter that leaves what linear prediction misses, from the correlations (Levinson and Durbin's recursion).
fn levinson(lags: &[f32; ORDER + 1]) -> [f32; ORDER + 1] {
    let mut filter = [0.0; ORDER + 1];
    filter[0] = 1.0;
    let mut missed = lags[0].max(1.0);
    for order in 1..=ORDER {
        let sum: f32 = (0..order).map(|at| filter[at] * lags[order - at]).sum();
        let reflection = -sum / missed;
        let before = filter;
        for at in 1..=order {
            filter[at] = before[at] + reflection * before[order - at];
        }
        missed *= (1.0 - reflection * reflection).max(1e-6);
    }
    filter
}

/// The longest payload that is looked at whole: 60 ms.
const MAX_SAMPLES: usize = 480;

/// As many lines as a chord may have.
const LINES: usize = 8;

/// Shares of the power beyond the [`LINES`]. **Source**: measured on single packets in both laws. Up to eight sines at
/// multiples of 50 Hz leave at most 0.002, two of them cut hard 0.04, three 0.104; a sawtooth of 50 Hz 0.073, voiced
/// sounds of 50 Hz 0.118; packets of speech 0.17 (median; 0.06 at the 10th percentile).
const FEW_LINES: f32 = 0.08;
const MANY_LINES: f32 = 0.12;

/// Between the two, so much worse must prediction do at the seam. **Source**: the same; sines reach 1.8 (with fewer
/// lines), three of them cut 1.5.
const SEAM: f32 = 1.7;

/// As much as the teeth must have. **Source**: the same; sounds of several periods a packet leave 0.003 or less
/// between them where they have many lines, one packet of speech in fifty leaves less than 0.06.
const COMB: f32 = 0.98;

/// More periods than that in a packet leave fewer lines than [`LINES`].
const MOST_PERIODS: usize = 20;

/// Enough for the formants of a voice at 8 kHz, and its tilt.
const ORDER: usize = 12;
