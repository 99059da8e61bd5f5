//! Behaviour tests.

mod allocation;
mod detector;
