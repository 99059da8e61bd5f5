//! What is said of a stream: the lines of `inspect --format json`.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use squelch_media::detect::{Fault, Finding, Variant, What};

/// One stream: its header statistics and what its payload says.
///
/// Serialises to the fields of a `stream` line, in their order; durations as milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct StreamReport {
    /// Where it was seen.
    #[serde(flatten)]
    pub origin: Origin,
    /// What most of its audio packets are: `pcmu`, `pcma`, another encoding's name, or `unknown`.
    pub format: &'static str,
    /// The Call-ID of the dialog whose SDP announced the stream, if that was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Whether its payload is ciphertext (SRTP): counted, not listened to.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub encrypted: bool,
    /// When its first packet came, on the observer's clock.
    #[serde(rename = "first_packet_ms", serialize_with = "as_ms")]
    pub first_packet: Duration,
    /// From the first packet to the last.
    #[serde(rename = "duration_ms", serialize_with = "as_ms")]
    pub duration: Duration,
    /// Packets that came, duplicates included.
    pub packets: u64,
    /// RFC 3550, A.3.
    pub expected: u64,
    /// Expected packets that never came.
    pub lost: u64,
    /// Packets that came once more.
    pub duplicate: u64,
    /// Packets that came after one with a later sequence number.
    pub reordered: u64,
    /// Packets of RFC 4733 telephone-events among them.
    #[serde(skip_serializing_if = "is_zero")]
    pub telephone_events: u64,
    /// Packets whose payload was cut by the capture: counted, not listened to.
    #[serde(skip_serializing_if = "is_zero")]
    pub truncated: u64,
    /// The mean of RFC 3550 A.8's J over the packets, in milliseconds.
    #[serde(serialize_with = "to_thousandths")]
    pub jitter_ms: f64,
    /// By the E-model (G.107); none where the format's impairment is not known, or no network was seen.
    #[serde(serialize_with = "to_hundredths")]
    pub mos: Option<f64>,
    /// The first fault found.
    #[serde(serialize_with = "fault_or_none")]
    pub fault: Option<Fault>,
    /// When it was found; missing where there is none.
    #[serde(
        rename = "detected_at_ms",
        serialize_with = "as_optional_ms",
        skip_serializing_if = "Option::is_none"
    )]
    pub detected_at: Option<Duration>,
    /// Every fault found, in the order of detection; each serialises by itself, so that more can be said of it.
    #[serde(skip)]
    pub faults: Vec<FaultReport>,
}

impl StreamReport {
    /// Whether something is wrong with it that counts: any fault but an advisory one.
    pub fn is_faulty(&self) -> bool {
        self.faults.iter().any(|found| found.fault.acts())
    }
}

/// Where a stream was seen.
///
/// Serialises to the fields of a `stream` line: for a file they are there and `null`, and its channel follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// On the wire.
    Rtp {
        /// Who sent it.
        source: SocketAddr,
        /// Whom it was sent to.
        destination: SocketAddr,
        /// RFC 3550's synchronisation source.
        ssrc: u32,
        /// The payload type of most of its audio packets.
        payload_type: u8,
    },
    /// In a sound file.
    File {
        /// Which of its channels, counted from 1.
        channel: u16,
    },
}

impl Origin {
    /// Who sent it, and whom it was sent to.
    pub fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        match self {
            Self::Rtp {
                source,
                destination,
                ..
            } => Some((*source, *destination)),
            Self::File { .. } => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtp {
                source,
                destination,
                ..
            } => write!(f, "{source} > {destination}"),
            Self::File { channel } => write!(f, "channel {channel}"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        match self {
            Self::Rtp {
                source,
                destination,
                ssrc,
                payload_type,
            } => {
                map.serialize_entry("source", source)?;
                map.serialize_entry("destination", destination)?;
                map.serialize_entry("ssrc", &format_args!("{ssrc:#010x}"))?;
                map.serialize_entry("payload_type", payload_type)?;
            }
            Self::File { channel } => {
                for name in ["source", "destination", "ssrc", "payload_type"] {
                    map.serialize_entry(name, &())?;
                }
                map.serialize_entry("channel", channel)?;
            }
        }
        map.end()
    }
}

/// One fault of a stream; times are counted from the stream's first packet.
#[derive(Debug, Clone, Serialize)]
pub struct FaultReport {
    /// Which one.
    #[serde(serialize_with = "fault_name")]
    pub fault: Fault,
    /// When it began.
    #[serde(rename = "from_ms", serialize_with = "as_ms")]
    pub from: Duration,
    /// When it was found.
    #[serde(rename = "detected_at_ms", serialize_with = "as_ms")]
    pub detected_at: Duration,
    /// When it ended: with the stream, at the latest.
    #[serde(rename = "to_ms", serialize_with = "as_ms")]
    pub to: Duration,
    /// How sure the detector is, 0 to 1.
    #[serde(serialize_with = "to_thousandths")]
    pub confidence: f64,
    /// What could be brought back.
    pub repair: Repair,
    /// What the bytes are, as far as it could be told.
    #[serde(serialize_with = "as_text")]
    pub variant: Variant,
}

/// How much of the audio a repair brings back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Repair {
    /// All of it, bit by bit.
    Exact,
    /// Nearly all.
    Approximate,
    /// Nothing.
    None,
}

impl FaultReport {
    pub(super) fn new(finding: &Finding, end: Duration) -> Self {
        Self {
            fault: finding.fault,
            from: finding.from,
            detected_at: finding.detected_at,
            to: finding.to.unwrap_or(end),
            confidence: f64::from(finding.confidence),
            repair: Repair::of(finding),
            variant: finding.variant,
        }
    }
}

impl Repair {
    /// The word for it in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Approximate => "approximate",
            Self::None => "none",
        }
    }

    fn of(finding: &Finding) -> Self {
        match finding.fault {
            // The bytes are carried whole.
            Fault::Pcm16AsG711 => Self::Exact,
            // Only the label is wrong. Whatever was decoded wrongly since, some of its codes are two in one.
            Fault::LawMismatch if matches!(finding.variant.what, What::Law(_)) => Self::Exact,
            Fault::LawMismatch => Self::Approximate,
            Fault::G711AsPcm16
            | Fault::ByteSwapped
            | Fault::DoubleEncoded
            | Fault::Opaque
            | Fault::Stuck
            | Fault::WrongRate
            | Fault::DeadAir
            | Fault::Clipping => Self::None,
        }
    }
}

fn as_ms<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(duration.as_millis() as u64)
}

fn as_optional_ms<S: Serializer>(at: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.as_millis() as u64).serialize(to)
}

fn to_thousandths<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((value * 1_000.0).round() / 1_000.0)
}

fn to_hundredths<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    value
        .map(|value| (value * 100.0).round() / 100.0)
        .serialize(to)
}

fn as_text<S: Serializer>(variant: &Variant, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(variant)
}

fn fault_name<S: Serializer>(fault: &Fault, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(fault.name())
}

fn fault_or_none<S: Serializer>(fault: &Option<Fault>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(fault.map_or("none", Fault::name))
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
