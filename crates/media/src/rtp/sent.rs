//! What was sent under our SSRC, as a sender report tells it (RFC 3550 section 6.4.1).

use super::RtpTime;
use std::time::{Duration, Instant};

/// A packet that comes later than the earliest did moves the clocks' relation by this part of its delay, so that it
/// follows the clocks' drift and not the network's jitter. **Source**: a convention.
const SLOW: i32 = 64;

/// A step of more is no delay: the timestamps started anew.
const JUMP: Duration = Duration::from_secs(1);

/// Counts, and how our timestamps stand to time.
#[derive(Clone, Debug)]
pub struct Sent {
    clock_rate: u32,
    packets: u32,
    octets: u32,
    last: Option<Instant>,
    /// A moment and its RTP timestamp.
    anchor: Option<(Instant, RtpTime)>,
}

impl Sent {
    /// Nothing yet. **Units**: `clock_rate` in Hz.
    pub fn new(clock_rate: u32) -> Sent {
        Sent {
            clock_rate,
            packets: 0,
            octets: 0,
            last: None,
            anchor: None,
        }
    }

    /// A packet left. `timestamp` is its own; `None` for one whose timestamp is not its own moment's, as a
    /// telephone-event's.
    pub fn on_packet(&mut self, now: Instant, octets: usize, timestamp: Option<RtpTime>) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(octets as u32);
        self.last = Some(now);
        let Some(timestamp) = timestamp else {
            return;
        };
        let to = match self.timestamp_at(now) {
            Some(expected) => self.corrected(expected, timestamp),
            None => timestamp,
        };
        self.anchor = Some((now, to));
    }

    fn corrected(&self, expected: RtpTime, timestamp: RtpTime) -> RtpTime {
        let ahead = timestamp.since(expected);
        let jump = JUMP.as_secs() as u32 * self.clock_rate;
        match ahead >= 0 || ahead.unsigned_abs() > jump {
            true => timestamp,
            false => expected.plus((ahead / SLOW) as u32),
        }
    }

    /// `now` on the clock of the timestamps; `None` before the first packet.
    pub fn timestamp_at(&self, now: Instant) -> Option<RtpTime> {
        let (at, timestamp) = self.anchor?;
        let since = now.saturating_duration_since(at);
        let ticks = since.as_nanos() * u128::from(self.clock_rate) / 1_000_000_000;
        Some(timestamp.plus(ticks as u32))
    }

    /// RTP packets; wraps.
    pub fn packets(&self) -> u32 {
        self.packets
    }

    /// Payload bytes; wraps.
    pub fn octets(&self) -> u32 {
        self.octets
    }

    /// When the last packet left.
    pub fn last(&self) -> Option<Instant> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any moment does to count from")]
    fn the_clocks_relation_follows_the_quickest_packets() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut sent = Sent::new(8_000);
        sent.on_packet(at(0), 160, Some(RtpTime(u32::MAX - 79)));
        assert_eq!(sent.timestamp_at(at(20)), Some(RtpTime(80)));
        // 16 ms late: 128 ticks, of which two are believed.
        sent.on_packet(at(36), 160, Some(RtpTime(80)));
        assert_eq!(sent.timestamp_at(at(36)), Some(RtpTime(206)));
        sent.on_packet(at(40), 160, Some(RtpTime(240)));
        assert_eq!(sent.timestamp_at(at(40)), Some(RtpTime(240)));
        assert_eq!((sent.packets(), sent.octets()), (3, 480));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any moment does to count from")]
    fn timestamps_that_start_anew_are_followed_at_once() {
        let now = Instant::now();
        let mut sent = Sent::new(8_000);
        sent.on_packet(now, 160, Some(RtpTime(0)));
        sent.on_packet(now, 160, Some(RtpTime(3_000_000_000)));
        assert_eq!(sent.timestamp_at(now), Some(RtpTime(3_000_000_000)));
    }
}
