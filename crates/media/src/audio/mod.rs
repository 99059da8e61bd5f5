//! Audio as samples: levels, resampling, Opus.

pub mod level;
pub mod resample;
