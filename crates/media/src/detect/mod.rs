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

pub use fault::Fault;
pub use finding::{ByteOrder, Change, Finding, Pace, Variant};

use squelch_g711::Law;
use std::time::Duration;

/// The sequential test over one stream's payloads.
///
/// **Cost**: fixed memory, nothing allocated after [`Detector::new`].
#[derive(Debug)]
pub struct Detector {
    law: Law,
    current: Option<Finding>,
}

impl Detector {
    /// A detector for a stream whose payload type says `law`.
    pub fn new(law: Law) -> Self {
        Self { law, current: None }
    }

    /// Takes one payload that arrived `at` on the stream's clock; says what changed, if anything did.
    ///
    /// **Shape**: 1 to 1500 bytes of any ptime; an empty payload changes nothing.
    pub fn observe(&mut self, at: Duration, payload: &[u8]) -> Option<Change> {
        let _ = (at, payload, self.law);
        None
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
