//! Watching calls from outside: datagrams in, a verdict a stream out.
//!
//! [`Observer`] tells RTP from what else is on the wire, pairs its streams with the
//! SIP and SDP that announced them, and gives each the statistics and the detector
//! that the gateway's own media path has. It knows no capture format: whoever calls
//! hands it datagrams with times.
//!
//! ```
//! use squelch_call::observe::{Carrier, Datagram, Observer};
//! use std::time::Duration;
//!
//! let (source, destination) = ("192.0.2.1:4000".parse()?, "192.0.2.2:5000".parse()?);
//! let mut observer = Observer::new();
//! for n in 0..50_u8 {
//!     let mut packet = vec![0x80, 0, 0, n, 0, 0, 0, 0, 0xAB, 0, 0, 1];
//!     packet[6..8].copy_from_slice(&(u16::from(n) * 160).to_be_bytes());
//!     packet.extend([0xFF; 160]);
//!     observer.handle_datagram(Datagram {
//!         at: Duration::from_millis(20) * u32::from(n),
//!         source,
//!         destination,
//!         carrier: Carrier::Udp,
//!         payload: &packet,
//!         missing_bytes: 0,
//!     });
//! }
//! let observation = observer.finish();
//! assert_eq!(observation.streams[0].packets, 50);
//! assert_eq!(observation.streams[0].format, "pcmu");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod announcements;
mod datagram;
mod encoding;
mod listener;
mod observer;
mod playback;
mod recognise;
mod recording;
mod report;
mod restore;
mod sdp;
mod segments;
mod signalling;
mod stream;

pub use datagram::{Carrier, Datagram};
pub use observer::{Observation, Observer};
pub use playback::Playback;
pub use recording::{Codes, Recording};
pub use report::{FaultReport, Origin, Repair, StreamReport};
pub use restore::Restorer;
pub use signalling::{Signal, SignalKind};

#[cfg(test)]
mod tests;
