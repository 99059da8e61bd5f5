//! Load tests on real sockets: `squelch load` places calls, `squelch answer` takes them.
//!
//! Both are shares: each a thread that signals (a [`squelch_sim::load::Caller`] or
//! [`squelch_sim::load::Callee`] over [`crate::signaling_io`]) and a thread that does its calls' media. Shares have
//! nothing in common but the captures that they play, so a run has as many as there are cores.

mod answer;
mod answer_args;
mod args;
mod evidence;
mod join;
mod library;
mod media;
mod metrics;
mod open_files;
mod report;
mod run;
mod share;
mod signals;
mod spans;
mod summary;
mod target;
mod trust;
mod view;

pub use answer::run as answer;
pub use answer_args::Args as AnswerArgs;
pub use args::Args;
pub use run::run;
