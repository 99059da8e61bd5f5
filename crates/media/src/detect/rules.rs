//! The rules beside the model: what each says, and which of them is told.

use super::clipping::Clipping;
use super::dead_air::{self, DeadAir};
use super::finding::{Pace, Variant, What};
use super::peak;
use super::watch::Packet;
use super::wrong_rate::WrongRate;
use super::{Fault, Finding};
use squelch_g711::Law;
use std::time::Duration;

/// What a rule saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sign {
    pub(super) what: What,
    pub(super) rate_hz: Option<u32>,
    pub(super) from: Duration,
}

impl Sign {
    pub(super) fn new(what: What, from: Duration) -> Sign {
        Sign {
            what,
            rate_hz: None,
            from,
        }
    }

    fn finding(self, fault: Fault, at: Duration) -> Finding {
        Finding {
            fault,
            variant: Variant {
                what: self.what,
                order: None,
                rate_hz: self.rate_hz,
                pace: Pace::Continuous,
            },
            from: self.from,
            detected_at: at,
            to: None,
            confidence: SURE,
        }
    }
}

/// A rule counts what is there; what is left is that it may mean something else. **Source**: a convention.
const SURE: f32 = 0.99;

/// The three rules of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    clipping: Clipping,
    dead_air: DeadAir,
    wrong_rate: WrongRate,
}

impl Rules {
    /// Takes a packet and the greatest magnitude among its codes; the gravest fault that it has now by the rules, found `at` the packet's time.
    pub(super) fn observe(
        &mut self,
        law: Law,
        talk_due: bool,
        packet: &Packet<'_>,
        loudest: u8,
    ) -> Option<Finding> {
        let (at, payload) = (packet.at, packet.payload);
        let rate = packet
            .numbers
            .and_then(|numbers| self.wrong_rate.observe(at, numbers, payload.len()));
        let audible = peak::level(law, loudest) > dead_air::INAUDIBLE;
        let dead_air = self.dead_air.observe(at, audible, talk_due);
        let clipping = self.clipping.observe(at, law, payload, loudest);
        let signs = [
            (Fault::WrongRate, rate),
            (Fault::DeadAir, dead_air),
            (Fault::Clipping, clipping),
        ];
        signs
            .into_iter()
            .find_map(|(fault, sign)| Some(sign?.finding(fault, at)))
    }
}
