//! The model: from the figures of a payload to how much more each fault explains them than good audio does.

use super::Fault;
use super::features::Features;
use super::model::{BIAS, CLASSES, INTO, MEAN, MOST, OUT_OF, PRIOR, SCALE};
use squelch_g711::Kernel;

/// Faults that the model knows, in its order; good audio comes before them, audio that wrapped around after: a rule
/// tells of that, here it only keeps it from being taken for something worse.
pub(super) const FAULTS: [Fault; CLASSES - 2] = [
    Fault::G711AsPcm16,
    Fault::Pcm16AsG711,
    Fault::LawMismatch,
    Fault::ByteSwapped,
    Fault::DoubleEncoded,
    Fault::Opaque,
];

/// Log-likelihood ratios of the faults against audio that is good or wrapped around. **Units**: nats.
pub(super) type Ratios = [f32; CLASSES - 2];

/// One hidden layer of rectified sums; every sum in the order of its terms, so that all machines agree.
pub(super) fn weigh(figures: &Features) -> Ratios {
    Kernel::best().widen(|| sums(figures))
}

#[inline(always)]
fn sums(figures: &Features) -> Ratios {
    let mut hidden = BIAS;
    for (index, (figure, weights)) in figures.iter().zip(&INTO).enumerate() {
        // As in training: so many deviations from the usual, and no more than the most.
        let value = ((figure - MEAN[index]) * SCALE[index]).clamp(-MOST, MOST);
        for (node, weight) in hidden.iter_mut().zip(weights) {
            *node += weight * value;
        }
    }
    let mut classes = PRIOR;
    for (node, weights) in hidden.iter().zip(&OUT_OF) {
        for (class, weight) in classes.iter_mut().zip(weights) {
            *class += weight * node.max(0.0);
        }
    }
    let [clean, faults @ .., wrapped] = classes;
    faults.map(|fault| fault - clean.max(wrapped))
}
