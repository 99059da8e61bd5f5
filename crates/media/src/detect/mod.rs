//! The detector: says from the payload alone that what is heard is no audio, and why.
//!
//! One [`Detector`] a stream and direction. The caller hands it each new payload once, in the order of
//! arrival (duplicates left out, gaps as they are), and acts on what comes back:
//!
//! ```
//! use squelch_g711::Law;
//! use squelch_media::detect::{Change, Detector};
//! use std::time::Duration;
//!
//! let mut detector = Detector::new(Law::Mu);
//! for (index, payload) in [[0xFF_u8; 160]; 50].iter().enumerate() {
//!     match detector.observe(Duration::from_millis(20 * index as u64), payload) {
//!         Some(Change::Tripped(finding)) => println!("{} {}", finding.fault, finding.variant),
//!         Some(Change::Cleared(finding)) => println!("{} is over", finding.fault),
//!         _ => {}
//!     }
//! }
//! assert!(detector.finish(Duration::from_secs(1)).is_none());
//! ```

mod alphabet;
mod clipping;
mod clues;
mod counts;
mod course;
mod dead_air;
mod extended;
mod fault;
pub mod features;
mod finding;
#[allow(clippy::approx_constant, reason = "a weight may lie near pi by chance")]
mod model;
mod peak;
mod period;
mod readings;
mod rules;
mod stuck;
mod suspicion;
mod suspicion_weights;
mod verdict;
mod watch;
mod weigh;
mod wrong_rate;

pub(crate) use dead_air::INAUDIBLE;
pub use fault::Fault;
pub use finding::{Change, Finding, Pace, Variant, What};
pub use squelch_g711::ByteOrder;
pub use watch::{Numbers, Packet, Watch};

use features::Meter;
use squelch_g711::Law;
use std::time::Duration;
use stuck::Stuck;
use verdict::Evidence;

/// The sequential test over one stream's payloads.
///
/// Each payload is measured ([`features`]), a small model weighs the figures, and a cumulative sum for each fault
/// rises and falls with what it says. Silence moves none. When one crosses its threshold, the fault is the one that
/// explains the packets best, and the stream has it until enough good audio was heard.
///
/// **Shape**: fixed memory, under a kilobyte. **Cost**: nothing allocated.
#[derive(Debug)]
pub struct Detector {
    law: Law,
    current: Option<Finding>,
    meter: Meter,
    evidence: Evidence,
    stuck: Stuck,
    good: u32,
}

/// Packets of good, active audio in a row that end a fault. Silence neither counts nor breaks the row, so a pause of
/// the static releases nothing. What is muted waits for 200 ms of 20 ms packets; a repair is rolled back sooner, for
/// good audio that is repaired sounds worse than good audio that is muted.
const fn needed(fault: Fault) -> u32 {
    match fault {
        Fault::LawMismatch | Fault::Pcm16AsG711 => 4,
        _ => 10,
    }
}

impl Detector {
    /// A detector for a stream whose payload type says `law`.
    pub fn new(law: Law) -> Self {
        Self {
            law,
            current: None,
            meter: Meter::new(law),
            evidence: Evidence::default(),
            stuck: Stuck::default(),
            good: 0,
        }
    }

    /// Takes one payload that arrived `at` on the stream's clock; says what changed, if anything did.
    ///
    /// **Shape**: 1 to 1500 bytes of any ptime; an empty payload changes nothing.
    pub fn observe(&mut self, at: Duration, payload: &[u8]) -> Option<Change> {
        if payload.is_empty() {
            return None;
        }
        if self.current.is_some() {
            self.meter.keep_looking();
        }
        let measured = self.meter.measure(payload);
        let stuck = self.stuck.observe(self.law, payload, self.meter.score());
        let ratios = measured.as_ref().map(weigh::weigh);
        let found = match (&measured, &ratios) {
            (Some(figures), Some(ratios)) => {
                let order = self.meter.little_less_big();
                self.evidence
                    .add(at, self.law, payload, figures, ratios, order)
            }
            _ if self.meter.is_looking() => extended::order(payload)
                .and_then(|order| self.evidence.add_extended(at, self.law, payload, order)),
            _ => None,
        };
        // Before acting, a second look that would cost too much on every packet.
        let found = match found {
            Some(finding) if finding.fault == Fault::Opaque && period::is_periodic(payload) => {
                self.evidence = Evidence::default();
                None
            }
            found => found,
        };
        if let Some(finding) = &mut self.current {
            self.evidence.refine(finding);
            let finding = *finding;
            let good = match finding.fault {
                Fault::Stuck => Some(self.stuck.moved()),
                // Good audio explains the packet better than any fault does.
                _ => ratios.map(|ratios| ratios.iter().all(|ratio| *ratio < 0.0)),
            };
            match good {
                Some(true) => self.good += 1,
                Some(false) => self.good = 0,
                None => {}
            }
            if self.good < needed(finding.fault) {
                return None;
            }
            self.evidence = Evidence::default();
            self.current = None;
            return Some(Change::Cleared(Finding {
                to: Some(at),
                ..finding
            }));
        }
        let finding = found.or_else(|| stuck.then(|| repetition(at)))?;
        self.good = 0;
        self.current = Some(finding);
        Some(Change::Tripped(finding))
    }

    /// The fault the stream has now, if any.
    pub fn current(&self) -> Option<&Finding> {
        self.current.as_ref()
    }

    /// The stream ended `at`: the fault still open, if any, closed at that time.
    pub fn finish(&mut self, at: Duration) -> Option<Finding> {
        self.current.take().map(|finding| Finding {
            to: Some(at),
            ..finding
        })
    }
}

fn repetition(at: Duration) -> Finding {
    Finding {
        fault: Fault::Stuck,
        variant: Variant {
            what: What::Repeated,
            order: None,
            rate_hz: None,
            pace: Pace::Continuous,
        },
        from: at.saturating_sub(stuck::LASTED),
        detected_at: at,
        to: None,
        confidence: 1.0,
    }
}
