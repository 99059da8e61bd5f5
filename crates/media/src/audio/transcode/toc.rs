//! How long an Opus packet lasts, read off its first bytes, and concealment where packets are missing.

use crate::audio::opus::{Decoder, OpusError};

/// The length of a packet of Opus. **Units**: ticks of 48 kHz. **Source**: RFC 6716 section 3.1 and 3.2.
pub(super) fn ticks(packet: &[u8]) -> Option<usize> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        // SILK only: 10, 20, 40, 60 ms.
        config @ 0..=11 => *[480, 960, 1_920, 2_880].get(usize::from(config & 3))?,
        // Hybrid: 10, 20 ms.
        config @ 12..=15 => *[480, 960].get(usize::from(config & 1))?,
        // CELT only: 2.5, 5, 10, 20 ms.
        config => 120 << (config & 3),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(*packet.get(1)? & 0x3F),
    };
    (frames > 0).then_some(frame * frames)
}

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
