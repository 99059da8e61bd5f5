//! What is said to and by OpenAI about a session, beside SIP.

pub(crate) mod forward;
pub(crate) mod proxy;
pub mod session_guard;
pub mod sideband;
pub mod webhook;
