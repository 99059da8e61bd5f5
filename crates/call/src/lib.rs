//! The B2BUA: gateway, calls, legs, negotiation and call records, sans-IO.
//!
//! One [`Gateway`] a process. Its owner moves bytes and time:
//!
//! 1. [`Gateway::handle_input`] with whatever happened outside, [`Gateway::handle_timeout`] when
//!    [`Gateway::poll_timeout`] is due.
//! 2. After each, drain [`Gateway::poll_output`] until it gives `None` and do what each output says.
//! 3. Ask [`Gateway::poll_timeout`] again.

mod call;
mod config;
pub mod control;
mod counters;
mod gateway;
pub mod http;
mod io;
mod negotiate;
pub mod observe;
mod record;
mod secret;
mod summary;
mod termination;
mod timers;
mod transfer;

pub use config::{
    AtExpiry, AudioFormatPolicy, GatewayConfig, Guard, Limits, OnStatic, OpenAi, Route, Srtp,
    Trunk, TrunkDigest,
};
pub use counters::Counters;
pub use gateway::Gateway;
pub use io::{CallId, ExchangeId, FetchId, Input, Output, SidebandEvent, SidebandId};
pub use record::{CallRecord, EventRecord, GuardRecord, LegRecord, LegsRecord};
pub use secret::Secret;
pub use summary::{CallName, CallSummary};
pub use termination::{CallResult, EndReason};
pub use transfer::{InvalidPattern, NumberPattern, Transfer};
