//! Whole calls through the gateway, in one thread and virtual time.

mod admission;
mod calls;
mod failures;
mod pair;
mod webhooks;
mod world;
