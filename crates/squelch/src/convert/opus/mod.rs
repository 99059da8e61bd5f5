//! Opus in Ogg files (RFC 7845): one channel out, whatever there is in.

mod head;
mod pages;
mod sink;
mod source;

pub(super) use sink::OpusSink;
pub(super) use source::OpusSource;

use squelch_media::audio::format::SampleRate;

/// The clock of granule positions and of the pre-skip, whatever rate is decoded at (RFC 7845 section 4).
/// **Units**: Hz.
const CLOCK_HZ: u32 = 48_000;

/// **Units**: ms.
const FRAME_MS: u32 = 20;

/// The rate of so many samples a second, if it is one of Opus'.
fn rate(hz: u32) -> Option<SampleRate> {
    SampleRate::ALL.into_iter().find(|rate| rate.hz() == hz)
}
