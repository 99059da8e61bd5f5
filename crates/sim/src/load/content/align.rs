//! Where in the reference the received audio is.

use super::reference::{COARSE, Reference, coarse};

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub(super) enum Where {
    /// Up to [`NEAR`] before this place of the reference, where what is sent just now stands.
    Before(i64),
    /// Anywhere in the reference, up to [`FAR`] of it.
    Anywhere,
}

/// The place in the reference at which the first of `query` stands, if it is found.
///
/// **Cost**: a multiplication for each fourth sample of the query at each fourth place of the range: about 2 million
/// nearby; 60 times that for a minute of reference.
pub(super) fn find(reference: &Reference, query: &[i16], range: Where) -> Option<i64> {
    let small = coarse(query);
    let length = reference.coarse.len() as i64;
    let places = small.len() as i64;
    if length < places || places == 0 {
        return None;
    }
    let (from, to) = match range {
        Where::Before(position) => {
            let last = position.div_euclid(COARSE as i64) - places + 1;
            (last - NEAR / COARSE as i64, last + 2)
        }
        Where::Anywhere => (0, length.min(FAR / COARSE as i64)),
    };
    let mut best = (LEAST_COARSE, None);
    for place in from..to {
        let Some(likeness) = likeness(reference, place, &small) else {
            continue;
        };
        if likeness > best.0 {
            best = (likeness, Some(place));
        }
    }
    refine(reference, query, best.1? * COARSE as i64)
}

/// The best of the places round `near` at the full rate, if it is good enough.
fn refine(reference: &Reference, query: &[i16], near: i64) -> Option<i64> {
    let mut best = (LEAST, None);
    for place in near - 2 * COARSE as i64..=near + 2 * COARSE as i64 {
        let (mut xx, mut xy, mut yy) = (0.0_f32, 0.0_f32, 0.0_f32);
        for (offset, heard) in (0..).zip(query) {
            let at = reference.index(place + offset);
            let sent = at.and_then(|at| reference.samples().get(at)).copied();
            let (sent, heard) = (f32::from(sent.unwrap_or(0)), f32::from(*heard));
            xx += sent * sent;
            xy += sent * heard;
            yy += heard * heard;
        }
        let likeness = xy / (xx * yy).sqrt().max(1.0);
        if likeness > best.0 {
            best = (likeness, Some(place));
        }
    }
    best.1
}

/// The normalised correlation at one place of the coarse reference.
fn likeness(reference: &Reference, place: i64, small: &[f32]) -> Option<f32> {
    let whole = &reference.coarse[..];
    let start = reference.index(place * COARSE as i64)? / COARSE;
    let before_end = (whole.len() - start).min(small.len());
    let (head, tail) = small.split_at(before_end);
    let mut sums = dot(whole.get(start..start + head.len())?, head);
    if !tail.is_empty() {
        // Round the end of a reference that loops; there is nothing behind one that does not.
        reference.index((whole.len() * COARSE) as i64)?;
        let more = dot(whole.get(..tail.len())?, tail);
        sums = (sums.0 + more.0, sums.1 + more.1);
    }
    let own: f32 = small.iter().map(|y| y * y).sum();
    Some(sums.1 / (sums.0 * own).sqrt().max(1.0))
}

/// The power of the one, and its product with the other.
fn dot(sent: &[f32], heard: &[f32]) -> (f32, f32) {
    // Eight sums side by side: one alone would wait for each addition.
    let mut powers = [0.0_f32; 8];
    let mut products = [0.0_f32; 8];
    let (sent, heard) = (sent.chunks_exact(8), heard.chunks_exact(8));
    let rest = sent.remainder().iter().zip(heard.remainder());
    let (mut power, mut product) = (0.0, 0.0);
    for (x, y) in rest {
        power += x * x;
        product += x * y;
    }
    for (x, y) in sent.zip(heard) {
        for (((p, q), x), y) in powers.iter_mut().zip(&mut products).zip(x).zip(y) {
            *p += x * x;
            *q += x * y;
        }
    }
    power += powers.iter().sum::<f32>();
    product += products.iter().sum::<f32>();
    (power, product)
}

/// How much is searched for: 256 ms, and more than one sound of speech.
pub(super) const QUERY: usize = 2_048;
/// The longest way there and back that is looked for first: 2 s. **Units**: samples.
const NEAR: i64 = 16_000;
/// The most of a reference that is looked through: a minute. **Units**: samples.
const FAR: i64 = 480_000;
/// What is worth a closer look.
const LEAST_COARSE: f32 = 0.5;
/// What counts as the same sound: neighbouring pitch periods reach 0.7, and a third of the packets lost leaves 0.8.
const LEAST: f32 = 0.75;
