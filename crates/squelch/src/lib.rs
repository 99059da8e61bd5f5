//! The squelch binary: sockets, media workers, HTTP, metrics, configuration and commands.

pub mod cli;
pub mod inspect;
pub mod report;
pub mod wav;
