//! NTP timestamps (RFC 3550 section 4).

use std::time::{Duration, Instant, SystemTime};

/// From 1900, NTP's beginning, to 1970. **Units**: seconds.
const NTP_TO_UNIX_SECONDS: u64 = 2_208_988_800;

/// A date as NTP counts: seconds since 1900 in the upper half, their fraction in the lower; wraps in 2036.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// The date of a wall clock's time; one before 1970 is taken for 1970.
    pub fn from_wall(wall: SystemTime) -> NtpTime {
        let since = wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        let seconds = since.as_secs().wrapping_add(NTP_TO_UNIX_SECONDS);
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        NtpTime(seconds << 32 | fraction)
    }

    /// The middle half, which reports send back. **Units**: 1/65,536 s.
    pub const fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// The wall clock at one instant, and from there on by the steady one: a clock that is set meanwhile would spoil
/// every round-trip time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    /// The instant.
    pub now: Instant,
    /// The date at it.
    pub wall: SystemTime,
}

impl WallClock {
    /// The date at `now`.
    pub fn at(&self, now: Instant) -> NtpTime {
        let wall = match now.checked_duration_since(self.now) {
            Some(since) => self.wall.checked_add(since),
            None => self.wall.checked_sub(self.now.duration_since(now)),
        };
        NtpTime::from_wall(wall.unwrap_or(self.wall))
    }
}

/// A span as reports count it, the longest that fits if it is longer. **Units**: 1/65,536 s.
pub(super) fn span_to_65536ths(span: Duration) -> u32 {
    u32::try_from((span.as_nanos() << 16) / 1_000_000_000).unwrap_or(u32::MAX)
}

/// A count of 1/65,536 s as a span.
pub(super) fn span_from_65536ths(count: u32) -> Duration {
    Duration::from_nanos((u64::from(count) * 1_000_000_000) >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3550_section_4_middle_of_a_date() {
        // 1970 and a quarter of a second.
        let wall = SystemTime::UNIX_EPOCH + Duration::from_millis(250);
        let time = NtpTime::from_wall(wall);
        assert_eq!(time.0, 0x83AA_7E80_4000_0000);
        assert_eq!(time.middle(), 0x7E80_4000);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any moment does to count from")]
    fn a_clock_runs_both_ways_from_its_instant() {
        let now = Instant::now() + Duration::from_secs(10);
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let clock = WallClock { now, wall };
        let second = 1_u64 << 32;
        let at = |now| clock.at(now).0;
        assert_eq!(at(now + Duration::from_secs(2)) - at(now), 2 * second);
        assert_eq!(at(now) - at(now - Duration::from_secs(2)), 2 * second);
    }

    #[test]
    fn spans_go_there_and_back() {
        for ms in [0, 1, 20, 5_000, 65_000_000] {
            let span = Duration::from_millis(ms);
            let back = span_from_65536ths(span_to_65536ths(span));
            assert!(span - back < Duration::from_micros(16), "{span:?} {back:?}");
        }
        assert_eq!(span_to_65536ths(Duration::MAX), u32::MAX);
    }
}
