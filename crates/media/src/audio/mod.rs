//! Audio as samples: levels, resampling, Opus.

pub mod level;
#[cfg(feature = "opus")]
pub mod opus;
pub mod resample;
