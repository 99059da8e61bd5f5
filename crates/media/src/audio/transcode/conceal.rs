//! Concealment by Opus where packets are missing.

use crate::audio::opus::{Decoder, OpusError};

/// The longest stretch concealed at once. **Units**: parts of a second; 20 ms, what a packet lasts.
const CONCEALED: usize = 50;

/// Fills what is missing, as far as it is a whole number of 2.5 ms, 20 ms at most at a time.
pub(super) fn conceal(
    decoder: &mut Decoder,
    rate_hz: u32,
    missing: &mut [i16],
) -> Result<(), OpusError> {
    let rate = rate_hz as usize;
    for stretch in missing.chunks_mut(rate / CONCEALED) {
        let whole = stretch.len() - stretch.len() % (rate / 400);
        if let Some(stretch) = stretch.get_mut(..whole).filter(|s| !s.is_empty()) {
            decoder.decode(None, stretch)?;
        }
    }
    Ok(())
}
