//! The squelch binary: sockets, media workers, HTTP, metrics, configuration and commands.

mod captures;
pub mod check;
pub mod cli;
pub mod config;
pub mod convert;
pub mod demo;
mod explain;
mod http_server;
pub mod inspect;
pub mod load;
pub mod media_io;
mod random;
pub mod report;
pub mod serve;
pub mod signaling_io;
pub mod sim_io;
pub mod wav;
