//! The other side: a carrier, a stand-in for OpenAI Realtime, and a world under virtual time.

pub mod check;
pub mod http;
pub mod impair;
pub mod load;
pub mod peer;
pub mod sound;
pub mod trial;
pub mod world;
