//! Audio arithmetic of the other side, on purpose not squelch's own: companding, resampling and
//! the static are written a second time here, so that one mistake can't pass on both sides.

mod law;
mod misread;
mod resample;

pub use law::Law;
pub use misread::{Misreader, pcm16_bytes};
pub use resample::{Down3, double_rate, triple_rate};
