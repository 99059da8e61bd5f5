//! The squelch command.
fn main() {}
