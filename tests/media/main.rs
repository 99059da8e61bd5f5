//! Behaviour tests.

mod detector;
