//! What a receiver knows of one SSRC's stream (RFC 3550 appendix A).

use super::{RtpTime, SeqNo};
use crate::quality::Bursts;
use std::time::Duration;

/// A jump of more than this is a restart, not loss (RFC 3550 A.1, MAX_DROPOUT).
const MAX_DROPOUT: u16 = 3_000;

/// How far back a packet may be and still be told apart from a duplicate.
/// **Units**: packets; one bit each, 20 s of 20 ms packets.
const WINDOW: u64 = 1_024;

/// A packet that is so many behind the highest is late: played without it, and counted as lost where bursts are
/// told. **Units**: packets; 320 ms of 20 ms packets, beyond what jitter buffers wait for.
const LATE: u64 = 16;

/// How one packet stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The next one, or a later one with a gap before it.
    InOrder(SeqNo),
    /// Behind one that came earlier.
    Reordered(SeqNo),
    /// Seen before.
    Duplicate(SeqNo),
    /// The sequence jumped too far for loss: numbering starts anew here.
    Restart(SeqNo),
}

/// The figures of a report block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// How often the numbering started anew; figures of two reports compare only where this is the same.
    pub restarts: u32,
    /// Packets expected.
    pub expected: u64,
    /// Packets received, duplicates among them, as section 6.4.1 counts.
    pub received: u64,
    /// The extended highest sequence number, from its first cycle on.
    pub highest: u32,
    /// **Units**: ticks of the RTP clock.
    pub jitter_ticks: u32,
}

/// Reception statistics of one SSRC.
///
/// **Shape**: fixed memory, nothing allocated.
#[derive(Clone, Debug)]
pub struct Receive {
    clock_rate: u32,
    base: u64,
    highest: u64,
    started: bool,
    /// One bit for each of the last `WINDOW` extended sequence numbers.
    seen: [u64; (WINDOW / 64) as usize],
    received: u64,
    duplicates: u64,
    reordered: u64,
    /// Expected, received and duplicates before the last restart.
    earlier_expected: u64,
    earlier_received: u64,
    earlier_duplicates: u64,
    restarts: u32,
    /// The cycle that the numbering began in.
    origin: u64,
    /// Numbers below this are judged: come or lost.
    settled: u64,
    bursts: Bursts,
    transit: Option<f64>,
    jitter_ticks: f64,
    jitter_sum_ticks: f64,
    jitter_count: u64,
}

impl Receive {
    /// A stream not heard yet. **Units**: `clock_rate` in Hz.
    pub fn new(clock_rate: u32) -> Receive {
        Receive {
            clock_rate: clock_rate.max(1),
            base: 0,
            highest: 0,
            started: false,
            seen: [0; (WINDOW / 64) as usize],
            received: 0,
            duplicates: 0,
            reordered: 0,
            earlier_expected: 0,
            earlier_received: 0,
            earlier_duplicates: 0,
            restarts: 0,
            origin: 0,
            settled: 0,
            bursts: Bursts::default(),
            transit: None,
            jitter_ticks: 0.0,
            jitter_sum_ticks: 0.0,
            jitter_count: 0,
        }
    }

    /// Takes one packet's arrival, `at` on any clock that runs steadily.
    pub fn on_packet(&mut self, at: Duration, sequence: u16, timestamp: RtpTime) -> Arrival {
        let arrival = self.place(sequence);
        if let Arrival::Restart(_) = arrival {
            // The timestamps start anew as well: no transit to compare with.
            self.transit = None;
        }
        if !matches!(arrival, Arrival::Duplicate(_)) {
            self.received += 1;
            self.on_transit(at, timestamp);
        }
        arrival
    }

    fn place(&mut self, sequence: u16) -> Arrival {
        if !self.started {
            self.restart(u64::from(sequence));
            self.started = true;
            return Arrival::InOrder(SeqNo(self.highest));
        }
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead == 0 {
            self.duplicates += 1;
            return Arrival::Duplicate(SeqNo(self.highest));
        }
        if ahead < MAX_DROPOUT {
            let extended = self.highest + u64::from(ahead);
            self.advance(extended);
            return Arrival::InOrder(SeqNo(extended));
        }
        let behind = u64::from(self.highest as u16).wrapping_sub(u64::from(sequence)) & 0xFFFF;
        if behind < WINDOW {
            let Some(extended) = self.highest.checked_sub(behind) else {
                return self.jump(sequence);
            };
            if self.mark(extended) {
                self.duplicates += 1;
                return Arrival::Duplicate(SeqNo(extended));
            }
            // A packet from before the first one heard belongs to the stream as well.
            self.base = self.base.min(extended);
            self.reordered += 1;
            return Arrival::Reordered(SeqNo(extended));
        }
        self.jump(sequence)
    }

    fn jump(&mut self, sequence: u16) -> Arrival {
        self.earlier_expected += self.highest - self.base + 1;
        self.earlier_received = self.received;
        self.earlier_duplicates = self.duplicates;
        self.restarts += 1;
        self.settle(self.highest + 1);
        // One cycle on, so that extended numbers never go back.
        let next = (self.highest | 0xFFFF) + 1 + u64::from(sequence);
        self.restart(next);
        Arrival::Restart(SeqNo(next))
    }

    fn restart(&mut self, extended: u64) {
        // One cycle up leaves room for packets from before the first.
        let extended = if self.started {
            extended
        } else {
            extended + 0x1_0000
        };
        self.base = extended;
        self.highest = extended;
        self.origin = extended & !0xFFFF;
        self.settled = extended;
        self.seen = [0; (WINDOW / 64) as usize];
        self.mark(extended);
    }

    fn advance(&mut self, extended: u64) {
        self.settle(extended.saturating_sub(LATE));
        let gap = (extended - self.highest).min(WINDOW);
        for skipped in 0..gap {
            self.clear(extended - skipped);
        }
        self.highest = extended;
        self.mark(extended);
    }

    /// Judges the numbers below `until`: what has not come by now is lost.
    fn settle(&mut self, until: u64) {
        while self.settled < until {
            let came = self.settled <= self.highest && self.is_seen(self.settled);
            self.bursts.take(came);
            self.settled += 1;
        }
    }

    fn is_seen(&self, extended: u64) -> bool {
        let word = self.seen.get((extended % WINDOW / 64) as usize);
        word.is_some_and(|word| word & 1 << (extended % 64) != 0)
    }

    /// Sets the number's bit; says whether it was set.
    fn mark(&mut self, extended: u64) -> bool {
        let bit = 1 << (extended % 64);
        let Some(word) = self.seen.get_mut((extended % WINDOW / 64) as usize) else {
            return false;
        };
        let was = *word & bit != 0;
        *word |= bit;
        was
    }

    fn clear(&mut self, extended: u64) {
        if let Some(word) = self.seen.get_mut((extended % WINDOW / 64) as usize) {
            *word &= !(1 << (extended % 64));
        }
    }

    /// RFC 3550 A.8, in floating point as section 6.4.1 defines it.
    fn on_transit(&mut self, at: Duration, timestamp: RtpTime) {
        let arrival_ticks = at.as_secs_f64() * f64::from(self.clock_rate);
        // Kept modulo 2^32 so that a wrap of the timestamp is no jump.
        let transit = arrival_ticks - f64::from(timestamp.0);
        if let Some(before) = self.transit {
            let wrap = 4_294_967_296.0;
            let mut difference = (transit - before) % wrap;
            if difference > wrap / 2.0 {
                difference -= wrap;
            } else if difference < -wrap / 2.0 {
                difference += wrap;
            }
            self.jitter_ticks += (difference.abs() - self.jitter_ticks) / 16.0;
            self.jitter_sum_ticks += self.jitter_ticks;
            self.jitter_count += 1;
        }
        self.transit = Some(transit);
    }

    /// What a report says of the source, counted from its last restart (RFC 3550 section 6.4.1).
    pub fn source(&self) -> SourceReport {
        let expected = match self.started {
            true => self.highest - self.base + 1,
            false => 0,
        };
        SourceReport {
            restarts: self.restarts,
            expected,
            received: (self.received - self.earlier_received)
                + (self.duplicates - self.earlier_duplicates),
            highest: (self.highest - self.origin) as u32,
            jitter_ticks: self.jitter_ticks as u32,
        }
    }

    /// How the losses are spread.
    pub fn bursts(&self) -> &Bursts {
        &self.bursts
    }

    /// Packets expected so far (RFC 3550 A.3).
    pub fn expected(&self) -> u64 {
        if !self.started {
            return 0;
        }
        self.earlier_expected + self.highest - self.base + 1
    }

    /// Distinct packets received.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Expected less distinct received, never negative.
    pub fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    /// Packets seen before.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Packets that came behind a later one.
    pub fn reordered(&self) -> u64 {
        self.reordered
    }

    /// The present interarrival jitter (RFC 3550 A.8).
    pub fn jitter(&self) -> Duration {
        self.ticks(self.jitter_ticks)
    }

    /// The mean of the jitter over all packets after the first.
    pub fn mean_jitter(&self) -> Duration {
        if self.jitter_count == 0 {
            return Duration::ZERO;
        }
        self.ticks(self.jitter_sum_ticks / self.jitter_count as f64)
    }

    fn ticks(&self, ticks: f64) -> Duration {
        Duration::try_from_secs_f64(ticks / f64::from(self.clock_rate)).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(receive: &mut Receive, sequences: &[u16]) -> Vec<Arrival> {
        sequences
            .iter()
            .enumerate()
            .map(|(i, sequence)| {
                let at = Duration::from_millis(20 * i as u64);
                receive.on_packet(at, *sequence, RtpTime(160 * u32::from(*sequence)))
            })
            .collect()
    }

    #[test]
    fn rfc3550_a3_loss_over_a_wrap() {
        let mut receive = Receive::new(8_000);
        feed(&mut receive, &[65_533, 65_534, 0, 1, 3]);
        assert_eq!((receive.expected(), receive.lost()), (7, 2));
    }

    #[test]
    fn duplicates_and_reordering_are_told_apart() {
        let mut receive = Receive::new(8_000);
        let arrivals = feed(&mut receive, &[10, 12, 11, 11, 12, 13, 9]);
        assert!(matches!(arrivals[2], Arrival::Reordered(_)));
        assert!(matches!(arrivals[3], Arrival::Duplicate(_)));
        assert!(matches!(arrivals[4], Arrival::Duplicate(_)));
        assert!(matches!(arrivals[6], Arrival::Reordered(_)));
        assert_eq!((receive.duplicates(), receive.reordered()), (2, 2));
        assert_eq!((receive.expected(), receive.lost()), (5, 0));
    }

    #[test]
    fn a_jump_is_a_restart_and_no_loss() {
        let mut receive = Receive::new(8_000);
        let arrivals = feed(&mut receive, &[1, 2, 30_000, 30_001]);
        assert!(matches!(arrivals[2], Arrival::Restart(_)));
        assert_eq!((receive.expected(), receive.lost()), (4, 0));
    }

    #[test]
    fn extended_numbers_never_go_back() {
        let mut receive = Receive::new(8_000);
        let mut last = 0;
        for arrival in feed(&mut receive, &[65_535, 0, 40_000, 10, 11]) {
            let (Arrival::InOrder(SeqNo(n)) | Arrival::Restart(SeqNo(n))) = arrival else {
                panic!("{arrival:?}")
            };
            assert!(n > last);
            last = n;
        }
    }

    #[test]
    fn rfc3550_a8_jitter() {
        let mut receive = Receive::new(8_000);
        receive.on_packet(Duration::ZERO, 0, RtpTime(0));
        // 10 ms late: |D| = 80 ticks, J = 80 / 16 = 5 ticks = 625 us.
        receive.on_packet(Duration::from_millis(30), 1, RtpTime(160));
        assert_eq!(receive.jitter(), Duration::from_micros(625));
        // On the same line again: J = 5 + (0 - 5) / 16.
        receive.on_packet(Duration::from_millis(50), 2, RtpTime(320));
        assert_eq!(receive.jitter().as_micros(), 585);
        assert_eq!(receive.mean_jitter().as_micros(), 605);
    }

    #[test]
    fn a_timestamp_wrap_is_no_jitter() {
        let mut receive = Receive::new(8_000);
        receive.on_packet(Duration::ZERO, 0, RtpTime(u32::MAX - 79));
        receive.on_packet(Duration::from_millis(20), 1, RtpTime(80));
        assert!(receive.jitter() < Duration::from_micros(1));
    }
}
