//! One figure's spread: an HDR histogram.

use std::io::Cursor;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

/// How a figure is spread: any whole number up to [`HIGHEST`], exact to three digits, or roughly.
///
/// **Shape**: grows with the highest value, to 200 kB; a rough one to 4 kB.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution(Histogram<u64>);

impl Distribution {
    /// Nothing recorded yet; exact to three digits.
    pub fn new() -> Distribution {
        Distribution::with(DIGITS)
    }

    /// Nothing recorded yet; exact to one digit.
    pub fn rough() -> Distribution {
        Distribution::with(ROUGH)
    }

    fn with(digits: u8) -> Distribution {
        let made = Histogram::new(digits);
        // What can't be made has more than five digits.
        let mut histogram = made.unwrap_or_else(|_| unreachable!("{digits} digits"));
        histogram.auto(true);
        Distribution(histogram)
    }

    /// Takes a value; what is higher than [`HIGHEST`] counts as that.
    pub fn record(&mut self, value: u64) {
        // It grows as far as HIGHEST.
        let _ = self.0.record(value.min(HIGHEST));
    }

    /// Takes a time in microseconds.
    pub fn record_time(&mut self, time: Duration) {
        self.record(u64::try_from(time.as_micros()).unwrap_or(HIGHEST));
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The value that `share` of all are not above, 0 to 1; none of none.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        (self.count() > 0).then(|| self.0.value_at_quantile(share))
    }

    /// The same as a time.
    pub fn time_at(&self, share: f64) -> Option<Duration> {
        self.quantile(share).map(Duration::from_micros)
    }

    /// The mean.
    pub fn mean(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.0.mean())
    }

    /// The lowest value.
    pub fn min(&self) -> Option<u64> {
        (self.count() > 0).then(|| self.0.min())
    }

    /// The highest value.
    pub fn max(&self) -> Option<u64> {
        (self.count() > 0).then(|| self.0.max())
    }

    /// Values not above `limit`.
    pub fn count_up_to(&self, limit: u64) -> u64 {
        self.0.count_between(0, limit)
    }

    /// Adds another one's values.
    pub fn merge(&mut self, other: &Distribution) {
        // It grows as far as HIGHEST, and nothing higher was ever recorded.
        let _ = self.0.add(&other.0);
    }

    /// HdrHistogram's encoding V2, in base64: other tools read it.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::new();
        // Writing into memory fails only for histograms that can't be made here.
        let _ = V2Serializer::new().serialize(&self.0, &mut bytes);
        STANDARD.encode(bytes)
    }

    /// Reads [`Distribution::encode`] of one made here; none if it is anything else.
    ///
    /// **Cost**: bounded, whatever the text says: the header is looked at before anything is made of it.
    pub fn decode(text: &str) -> Option<Distribution> {
        if text.len() > MOST_TEXT {
            return None;
        }
        let bytes = STANDARD.decode(text).ok()?;
        // Cookie, payload length, normalizing offset, digits: 4 bytes each; lowest, highest, ratio: 8 each.
        let word = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        let (length, offset, digits) = (word(4)?, word(8)?, word(12)?);
        let lowest = u64::from_be_bytes(*bytes.get(16..)?.first_chunk()?);
        let highest = u64::from_be_bytes(*bytes.get(24..)?.first_chunk()?);
        if length as usize != bytes.len().checked_sub(HEADER)? || offset != 0 || lowest != 1 {
            return None;
        }
        let digits = u8::try_from(digits)
            .ok()
            .filter(|d| [DIGITS, ROUGH].contains(d))?;
        if highest > 4 * HIGHEST {
            return None;
        }
        let read: Histogram<u64> = Deserializer::new()
            .deserialize(&mut Cursor::new(bytes))
            .ok()?;
        if read.max() > 2 * HIGHEST {
            return None;
        }
        let mut made = Distribution::with(digits);
        made.0.add(&read).ok()?;
        Some(made)
    }
}

impl Default for Distribution {
    fn default() -> Self {
        Distribution::new()
    }
}

/// Three hours in microseconds: longer than any call under load.
pub const HIGHEST: u64 = 10_800_000_000;
const DIGITS: u8 = 3;
const ROUGH: u8 = 1;
/// The header of HdrHistogram's encoding V2.
const HEADER: usize = 40;
/// Ten times what a full histogram takes.
const MOST_TEXT: usize = 4_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut spread = Distribution::new();
        for value in [0, 1, 20_000, 20_001, 5_000_000, u64::MAX] {
            spread.record(value);
        }
        let read = Distribution::decode(&spread.encode()).unwrap();
        assert_eq!(read, spread);
        assert_eq!(read.count(), 6);
        assert!(read.max().unwrap() >= HIGHEST);
    }

    #[test]
    fn merged_is_as_if_recorded_together() {
        let (mut one, mut other, mut both) = Default::default();
        for i in 0..1_000_u64 {
            let half: &mut Distribution = if i % 3 == 0 { &mut one } else { &mut other };
            half.record(i * i);
            Distribution::record(&mut both, i * i);
        }
        one.merge(&other);
        for share in [0.0, 0.5, 0.9, 0.99, 1.0] {
            assert_eq!(one.quantile(share), both.quantile(share));
        }
    }

    #[test]
    fn nothing_hostile_is_decoded() {
        let good = Distribution::new().encode();
        let bytes = STANDARD.decode(good).unwrap();
        for (at, value) in [(0, 9), (4, 0xFF), (12, 1), (15, 4), (24, 0x7F), (16, 0xFF)] {
            let mut bad = bytes.clone();
            bad[at] = value;
            assert_eq!(Distribution::decode(&STANDARD.encode(bad)), None, "{at}");
        }
        assert_eq!(Distribution::decode(""), None);
        assert_eq!(Distribution::decode("!"), None);
        assert_eq!(Distribution::decode(&"A".repeat(100)), None);
    }
}
