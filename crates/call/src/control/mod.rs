//! What is said to and by OpenAI about a session, beside SIP.

pub mod session_guard;
pub mod webhook;
