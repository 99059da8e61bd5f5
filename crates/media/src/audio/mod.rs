//! Audio as samples and as bytes: levels, formats, resampling, transcoding, Opus.

pub mod format;
pub mod level;
#[cfg(feature = "opus")]
pub mod opus;
pub mod opus_packet;
pub mod resample;
pub mod transcode;
