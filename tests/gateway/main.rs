//! Whole calls through the gateway, in one thread and virtual time.

mod admission;
mod calls;
mod digest;
mod digits;
mod failure_mapping;
mod failures;
mod formats;
mod injection;
mod options;
mod pair;
mod proxy;
mod reasons;
mod redials;
mod reload;
mod routes;
mod session_changes;
mod sockets;
mod srtp;
mod transfers;
mod trials;
mod webhooks;
mod world;
