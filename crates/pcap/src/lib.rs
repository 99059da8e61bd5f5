//! Captures: bytes to datagrams with times, and back.
//!
//! [`Reader`] takes the bytes of a pcap or pcapng capture, a few at a time, and
//! gives the UDP datagrams and TCP segments in it; [`Writer`] writes datagrams
//! as a capture that Wireshark opens; [`replay`] picks one RTP stream out of a
//! capture and says when each of its packets is due.
//!
//! ```
//! use squelch_pcap::{Reader, Writer};
//! use std::time::Duration;
//!
//! let mut writer = Writer::new(Vec::new())?;
//! let (from, to) = ("192.0.2.1:4000".parse()?, "192.0.2.2:5000".parse()?);
//! writer.write(Duration::from_millis(1_000), from, to, b"first")?;
//! writer.write(Duration::from_millis(1_020), from, to, b"second")?;
//! let bytes = writer.into_inner()?;
//!
//! // An error does not undo what came before it: read until `None`.
//! let packets: Vec<_> = Reader::new(&bytes[..])?.collect::<Result<_, _>>()?;
//! assert_eq!(packets[1].at, Duration::from_millis(20));
//! assert_eq!(packets[1].payload, &b"second"[..]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! No file is opened here: whoever calls gives something to read from.

mod classic;
mod error;
mod link;
mod ng;
mod packet;
mod reader;
pub mod replay;
mod window;
mod writer;

pub use error::PcapError;
pub use packet::{Packet, Transport};
pub use reader::{Counters, Reader};
pub use writer::Writer;
