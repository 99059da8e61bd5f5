//! HTTP messages as data: the gateway's own types, so that a world can hand them over.

pub use squelch_call::http::{Request, Response};
