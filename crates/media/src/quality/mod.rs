//! Quality: figures for what transport did to the audio, blind to what the audio is, and who is not heard at all.

mod bursts;
mod delay;
mod e_model;
mod one_way;
mod recent;

pub use bursts::{BurstFigures, Bursts};
pub use e_model::{Transport, mos, mos_of, rating, rating_of};
pub use one_way::OneWay;
pub(crate) use one_way::{Observed, Watchman};
pub use recent::Recent;
pub(crate) use recent::RecentFigures;
