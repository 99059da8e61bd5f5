//! The tap: copies of a path's packets, for captures.
//!
//! A copy is made where a packet is in the clear on both sides of the guard: of what came from the leg once its source
//! was let in and it was decrypted, and of what leaves for the other leg before it is encrypted. What is refused is
//! never copied. The copies stay in [`Ring`]s of fixed memory until the caller takes them ([`crate::Bridge::swap_rings`]).

mod ring;

pub use ring::{Ring, Tapped, Way};

use crate::{Format, Side};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What copies are made for. Both may be made at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TapFor {
    /// The last seconds, kept in case of a fault.
    Fault,
    /// A recording of the call.
    Recording,
}

impl TapFor {
    /// Both.
    pub const ALL: [TapFor; 2] = [TapFor::Fault, TapFor::Recording];
}

/// A ring for each direction of a call.
#[derive(Debug)]
pub struct Rings {
    /// From the carrier to OpenAI.
    pub up: Box<Ring>,
    /// From OpenAI to the carrier.
    pub down: Box<Ring>,
}

impl Rings {
    /// Rings for the last `span` of a call whose legs have these formats, in packets of 10 ms or longer; of shorter
    /// ones less is kept.
    ///
    /// **Cost**: 21.6 kB a second for each direction of G.711, allocated here and nowhere else.
    pub fn new(span: Duration, formats: [Format; 2]) -> Rings {
        Rings {
            up: Box::new(Ring::new(span, formats)),
            down: Box::new(Ring::new(span, formats)),
        }
    }

    /// The packets of both directions in the order of time.
    pub fn packets(&self) -> impl Iterator<Item = (Side, Tapped<'_>)> {
        let (mut up, mut down) = (self.up.packets().peekable(), self.down.packets().peekable());
        std::iter::from_fn(move || {
            let up_first = match (up.peek(), down.peek()) {
                (Some(up), Some(down)) => up.at <= down.at,
                (up, _) => up.is_some(),
            };
            let (side, next) = match up_first {
                true => (Side::Carrier, up.next()),
                false => (Side::Openai, down.next()),
            };
            // What leaves does so on the other leg.
            next.map(|tapped| match tapped.way {
                Way::Received => (side, tapped),
                Way::Sent => (side.other(), tapped),
            })
        })
    }

    /// What they were made for: how long, and which formats.
    pub fn made_for(&self) -> (Duration, [Format; 2]) {
        self.up.made_for()
    }

    /// Packets that newer ones took the place of.
    pub fn overwritten(&self) -> u64 {
        self.up.overwritten() + self.down.overwritten()
    }

    /// Forgets everything, to be used again.
    pub fn clear(&mut self) {
        self.up.clear();
        self.down.clear();
    }
}

/// The tap of one path.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    now: Option<Instant>,
    to: Option<SocketAddr>,
    fault: Option<Box<Ring>>,
    recording: Option<Box<Ring>>,
}

impl Tap {
    /// The time, and where what leaves now goes; without that it goes nowhere, and is not copied.
    pub(crate) fn aim(&mut self, now: Instant, to: Option<SocketAddr>) {
        self.now = Some(now);
        self.to = to;
    }

    /// Copies a packet that was let in.
    pub(crate) fn received(&mut self, from: SocketAddr, packet: &[u8]) {
        self.copy(Way::Received, Some(from), packet);
    }

    /// Copies a packet that leaves.
    pub(crate) fn sent(&mut self, packet: &[u8]) {
        self.copy(Way::Sent, self.to, packet);
    }

    /// Puts a ring in the place of another, or of none.
    pub(crate) fn swap(&mut self, what_for: TapFor, ring: Option<Box<Ring>>) -> Option<Box<Ring>> {
        let place = match what_for {
            TapFor::Fault => &mut self.fault,
            TapFor::Recording => &mut self.recording,
        };
        std::mem::replace(place, ring)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.fault.is_none() && self.recording.is_none()
    }

    fn copy(&mut self, way: Way, peer: Option<SocketAddr>, packet: &[u8]) {
        let (Some(now), Some(peer)) = (self.now, peer) else {
            return;
        };
        for ring in [&mut self.fault, &mut self.recording].into_iter().flatten() {
            ring.push(now, way, peer, packet);
        }
    }
}
