//! One run on several machines, over NATS: `--share` describes it once, `--join` does a share of it.
//!
//! ```text
//! coordinator                      NATS                               worker
//!  share 0, 1, ...   ──►  work queue squelch.load.share.RUN.N  ──►  takes one; says each second that it goes on
//!                    ◄──  squelch.load.RUN.ready               ◄──  N, its capture is read
//!  all are ready     ──►  squelch.load.RUN.go                  ──►  the first call is due
//!                    ◄──  squelch.load.RUN.seen                ◄──  N and its tally so far, each second
//!                    ◄──  squelch.load.RUN.done                ◄──  N and its tally
//! ```
//!
//! A worker that dies before the start is noticed by JetStream, which gives its share to another. One that dies
//! later is noticed by its silence: its share is told as lost, with what it had told till then.

mod coordinate;
mod server;
mod wire;
mod work;

pub(super) use coordinate::{arguments, coordinate};
pub(super) use work::work;

use std::time::Duration;

/// How long a share's worker may be silent before it counts as lost: ten of its messages.
const SILENCE: Duration = Duration::from_secs(10);
/// How often a worker tells of itself.
const TELLING: Duration = Duration::from_secs(1);
/// How long shares wait for workers, and workers for a share and for the start.
const GATHERING: Duration = Duration::from_secs(60);
/// From the word to start to the first call: long enough for the word to reach all.
const START: Duration = Duration::from_millis(200);
