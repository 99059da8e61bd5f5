//! A ring of packets: fixed memory, the newest in the place of the oldest.

use crate::Format;
use crate::hold::MAX_DATAGRAM_BYTES;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Whether a packet came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the peer, as the detector heard it.
    Received,
    /// To the other peer, as the guard left it.
    Sent,
}

/// One packet of a ring: RTP in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tapped<'a> {
    /// When it came or left.
    pub at: Instant,
    /// Which of the two.
    pub way: Way,
    /// Who sent it, or whom it was sent to.
    pub peer: SocketAddr,
    /// The whole packet, header and all, without an authentication tag.
    pub packet: &'a [u8],
}

/// The last packets of one direction of a call.
///
/// **Shape**: fixed memory after `Ring::new`. A packet lies in one piece; the rest of the buffer behind the last that
/// fits is left empty.
#[derive(Debug)]
pub struct Ring {
    bytes: Box<[u8]>,
    entries: Box<[Entry]>,
    /// The oldest entry, and how many there are.
    first: usize,
    count: usize,
    /// Where the next packet goes.
    next: usize,
    /// When the first packet since [`Ring::clear`] was kept; the entries count from it.
    began: Option<Instant>,
    peers: [Option<SocketAddr>; PEERS],
    overwritten: u64,
    made_for: (Duration, [Format; 2]),
}

/// Where a packet is, and what is known of it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Since the ring's first packet. **Units**: microseconds.
    since_us: u64,
    start: u32,
    len: u16,
    way: Way,
    peer: u8,
}

impl Ring {
    /// A ring for `span` of both sides of a path between legs of these formats.
    pub(super) fn new(span: Duration, formats: [Format; 2]) -> Ring {
        let seconds = span.as_secs_f64();
        let packets = 2.0 * PACKETS_A_SECOND * seconds;
        let audio = formats.map(bytes_a_second).iter().sum::<f64>() * seconds;
        let bytes = audio + packets * HEADER_BYTES;
        Ring {
            bytes: vec![0; (bytes as usize).max(MAX_DATAGRAM_BYTES)].into_boxed_slice(),
            entries: vec![Entry::EMPTY; (packets as usize).max(1)].into_boxed_slice(),
            first: 0,
            count: 0,
            next: 0,
            began: None,
            peers: [None; PEERS],
            overwritten: 0,
            made_for: (span, formats),
        }
    }

    /// The packets, the oldest first.
    pub fn packets(&self) -> impl Iterator<Item = Tapped<'_>> {
        let began = self.began;
        (0..self.count).filter_map(move |index| {
            let entry = self.entries.get(self.place(index))?;
            let start = entry.start as usize;
            Some(Tapped {
                at: began? + Duration::from_micros(entry.since_us),
                way: entry.way,
                peer: (*self.peers.get(usize::from(entry.peer))?)?,
                packet: self.bytes.get(start..start + usize::from(entry.len))?,
            })
        })
    }

    pub(super) fn made_for(&self) -> (Duration, [Format; 2]) {
        self.made_for
    }

    /// Packets that newer ones took the place of since [`Ring::clear`].
    pub fn overwritten(&self) -> u64 {
        self.overwritten
    }

    /// The memory it holds.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + std::mem::size_of_val(&*self.entries)
    }

    /// Forgets everything, to be used again.
    pub fn clear(&mut self) {
        self.first = 0;
        self.count = 0;
        self.next = 0;
        self.began = None;
        self.peers = [None; PEERS];
        self.overwritten = 0;
    }

    /// Copies a packet; no more than [`MAX_DATAGRAM_BYTES`] of one are ever let in.
    pub(super) fn push(&mut self, at: Instant, way: Way, peer: SocketAddr, packet: &[u8]) {
        let len = packet.len();
        if len > self.bytes.len() || len > MAX_DATAGRAM_BYTES {
            self.overwritten += 1;
            return;
        }
        let peer = self.peer(peer);
        if self.next + len > self.bytes.len() {
            // What lies between here and the buffer's end is the oldest there is.
            let end = self.bytes.len();
            self.make_room(self.next, end);
            self.next = 0;
        }
        self.make_room(self.next, self.next + len);
        if self.count == self.entries.len() {
            self.drop_oldest();
        }
        let (start, place) = (self.next, self.place(self.count));
        let began = *self.began.get_or_insert(at);
        if let (Some(room), Some(entry)) = (
            self.bytes.get_mut(start..start + len),
            self.entries.get_mut(place),
        ) {
            room.copy_from_slice(packet);
            *entry = Entry {
                since_us: at.saturating_duration_since(began).as_micros() as u64,
                start: start as u32,
                len: len as u16,
                way,
                peer,
            };
            self.count += 1;
            self.next = start + len;
        }
    }

    /// Drops the oldest packets as long as they begin between two places.
    fn make_room(&mut self, from: usize, to: usize) {
        while self.count > 0
            && let Some(oldest) = self.entries.get(self.first)
            && (from..to).contains(&(oldest.start as usize))
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        self.first = self.place(1);
        self.count -= 1;
        self.overwritten += 1;
    }

    /// The number of a peer. A peer more than there are numbers for costs what is there: no call's SDP names so many
    /// within a ring's time.
    fn peer(&mut self, peer: SocketAddr) -> u8 {
        let known = |place: &Option<SocketAddr>| place.is_none_or(|known| known == peer);
        let number = self.peers.iter().position(known).unwrap_or_else(|| {
            let overwritten = self.overwritten + self.count as u64;
            self.clear();
            self.overwritten = overwritten;
            0
        });
        if let Some(place) = self.peers.get_mut(number) {
            *place = Some(peer);
        }
        number as u8
    }

    fn place(&self, offset: usize) -> usize {
        (self.first + offset) % self.entries.len()
    }
}

impl Entry {
    const EMPTY: Entry = Entry {
        since_us: 0,
        start: 0,
        len: 0,
        way: Way::Received,
        peer: 0,
    };
}

/// What a second of a format takes as payload.
fn bytes_a_second(format: Format) -> f64 {
    match format {
        Format::Pcmu | Format::Pcma => 8_000.0,
        Format::L16(rate) => 2.0 * f64::from(rate.hz()),
        // The most that libopus uses for speech of one channel (RFC 7587 section 3.1.1: 40 kbit/s fullband).
        Format::Opus => 5_000.0,
    }
}

/// Of 10 ms, the shortest that SIP peers use for long.
const PACKETS_A_SECOND: f64 = 100.0;
/// RFC 3550 section 5.1, without CSRCs.
const HEADER_BYTES: f64 = 12.0;
/// The two sides of a path, and what re-INVITEs put in their places.
const PEERS: usize = 8;

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "a test's time begins somewhere, and only its differences count"
)]
mod tests {
    use super::*;

    const PCMU: [Format; 2] = [Format::Pcmu; 2];

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    /// A packet that says its number, of a length of its own.
    fn packet(number: u32) -> Vec<u8> {
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.resize(12 + (number as usize * 37) % 300, number as u8);
        bytes
    }

    #[test]
    fn the_newest_packets_are_kept_whole_and_in_order() {
        let start = Instant::now();
        let mut ring = Ring::new(Duration::from_secs(1), PCMU);
        for number in 0..5_000 {
            let way = [Way::Received, Way::Sent][number as usize % 2];
            let at = start + Duration::from_millis(10 * u64::from(number));
            ring.push(at, way, peer(1_000 + number as u16 % 2), &packet(number));
            let kept: Vec<Tapped<'_>> = ring.packets().collect();
            let oldest = number + 1 - kept.len() as u32;
            assert_eq!(ring.overwritten(), u64::from(oldest));
            for (tapped, number) in kept.iter().zip(oldest..) {
                assert_eq!(tapped.packet, packet(number));
                let since = tapped.at.duration_since(start);
                assert_eq!(since, Duration::from_millis(10 * u64::from(number)));
                assert_eq!(tapped.peer, peer(1_000 + number as u16 % 2));
                assert_eq!(tapped.way == Way::Sent, number % 2 == 1);
            }
        }
        // 150 bytes on average, and room for 18,400.
        assert!(ring.packets().count() >= 100);
    }

    #[test]
    fn a_second_of_shortest_packets_both_ways_fits() {
        let start = Instant::now();
        let mut ring = Ring::new(Duration::from_secs(10), PCMU);
        for number in 0..2_000 {
            ring.push(start, Way::Received, peer(1), &[number as u8; 92]);
        }
        assert_eq!((ring.overwritten(), ring.packets().count()), (0, 2_000));
        assert_eq!(ring.size_bytes(), 216_000, "what docs/METRICS.md says");
    }

    #[test]
    fn more_peers_than_numbers_cost_what_was_there() {
        let start = Instant::now();
        let mut ring = Ring::new(Duration::from_secs(1), PCMU);
        for port in 0..9 {
            ring.push(start, Way::Received, peer(port), &[0; 20]);
        }
        let kept: Vec<u16> = ring.packets().map(|tapped| tapped.peer.port()).collect();
        assert_eq!((kept, ring.overwritten()), (vec![8], 8));
    }

    #[test]
    fn what_is_cleared_is_as_new() {
        let start = Instant::now();
        let mut ring = Ring::new(Duration::from_secs(1), PCMU);
        for _ in 0..1_000 {
            ring.push(start, Way::Received, peer(1), &[1; 200]);
        }
        ring.clear();
        assert_eq!((ring.packets().count(), ring.overwritten()), (0, 0));
        ring.push(start, Way::Sent, peer(2), &[2; 200]);
        let kept: Vec<Tapped<'_>> = ring.packets().collect();
        assert_eq!(
            (kept.len(), kept[0].packet[0], kept[0].peer),
            (1, 2, peer(2))
        );
    }
}
