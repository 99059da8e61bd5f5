//! Audio as samples and as bytes: levels, formats, resampling, transcoding, Opus, laws that were confused.

pub mod conceal;
pub mod format;
pub mod level;
#[cfg(feature = "opus")]
pub mod opus;
pub mod opus_packet;
pub(crate) mod pitch;
pub mod resample;
pub mod transcode;
pub mod undo;
