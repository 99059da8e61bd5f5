//! The nonces we give out: nothing is kept of one until it is used rightly.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::algorithm::hex_text;

/// How long a nonce is good. Long enough for a carrier that keeps one for the calls to come, short
/// enough for the table of used ones.
pub(super) const LIFETIME: Duration = Duration::from_secs(300);

/// The used nonces that are kept, about 64 bytes each. Where a carrier uses more in a nonce's
/// lifetime, the oldest count as stale: one more round trip, never a count taken twice.
const MAX_USED: usize = 4_096;

/// Counts below the highest that are still told apart: calls that are set up at the same time
/// overtake each other on UDP.
const WINDOW: u32 = 64;

/// `seconds` and `serial` in hex, eight digits each, then 128 bits of the HMAC over them and the
/// source.
const NONCE_LENGTH: usize = 8 + 8 + 32;

/// Makes nonces and remembers their counts. Its time is the time since it was made, so that a
/// nonce says nothing of the machine's clock.
pub(super) struct Nonces {
    key: [u8; 32],
    serial: u32,
    used: BTreeMap<Stamp, Counts>,
    /// Counts of nonces up to here are forgotten.
    forgotten: Option<Stamp>,
}

/// A nonce's age and number; they sort by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    seconds: u32,
    serial: u32,
}

/// What a nonce is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// Ours, for this source, young enough.
    Good(Stamp),
    /// Anything else.
    Stale,
}

/// The counts seen under one nonce, as the replay window of RFC 4303 keeps sequence numbers.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    highest: u32,
    /// Bit n: `highest - n` was seen.
    seen: u64,
}

impl Nonces {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Nonces {
            key,
            serial: 0,
            used: BTreeMap::new(),
            forgotten: None,
        }
    }

    /// A new nonce for `source`.
    pub(super) fn make(&mut self, now: Duration, source: IpAddr) -> String {
        self.serial = self.serial.wrapping_add(1);
        let stamp = Stamp {
            seconds: seconds(now),
            serial: self.serial,
        };
        self.text(stamp, source)
    }

    pub(super) fn judge(&self, now: Duration, source: IpAddr, nonce: &str) -> Worth {
        let Some(stamp) = Stamp::parse(nonce) else {
            return Worth::Stale;
        };
        let ours = self.text(stamp, source);
        let genuine: bool = ours.as_bytes().ct_eq(nonce.as_bytes()).into();
        let age = seconds(now).saturating_sub(stamp.seconds);
        let forgotten = self.forgotten.is_some_and(|last| stamp <= last);
        if genuine && u64::from(age) < LIFETIME.as_secs() && !forgotten {
            Worth::Good(stamp)
        } else {
            Worth::Stale
        }
    }

    /// Takes in a count under a nonce; false where it was there before or is too far behind.
    pub(super) fn count(&mut self, now: Duration, stamp: Stamp, count: u32) -> bool {
        let taken = self.used.entry(stamp).or_default().take(count);
        let oldest = u64::from(seconds(now)).saturating_sub(LIFETIME.as_secs());
        while let Some((first, _)) = self.used.first_key_value()
            && (self.used.len() > MAX_USED || u64::from(first.seconds) < oldest)
        {
            self.forgotten = Some(*first);
            self.used.pop_first();
        }
        taken
    }

    fn text(&self, stamp: Stamp, source: IpAddr) -> String {
        let head = format!("{:08x}{:08x}", stamp.seconds, stamp.serial);
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            // HMAC takes keys of any length.
            return String::new();
        };
        mac.update(head.as_bytes());
        mac.update(source.to_canonical().to_string().as_bytes());
        let tag = mac.finalize().into_bytes();
        let tag = tag.get(..16).unwrap_or_default();
        format!("{head}{}", hex_text(tag))
    }
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nonces")
            .field("used", &self.used.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Nonces {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.key);
    }
}

impl Stamp {
    fn parse(nonce: &str) -> Option<Stamp> {
        if nonce.len() != NONCE_LENGTH {
            return None;
        }
        let number = |digits: Option<&str>| u32::from_str_radix(digits?, 16).ok();
        Some(Stamp {
            seconds: number(nonce.get(..8))?,
            serial: number(nonce.get(8..16))?,
        })
    }
}

fn seconds(now: Duration) -> u32 {
    u32::try_from(now.as_secs()).unwrap_or(u32::MAX)
}

impl Counts {
    fn take(&mut self, count: u32) -> bool {
        if count == 0 {
            return false;
        }
        if let Some(behind) = self.highest.checked_sub(count) {
            if behind >= WINDOW || self.seen & (1 << behind) != 0 {
                return false;
            }
            self.seen |= 1 << behind;
            return true;
        }
        let ahead = count - self.highest;
        self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
        self.highest = count;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn stamp(nonces: &Nonces, now: Duration, nonce: &str) -> Stamp {
        match nonces.judge(now, SOURCE, nonce) {
            Worth::Good(stamp) => stamp,
            Worth::Stale => panic!("stale"),
        }
    }

    #[test]
    fn a_nonce_is_good_for_its_source_and_its_time_only() {
        let mut nonces = Nonces::new([7; 32]);
        let start = Duration::from_secs(10);
        let nonce = nonces.make(start, SOURCE);
        let elsewhere = "192.0.2.9".parse().unwrap();
        assert_eq!(nonces.judge(start, elsewhere, &nonce), Worth::Stale);
        stamp(&nonces, start + LIFETIME - Duration::from_secs(1), &nonce);
        assert_eq!(nonces.judge(start + LIFETIME, SOURCE, &nonce), Worth::Stale);
        let mut forged = nonce.clone();
        forged.replace_range(..8, "00000001");
        for nonce in [forged.as_str(), "", "zz", &"é".repeat(24)] {
            assert_eq!(nonces.judge(start, SOURCE, nonce), Worth::Stale);
        }
    }

    #[test]
    fn a_count_is_taken_once_and_may_be_overtaken() {
        let mut nonces = Nonces::new([7; 32]);
        let now = Duration::ZERO;
        let nonce = nonces.make(now, SOURCE);
        let stamp = stamp(&nonces, now, &nonce);
        let mut take = |count| nonces.count(now, stamp, count);
        assert_eq!(
            [2, 1, 1, 2, 0].map(&mut take),
            [true, true, false, false, false]
        );
        assert!(take(100));
        assert_eq!([37, 36, 100, 99].map(take), [true, false, false, true]);
    }

    #[test]
    fn memory_is_bounded_and_no_count_comes_back_with_it() {
        let mut nonces = Nonces::new([7; 32]);
        let now = Duration::ZERO;
        let first = nonces.make(now, SOURCE);
        let used = stamp(&nonces, now, &first);
        assert!(nonces.count(now, used, 1));
        for _ in 0..2 * MAX_USED {
            let nonce = nonces.make(now, SOURCE);
            let stamp = stamp(&nonces, now, &nonce);
            assert!(nonces.count(now, stamp, 1));
        }
        assert!(nonces.used.len() <= MAX_USED);
        assert_eq!(nonces.judge(now, SOURCE, &first), Worth::Stale);
    }
}
