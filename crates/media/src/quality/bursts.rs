//! How losses are spread: bursts and gaps (RFC 3611 section 4.7.2), and G.107's burst ratio.

use crate::rtcp::VoipMetrics;

/// Between two losses so many packets must come for the second to begin something new. **Source**: RFC 3611 section
/// 4.7.2, whose recommended Gmin is 16.
const GMIN: u64 = VoipMetrics::GMIN as u64;

/// Takes the packets of one stream in their order, each come or lost.
///
/// **Shape**: fixed memory. **Cost**: a comparison for each packet that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bursts {
    packets: u64,
    lost: u64,
    /// Runs of losses without a packet between them.
    runs: u64,
    /// Packets since the last loss, if there was one.
    since: Option<u64>,
    /// The present group of losses: how many, and from the first to the last how long. **Units**: packets.
    group_lost: u64,
    group_packets: u64,
    bursts: u64,
    burst_packets: u64,
    burst_lost: u64,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BurstFigures {
    /// The mean run of losses against that of random loss as frequent (G.107 section 3); 1 without loss.
    pub ratio: f64,
    /// How many bursts there were.
    pub bursts: u64,
    /// The part of a burst's packets that was lost.
    pub burst_density: f64,
    /// The part of the other packets that was lost.
    pub gap_density: f64,
    /// The mean length of a burst. **Units**: packets.
    pub burst_packets: f64,
    /// The mean length of what lies between. **Units**: packets.
    pub gap_packets: f64,
}

impl Bursts {
    /// The next packet: whether it came.
    pub fn take(&mut self, came: bool) {
        self.packets += 1;
        if came {
            self.since = self.since.map(|since| since + 1);
            return;
        }
        self.lost += 1;
        let since = self.since.replace(0);
        if since != Some(0) {
            self.runs += 1;
        }
        match since {
            Some(since) if since < GMIN => {
                self.group_lost += 1;
                self.group_packets += since + 1;
            }
            _ => {
                self.close_group();
                (self.group_lost, self.group_packets) = (1, 1);
            }
        }
    }

    /// A group of several losses was a burst; a single one belongs to the gap.
    fn close_group(&mut self) {
        if self.group_lost > 1 {
            self.bursts += 1;
            self.burst_packets += self.group_packets;
            self.burst_lost += self.group_lost;
        }
        (self.group_lost, self.group_packets) = (0, 0);
    }

    /// Takes the packets of another stream of the same leg.
    pub(crate) fn add(&mut self, other: &Bursts) {
        let mut other = *other;
        other.close_group();
        self.close_group();
        self.since = None;
        self.packets += other.packets;
        self.lost += other.lost;
        self.runs += other.runs;
        self.bursts += other.bursts;
        self.burst_packets += other.burst_packets;
        self.burst_lost += other.burst_lost;
    }

    /// The figures so far.
    pub fn figures(&self) -> BurstFigures {
        let mut all = *self;
        all.close_group();
        let part = |part: u64, of: u64| match of {
            0 => 0.0,
            of => part as f64 / of as f64,
        };
        let gap_packets = all.packets - all.burst_packets;
        let loss = part(all.lost, all.packets);
        let ratio = match all.runs {
            0 => 1.0,
            runs => all.lost as f64 / runs as f64 * (1.0 - loss),
        };
        BurstFigures {
            ratio,
            bursts: all.bursts,
            burst_density: part(all.burst_lost, all.burst_packets),
            gap_density: part(all.lost - all.burst_lost, gap_packets),
            burst_packets: part(all.burst_packets, all.bursts),
            gap_packets: part(gap_packets, all.bursts + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(packets: &str) -> BurstFigures {
        let mut bursts = Bursts::default();
        for packet in packets.chars() {
            bursts.take(packet == '.');
        }
        bursts.figures()
    }

    #[test]
    fn rfc3611_4_7_2_a_burst_begins_and_ends_with_a_loss() {
        let gap = ".".repeat(16);
        // A single loss, a burst of 3 in 5, another of 2 in 17.
        let packets = format!("{gap}x{gap}x..xx{gap}x...............x{gap}");
        let figures = of(&packets);
        assert_eq!(figures.bursts, 2);
        assert_eq!(figures.burst_packets, (5.0 + 17.0) / 2.0);
        assert_eq!(figures.burst_density, 5.0 / 22.0);
        assert_eq!(figures.gap_density, 1.0 / 65.0);
        assert_eq!(figures.gap_packets, 65.0 / 3.0);
    }

    #[test]
    fn losses_in_runs_are_burstier_than_random_ones() {
        // Runs of 4 in 10 % loss: 4 * 0.9.
        let runs = format!("xxxx{}", ".".repeat(36)).repeat(50);
        assert!((of(&runs).ratio - 3.6).abs() < 1e-9);
        // By chance: a generator of its own, 20 % loss.
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16 < 13_107
        };
        let chance: String = (0..100_000)
            .map(|_| if random() { 'x' } else { '.' })
            .collect();
        assert!((of(&chance).ratio - 1.0).abs() < 0.02, "{:?}", of(&chance));
        assert_eq!(of("....").ratio, 1.0);
    }
}
