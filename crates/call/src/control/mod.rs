//! What is said to and by OpenAI about a session, beside SIP.

pub mod webhook;
