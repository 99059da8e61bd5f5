//! Whole calls through the gateway, in one thread and virtual time.

mod admission;
mod calls;
mod digest;
mod failures;
mod pair;
mod reasons;
mod webhooks;
mod world;
