//! The detector: says from the payload alone that a stream carries bytes of one format played as another.
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
//!         None => {}
//!     }
//! }
//! assert!(detector.finish(Duration::from_secs(1)).is_none());
//! ```

mod fault;
mod finding;
mod misread;
mod readings;
mod telegraph;

pub use fault::Fault;
pub use finding::{Change, Finding, Pace, Variant};
pub use squelch_g711::ByteOrder;

use misread::Misread;
use squelch_g711::Law;
use std::time::Duration;
use telegraph::Telegraph;

/// The sequential test over one stream's payloads.
///
/// Two tests run side by side, each a cumulative sum that packets of one kind raise and packets of speech lower:
/// one for `g711_as_pcm16`, one for `pcm16_as_g711`. Silence moves neither. When one crosses
/// its threshold the stream has that fault until enough good audio was heard.
///
/// **Shape**: fixed memory. **Cost**: nothing allocated.
#[derive(Debug)]
pub struct Detector {
    law: Law,
    current: Option<Finding>,
    telegraph: Telegraph,
    misread: Misread,
    good: u32,
}

/// What one packet says to a test.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Evidence {
    /// For the fault, with this weight.
    For(f32),
    /// Good audio.
    Against(f32),
    /// Nothing: silence, or too little.
    None,
}

/// A cumulative sum that never goes below zero (Page's test).
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    value: f32,
    /// When it last left zero: the fault's onset if it crosses.
    since: Duration,
}

impl Sum {
    /// Keeps a long fault from needing as long to be over.
    const CAP: f32 = 40.0;

    fn add(&mut self, at: Duration, evidence: Evidence) {
        match evidence {
            Evidence::For(weight) => {
                if self.value <= 0.0 {
                    self.since = at;
                }
                self.value = (self.value + weight).min(Sum::CAP);
            }
            Evidence::Against(weight) => self.value = (self.value - weight).max(0.0),
            Evidence::None => {}
        }
    }

    /// How sure a sum of this many nats is.
    fn confidence(&self) -> f32 {
        1.0 - (-self.value).exp()
    }
}

/// Packets of good, active audio in a row that end a fault: 200 ms of 20 ms packets. Silence neither counts nor
/// breaks the row, so a pause of the static releases nothing.
const GOOD_PACKETS: u32 = 10;

impl Detector {
    /// A detector for a stream whose payload type says `law`.
    pub fn new(law: Law) -> Self {
        Self {
            law,
            current: None,
            telegraph: Telegraph::default(),
            misread: Misread::default(),
            good: 0,
        }
    }

    /// Takes one payload that arrived `at` on the stream's clock; says what changed, if anything did.
    ///
    /// **Shape**: 1 to 1500 bytes of any ptime; an empty payload changes nothing.
    pub fn observe(&mut self, at: Duration, payload: &[u8]) -> Option<Change> {
        let payload = payload.get(..readings::MAX_BYTES).unwrap_or(payload);
        if payload.is_empty() {
            return None;
        }
        if !readings::is_varied(payload) {
            return None;
        }
        let (shape, bits) = readings::as_labelled(self.law, payload);
        let telegraph = self.telegraph.observe(at, self.law, payload, &shape);
        // A burst's silence is smooth under any reading: it says nothing of PCM16.
        let misread = match self.telegraph.is_burst() {
            true => Evidence::None,
            false => self.misread.observe(at, payload, bits),
        };
        match self.current {
            Some(finding) => {
                let evidence = if finding.fault == Fault::Pcm16AsG711 {
                    misread
                } else {
                    telegraph
                };
                match evidence {
                    Evidence::For(_) => self.good = 0,
                    Evidence::Against(_) => self.good += 1,
                    Evidence::None => {}
                }
                if self.good < GOOD_PACKETS {
                    return None;
                }
                self.telegraph = Telegraph::default();
                self.misread.reset();
                self.current = None;
                Some(Change::Cleared(Finding {
                    to: Some(at),
                    ..finding
                }))
            }
            None => {
                let finding = self
                    .misread
                    .verdict(at)
                    .or_else(|| self.telegraph.verdict(at))?;
                self.good = 0;
                self.current = Some(finding);
                Some(Change::Tripped(finding))
            }
        }
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
