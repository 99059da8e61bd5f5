//! The model: from the figures of a payload to how much more each fault explains them than good audio does.

use super::Fault;
use super::features::{COUNT, Features};
use super::model::{BIAS, CLASSES, HIDDEN, INTO, MEAN, OUT_OF, PRIOR, SCALE};

/// Faults that the model knows, in its order; good audio comes before them.
pub(super) const FAULTS: [Fault; CLASSES - 1] = [
    Fault::G711AsPcm16,
    Fault::Pcm16AsG711,
    Fault::LawMismatch,
    Fault::ByteSwapped,
    Fault::DoubleEncoded,
    Fault::Opaque,
];

/// Log-likelihood ratios of the faults against good audio. **Units**: nats.
pub(super) type Ratios = [f32; CLASSES - 1];

/// No figure counts as farther from the usual than this many standard deviations. **Source**: as in training.
const FARTHEST: f32 = 6.0;

/// One hidden layer of rectified sums; every sum in the order of its terms, so that all machines agree.
pub(super) fn weigh(figures: &Features) -> Ratios {
    let mut scaled = [0.0; COUNT];
    for (index, value) in scaled.iter_mut().enumerate() {
        *value = ((figures[index] - MEAN[index]) * SCALE[index]).clamp(-FARTHEST, FARTHEST);
    }
    let mut hidden = BIAS;
    for (node, weights) in hidden.iter_mut().zip(&INTO) {
        for (weight, value) in weights.iter().zip(&scaled) {
            *node += weight * value;
        }
        *node = node.max(0.0);
    }
    let mut classes = PRIOR;
    for (class, weights) in classes.iter_mut().zip(&OUT_OF) {
        for index in 0..HIDDEN {
            *class += weights[index] * hidden[index];
        }
    }
    let [clean, faults @ ..] = classes;
    faults.map(|fault| fault - clean)
}
