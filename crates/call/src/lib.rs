//! The B2BUA: gateway, calls, legs, negotiation and the session guard, sans-IO.

pub mod observe;
