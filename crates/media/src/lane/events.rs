//! Telephone-events where the legs' clocks differ: timestamp and duration in the other clock's ticks.

use crate::rtp::{RtpTime, Ssrc};

/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     event     |E|R| volume    |          duration             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
/// **Source**: RFC 4733 section 2.3. **Units**: bytes.
const EVENT_BYTES: usize = 4;

/// The longest duration one event packet can tell (RFC 4733 section 2.5.1.3); longer events go on in segments.
const LONGEST_TICKS: u32 = 0xFFFF;

/// Maps the events of one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Events {
    from_hz: u32,
    to_hz: u32,
    present: Option<Present>,
}

/// The event under way: all its packets have the time of its beginning.
#[derive(Clone, Copy, Debug)]
struct Present {
    source: Ssrc,
    came_at: RtpTime,
    goes_at: RtpTime,
}

impl Events {
    pub(super) fn new(from_hz: u32, to_hz: u32) -> Events {
        Events {
            from_hz: from_hz.max(1),
            to_hz,
            present: None,
        }
    }

    /// Maps one packet of events in place; gives its timestamp towards the other leg. An event that was not heard of
    /// before begins `now` on the outgoing clock.
    ///
    /// An event too long for one packet's duration on the faster clock goes on in a segment of its own.
    pub(super) fn map(
        &mut self,
        source: Ssrc,
        timestamp: RtpTime,
        now: RtpTime,
        payload: &mut [u8],
    ) -> RtpTime {
        let known = self
            .present
            .filter(|present| present.source == source && present.came_at == timestamp);
        let present = known.unwrap_or(Present {
            source,
            came_at: timestamp,
            goes_at: now,
        });
        self.present = Some(present);
        let mut segment_ticks = 0;
        // Several events may share a packet (section 2.3.1), one behind the other.
        let (events, _) = payload.as_chunks_mut::<EVENT_BYTES>();
        for event in events {
            let [_, _, high, low] = event;
            let duration = u64::from(u16::from_be_bytes([*high, *low]));
            let scaled = (duration * u64::from(self.to_hz) / u64::from(self.from_hz)) as u32;
            let before = scaled.saturating_sub(1) / LONGEST_TICKS * LONGEST_TICKS;
            segment_ticks = segment_ticks.max(before);
            [*high, *low] = ((scaled - before) as u16).to_be_bytes();
        }
        present.goes_at.plus(segment_ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(duration: u16) -> [u8; 4] {
        let [high, low] = duration.to_be_bytes();
        [5, 0x0A, high, low]
    }

    #[test]
    fn all_packets_of_an_event_have_the_time_of_its_beginning() {
        let mut events = Events::new(8_000, 48_000);
        for (now, duration) in [(1_000, 160), (1_960, 320), (2_920, 480), (3_880, 480)] {
            let mut payload = event(duration);
            let at = events.map(Ssrc(1), RtpTime(77), RtpTime(now), &mut payload);
            assert_eq!(at, RtpTime(1_000));
            assert_eq!(payload, event(duration * 6));
        }
        let at = events.map(Ssrc(1), RtpTime(900), RtpTime(9_000), &mut event(160));
        assert_eq!(at, RtpTime(9_000));
    }

    #[test]
    fn rfc4733_2_5_1_3_a_long_event_goes_on_in_segments() {
        let mut events = Events::new(8_000, 48_000);
        let mut payload = event(10_920);
        let at = events.map(Ssrc(1), RtpTime(0), RtpTime(0), &mut payload);
        assert_eq!((at, payload), (RtpTime(0), event(65_520)));
        let mut payload = event(11_080);
        let at = events.map(Ssrc(1), RtpTime(0), RtpTime(0), &mut payload);
        assert_eq!((at, payload), (RtpTime(65_535), event(945)));
    }
}
