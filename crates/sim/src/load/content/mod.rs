//! Whether what came back in a call is what was sent, or what was expected of the far end.
//!
//! ```
//! use std::time::Duration;
//! use squelch_sim::load::content::{Carried, Expectation, Heard, Listener, Mark, Reference};
//! use squelch_sim::sound::Law;
//!
//! // Once for all calls: what is sent, packet by packet, with its place on the RTP clock.
//! let packets: Vec<(u64, Vec<u8>)> = (0..500).map(|i| (160 * i, vec![0xFF; 160])).collect();
//! let reference = Reference::from_packets(Law::Mu, packets.iter().map(|(at, p)| (*at, &p[..])));
//! let mark = Mark(7);
//!
//! // For each call.
//! let mut listener = Listener::new(Expectation::echo(Law::Mu, mark));
//! for (index, (position, payload)) in packets.iter().enumerate() {
//!     let at = Duration::from_millis(20 * index as u64);
//!     let mut sent = payload.clone();
//!     mark.stamp(Law::Mu, *position, &mut sent);
//!     listener.on_sent(at, *position);
//!     // ... and what arrives:
//!     let heard = Heard { at, ssrc: 1, sequence: index as u16, timestamp: 160 * index as u32,
//!                         carried: Carried::G711(Law::Mu), payload: &sent };
//!     listener.on_packet(Some(&reference), heard);
//! }
//! let verdict = listener.finish(Some(&reference));
//! assert!(verdict.problems.is_empty());
//! ```

mod align;
mod codes;
mod compare;
mod ear;
mod listener;
mod mark;
mod reader;
mod reference;
mod verdict;

pub use listener::{Carried, Expectation, Expected, Heard, Listener};
pub use mark::Mark;
pub use reference::{MAX, Reference};
pub use verdict::{ContentVerdict, Problem};
