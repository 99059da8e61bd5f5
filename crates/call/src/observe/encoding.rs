//! What payload types mean to an observer, who has to name what the gateway would refuse.

use squelch_media::Format;

/// The encoding of a payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// One that squelch understands.
    Audio(Format),
    /// RFC 4733.
    TelephoneEvent,
    /// One that is only named.
    Other { name: &'static str, clock_hz: u32 },
    /// A dynamic payload type that no SDP explained.
    Unknown,
}

impl Encoding {
    /// The static assignments (RFC 3551, table 4; RFC 3389 for 13).
    pub(super) fn of_static(payload_type: u8) -> Self {
        let other = |name| Self::Other {
            name,
            clock_hz: 8_000,
        };
        match payload_type {
            0 => Self::Audio(Format::Pcmu),
            8 => Self::Audio(Format::Pcma),
            3 => other("gsm"),
            4 => other("g723"),
            9 => other("g722"),
            10 | 11 => Self::Other {
                name: "l16",
                clock_hz: 44_100,
            },
            13 => other("cn"),
            15 => other("g728"),
            18 => other("g729"),
            _ => Self::Unknown,
        }
    }

    /// An rtpmap's encoding name and clock rate.
    pub(super) fn of_rtpmap(name: &str, clock_hz: u32) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if clock_hz == 0 {
            return Self::Unknown;
        }
        if is("PCMU") && clock_hz == 8_000 {
            Self::Audio(Format::Pcmu)
        } else if is("PCMA") && clock_hz == 8_000 {
            Self::Audio(Format::Pcma)
        } else if is("telephone-event") {
            Self::TelephoneEvent
        } else {
            let known = NAMES.iter().find(|known| is(known));
            Self::Other {
                name: known.copied().unwrap_or("unknown"),
                clock_hz,
            }
        }
    }

    pub(super) fn format(self) -> Option<Format> {
        match self {
            Self::Audio(format) => Some(format),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Audio(format) => format.name(),
            Self::TelephoneEvent => "telephone-event",
            Self::Other { name, .. } => name,
            Self::Unknown => "unknown",
        }
    }

    pub(super) fn clock_hz(self) -> u32 {
        match self {
            Self::Audio(format) => format.clock_rate(),
            Self::Other { clock_hz, .. } => clock_hz,
            Self::TelephoneEvent | Self::Unknown => 8_000,
        }
    }
}

/// Encodings that are named in reports though squelch does not understand them.
const NAMES: [&str; 12] = [
    "opus", "g722", "g723", "g726-32", "g728", "g729", "gsm", "ilbc", "speex", "amr", "l16", "cn",
];
