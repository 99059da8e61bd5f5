//! Numbers off the wire, each a type of its own.

use std::fmt;
use std::time::Duration;

/// A synchronisation source identifier (RFC 3550 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// An extended sequence number: wraps counted in the upper bits (RFC 3550 A.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeqNo(pub u64);

/// An RTP timestamp. **Units**: ticks of the format's clock; wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RtpTime(pub u32);

impl RtpTime {
    /// The signed distance from `earlier`, over a wrap if that is shorter. **Units**: ticks.
    pub const fn since(self, earlier: RtpTime) -> i32 {
        self.0.wrapping_sub(earlier.0) as i32
    }

    /// This time moved by `ticks`.
    pub const fn plus(self, ticks: u32) -> RtpTime {
        RtpTime(self.0.wrapping_add(ticks))
    }
}

/// A payload type, 0 to 127 (RFC 3551 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadType(u8);

impl PayloadType {
    /// G.711 mu-law (RFC 3551 table 4).
    pub const PCMU: PayloadType = PayloadType(0);
    /// G.711 A-law (RFC 3551 table 4).
    pub const PCMA: PayloadType = PayloadType(8);
    /// Comfort noise (RFC 3389).
    pub const COMFORT_NOISE: PayloadType = PayloadType(13);

    /// The payload type, if `number` is one.
    pub const fn new(number: u8) -> Option<PayloadType> {
        if number < 128 {
            Some(PayloadType(number))
        } else {
            None
        }
    }

    /// One of the dynamic range, 96 to 127 (RFC 3551 section 3).
    pub(crate) const fn dynamic<const NUMBER: u8>() -> PayloadType {
        const { assert!(NUMBER >= 96 && NUMBER < 128) };
        PayloadType(NUMBER)
    }

    /// The seven low bits of a header's second byte.
    pub(crate) const fn from_header(byte: u8) -> PayloadType {
        PayloadType(byte & 0x7F)
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A packet time: how much audio one packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ptime(u16);

impl Ptime {
    /// 20 ms, the default of RFC 3551 for G.711.
    pub const DEFAULT: Ptime = Ptime(20);
    /// The shortest squelch speaks.
    pub const MIN: Ptime = Ptime(10);
    /// The longest squelch speaks.
    pub const MAX: Ptime = Ptime(60);

    /// The packet time of `ms` milliseconds, if it lies in 10 to 60.
    pub const fn from_ms(ms: u16) -> Option<Ptime> {
        if ms >= Ptime::MIN.0 && ms <= Ptime::MAX.0 {
            Some(Ptime(ms))
        } else {
            None
        }
    }

    /// **Units**: milliseconds.
    pub const fn as_ms(self) -> u16 {
        self.0
    }

    /// The packet time as a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0 as u64)
    }

    /// Samples in one packet at `clock_rate` Hz.
    pub const fn samples(self, clock_rate: u32) -> usize {
        (self.0 as usize) * (clock_rate as usize) / 1_000
    }
}
