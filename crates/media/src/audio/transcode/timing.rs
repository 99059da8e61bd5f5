//! Where a packet lies in time, and what that is on the outgoing clock. Integers only.

use crate::rtp::RtpTime;

/// The longest gap that is filled. **Units**: milliseconds; six packets of 20 ms, what concealment can hide at most.
pub const MAX_FILL_MS: u32 = 120;

/// How far back a timestamp is a late packet's rather than a new stream's. **Units**: milliseconds; longer than any
/// jitter buffer waits.
const MAX_LATE_MS: u32 = 1_000;

/// What a packet's timestamp says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The first packet.
    First,
    /// It follows, after as many missing ticks.
    After(u32),
    /// It begins a new stretch, as many ticks on.
    Restart(u32),
    /// Its time is past.
    Late,
}

/// The map from one clock to the other.
#[derive(Debug)]
pub(super) struct Timing {
    from_hz: u32,
    to_hz: u32,
    first: RtpTime,
    expected: Option<RtpTime>,
    /// Incoming ticks since the first packet. 64 bits last for millions of years.
    elapsed: u64,
}

impl Timing {
    pub(super) fn new(from_hz: u32, to_hz: u32) -> Timing {
        Timing {
            from_hz,
            to_hz,
            first: RtpTime(0),
            expected: None,
            elapsed: 0,
        }
    }

    pub(super) fn place(&self, timestamp: RtpTime) -> Place {
        let Some(expected) = self.expected else {
            return Place::First;
        };
        let per_ms = self.from_hz / 1_000;
        let off = timestamp.since(expected);
        match u32::try_from(off) {
            Ok(ahead) if ahead <= MAX_FILL_MS * per_ms => Place::After(ahead),
            Ok(ahead) => Place::Restart(ahead),
            Err(_) if off.unsigned_abs() <= MAX_LATE_MS * per_ms => Place::Late,
            // How long the sender was away is not known: long enough to end the stretch before.
            Err(_) => Place::Restart(MAX_FILL_MS * per_ms),
        }
    }

    /// The first packet is at `timestamp`, on both clocks.
    pub(super) fn begin(&mut self, timestamp: RtpTime) {
        self.first = timestamp;
        self.expected = Some(timestamp);
    }

    /// Time goes on by `skipped` ticks to `timestamp`.
    pub(super) fn restart(&mut self, timestamp: RtpTime, skipped: u32) {
        self.expected = Some(timestamp);
        self.elapsed += u64::from(skipped);
    }

    /// `ticks` of audio were taken.
    pub(super) fn advance(&mut self, ticks: u32) {
        self.expected = self.expected.map(|expected| expected.plus(ticks));
        self.elapsed += u64::from(ticks);
    }

    /// The end of what was taken, on the outgoing clock.
    pub(super) fn outgoing(&self) -> RtpTime {
        // The remainder is cut each time from the whole, so that it never adds up.
        let ticks = self.elapsed * u64::from(self.to_hz) / u64::from(self.from_hz);
        self.first.plus(ticks as u32)
    }

    /// What `ticks` more make at `hz`, counted from the beginning. **Units**: samples.
    pub(super) fn samples(&self, ticks: u32, hz: u32) -> usize {
        let at = |elapsed: u64| elapsed * u64::from(hz) / u64::from(self.from_hz);
        (at(self.elapsed + u64::from(ticks)) - at(self.elapsed)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_packets_ends_on_the_tick_over_the_wrap() {
        for (from, to) in [
            (8_000, 24_000),
            (24_000, 8_000),
            (8_000, 48_000),
            (48_000, 16_000),
        ] {
            let mut timing = Timing::new(from, to);
            let first = RtpTime(u32::MAX - 1_000);
            timing.begin(first);
            let (ticks, packets) = (from / 1_000 * 30, 24 * 3_600 * 1_000 / 30);
            for packet in 0..packets {
                let timestamp = first.plus(ticks.wrapping_mul(packet));
                assert_eq!(timing.place(timestamp), Place::After(0));
                timing.advance(ticks);
            }
            let day = first.plus(24_u32.wrapping_mul(3_600).wrapping_mul(to));
            assert_eq!(timing.outgoing(), day, "{from} to {to}");
        }
    }

    #[test]
    fn gaps_are_filled_up_to_the_bound_and_the_past_is_late() {
        let mut timing = Timing::new(8_000, 8_000);
        timing.begin(RtpTime(u32::MAX - 79));
        timing.advance(160);
        assert_eq!(timing.place(RtpTime(80)), Place::After(0));
        assert_eq!(timing.place(RtpTime(80 + 960)), Place::After(960));
        assert_eq!(timing.place(RtpTime(81 + 960)), Place::Restart(961));
        assert_eq!(timing.place(RtpTime(79)), Place::Late);
        assert_eq!(timing.place(RtpTime(u32::MAX - 79)), Place::Late);
        assert_eq!(
            timing.place(RtpTime(u32::MAX - 80_000)),
            Place::Restart(960)
        );
    }
}
