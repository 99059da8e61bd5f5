//! Datagrams out as a capture.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use etherparse::PacketBuilder;

/// Writes datagrams as a classic pcap with nanosecond times and link type Ethernet.
///
/// Ethernet, IP and UDP headers are made up, with valid checksums; the MAC
/// addresses are locally administered and tell the two ends apart.
pub struct Writer<W> {
    sink: W,
    frame: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes the file header.
    pub fn new(mut sink: W) -> io::Result<Self> {
        let mut header = Vec::with_capacity(24);
        header.extend(0xA1B2_3C4D_u32.to_le_bytes());
        header.extend(2_u16.to_le_bytes());
        header.extend(4_u16.to_le_bytes());
        header.extend([0; 8]);
        header.extend(SNAP_BYTES.to_le_bytes());
        header.extend(LINKTYPE_ETHERNET.to_le_bytes());
        sink.write_all(&header)?;
        Ok(Self {
            sink,
            frame: Vec::with_capacity(2_048),
        })
    }

    /// Writes one UDP datagram.
    ///
    /// **Units**: `epoch` counts from 1970-01-01T00:00:00Z.
    ///
    /// **Errors**: `InvalidInput` where the addresses are of different families,
    /// the payload is too long for a datagram, or the time is past 2106 (32 bits
    /// of seconds); else what the sink says.
    pub fn write(
        &mut self,
        epoch: Duration,
        source: SocketAddr,
        destination: SocketAddr,
        payload: &[u8],
    ) -> io::Result<()> {
        let link = PacketBuilder::ethernet2(SOURCE_MAC, DESTINATION_MAC);
        let network = match (source.ip(), destination.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => link.ipv4(from.octets(), to.octets(), HOPS),
            (IpAddr::V6(from), IpAddr::V6(to)) => link.ipv6(from.octets(), to.octets(), HOPS),
            _ => return Err(invalid("source and destination of different IP versions")),
        };
        let seconds = u32::try_from(epoch.as_secs())
            .map_err(|_| invalid("a time past what pcap can express (2106)"))?;
        self.frame.clear();
        network
            .udp(source.port(), destination.port())
            .write(&mut self.frame, payload)
            .map_err(|_| invalid("a payload too long for a datagram"))?;
        let length = (self.frame.len() as u32).to_le_bytes();
        self.sink.write_all(&seconds.to_le_bytes())?;
        self.sink.write_all(&epoch.subsec_nanos().to_le_bytes())?;
        self.sink.write_all(&length)?;
        self.sink.write_all(&length)?;
        self.sink.write_all(&self.frame)
    }

    /// What is written to.
    pub fn sink_mut(&mut self) -> &mut W {
        &mut self.sink
    }

    /// Flushes, and gives the sink back.
    pub fn into_inner(mut self) -> io::Result<W> {
        self.sink.flush()?;
        Ok(self.sink)
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

const LINKTYPE_ETHERNET: u32 = 1;
/// What tcpdump writes: no frame of ours is longer.
const SNAP_BYTES: u32 = 262_144;
/// RFC 1700's recommended default.
const HOPS: u8 = 64;
const SOURCE_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
const DESTINATION_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];
