//! SIP's sockets.

pub mod tls;
