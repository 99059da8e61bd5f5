//! When the next report is due (RFC 3550 sections 6.2 and 6.3, algorithm of A.7).

use std::time::{Duration, Instant};

/// The shortest mean interval (section 6.2). The reduced one, 360 divided by the session's bandwidth in kbit/s, is no
/// shorter for a call's 64 to 128 kbit/s.
const MINIMUM: Duration = Duration::from_secs(5);

/// The share of the session's bandwidth that is RTCP's (section 6.2).
const RTCP_SHARE: f64 = 0.05;

/// The share of the members that may send before senders have no bandwidth of their own, and that bandwidth's share
/// (section 6.2).
const SENDERS_SHARE: f64 = 0.25;

/// What makes up for timer reconsideration, which converges below the mean: e - 3/2 (section 6.3.1).
const COMPENSATION: f64 = std::f64::consts::E - 1.5;

/// A compound packet before the first was seen: a sender report with one block and a CNAME. **Units**: bytes.
const FIRST_SIZE: f64 = 80.0;

/// IPv4 and UDP, which count as well (section 6.2). **Units**: bytes.
const LOWER_HEADERS_BYTES: usize = 28;

/// Who takes part, squelch among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// All.
    pub members: usize,
    /// Those that sent RTP lately.
    pub senders: usize,
    /// Whether squelch is one of these.
    pub we_sent: bool,
}

/// What became of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Send now, then call [`Interval::sent`].
    Due,
    /// Not yet: there were more members, or the dice fell so.
    Later,
}

/// The timer of one participant. Randomness comes from the seed.
#[derive(Clone, Debug)]
pub struct Interval {
    random: u64,
    /// **Units**: bytes a second.
    bandwidth: f64,
    average_size: f64,
    /// `tp`: when the last report was sent, or the session began.
    previous: Instant,
    /// `tn`.
    next: Instant,
    /// `pmembers`: the members when `next` was computed.
    members: usize,
    initial: bool,
}

impl Interval {
    /// A session that begins `now`. **Units**: `session_bandwidth` in bytes a second, headers counted.
    pub fn new(now: Instant, seed: u64, session_bandwidth: f64) -> Interval {
        let mut interval = Interval {
            random: seed,
            bandwidth: (session_bandwidth * RTCP_SHARE).max(1.0),
            average_size: FIRST_SIZE + LOWER_HEADERS_BYTES as f64,
            previous: now,
            next: now,
            members: 1,
            initial: true,
        };
        let alone = Group {
            members: 1,
            senders: 0,
            we_sent: false,
        };
        interval.next = now + interval.draw(alone);
        interval
    }

    /// When [`Interval::handle_timeout`] wants to be called.
    pub fn due(&self) -> Instant {
        self.next
    }

    /// The timer went off: with the members known by now the interval is drawn anew, and only what still lies in the
    /// past is due (section 6.3.6).
    pub fn handle_timeout(&mut self, now: Instant, group: Group) -> Report {
        let next = self.previous + self.draw(group);
        self.members = group.members;
        if next <= now {
            return Report::Due;
        }
        self.next = next;
        Report::Later
    }

    /// A report of `bytes` was sent.
    pub fn sent(&mut self, now: Instant, bytes: usize, group: Group) {
        self.saw(bytes);
        self.previous = now;
        self.initial = false;
        self.next = now + self.draw(group);
    }

    /// A compound packet of `bytes` was seen (section 6.3.3).
    pub fn saw(&mut self, bytes: usize) {
        let size = (bytes + LOWER_HEADERS_BYTES) as f64;
        self.average_size += (size - self.average_size) / 16.0;
    }

    /// Members left: the timer comes nearer in proportion (section 6.3.4).
    pub fn shrunk(&mut self, now: Instant, members: usize) {
        if members >= self.members {
            return;
        }
        let share = members as f64 / self.members as f64;
        let ahead = self.next.saturating_duration_since(now).mul_f64(share);
        let behind = now.saturating_duration_since(self.previous);
        self.next = now + ahead;
        self.previous = now.checked_sub(behind.mul_f64(share)).unwrap_or(now);
        self.members = members;
    }

    /// The interval without its randomness, by which members are timed out (section 6.3.5).
    pub fn deterministic(&self, group: Group) -> Duration {
        let (members, senders) = (group.members as f64, group.senders as f64);
        let (count, bandwidth) = if senders > members * SENDERS_SHARE {
            (members, self.bandwidth)
        } else if group.we_sent {
            (senders, self.bandwidth * SENDERS_SHARE)
        } else {
            (members - senders, self.bandwidth * (1.0 - SENDERS_SHARE))
        };
        let minimum = match self.initial {
            true => MINIMUM / 2,
            false => MINIMUM,
        };
        let fair = Duration::try_from_secs_f64(self.average_size * count / bandwidth);
        fair.unwrap_or(minimum).max(minimum)
    }

    /// Between half and one and a half times as long, all of them alike likely.
    fn draw(&mut self, group: Group) -> Duration {
        let share = f64::from(self.next_random()) / f64::from(u32::MAX);
        self.deterministic(group)
            .mul_f64((0.5 + share) / COMPENSATION)
    }

    /// SplitMix64 (Steele, Lea and Flood 2014): enough for spreading reports, not for secrets.
    fn next_random(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 32) as u32
    }
}
