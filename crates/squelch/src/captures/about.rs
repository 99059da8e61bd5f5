//! What a capture is of: the small JSON beside it.

use std::time::SystemTime;

use serde::Serialize;
use squelch_media::Side;
use squelch_media::detect::Finding;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::place::Place;

/// Why a capture is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A fault was found.
    Fault,
    /// The call is recorded.
    Recording,
}

impl Kind {
    /// Both.
    pub(crate) const ALL: [Kind; 2] = [Kind::Fault, Kind::Recording];

    /// Its word in labels and JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::Fault => "fault",
            Kind::Recording => "recording",
        }
    }
}

/// A capture, as its JSON tells it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct About {
    /// The call's id, as in its record.
    pub(super) call: String,
    pub(super) trunk: String,
    pub(super) kind: Kind,
    /// Whether everything there was is in it and it is at its end.
    pub(super) complete: bool,
    /// The first packet's time.
    pub(super) from: Option<String>,
    /// The last packet's time.
    pub(super) to: Option<String>,
    pub(super) packets: u64,
    pub(super) packets_lost: u64,
    /// squelch's own RTP addresses.
    pub(super) squelch: Legs,
    pub(super) findings: Vec<Found>,
    pub(super) files: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Legs {
    carrier: String,
    openai: String,
}

impl From<Place> for Legs {
    fn from(place: Place) -> Legs {
        Legs {
            carrier: place.of(Side::Carrier).to_string(),
            openai: place.of(Side::Openai).to_string(),
        }
    }
}

/// One fault.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Found {
    /// The leg the audio came from.
    leg: &'static str,
    fault: &'static str,
    variant: String,
    confidence: f32,
    /// When it was found.
    at: String,
    /// How long it had lasted until then.
    after_ms: u64,
}

impl Found {
    pub(super) fn new(at: SystemTime, leg: Side, finding: &Finding) -> Found {
        let after = finding.detected_at.saturating_sub(finding.from);
        Found {
            leg: leg.name(),
            fault: finding.fault.name(),
            variant: finding.variant.to_string(),
            confidence: finding.confidence,
            at: rfc3339(at),
            after_ms: after.as_millis() as u64,
        }
    }
}

/// A date in UTC, to the microsecond: as near as packets' times mean something.
pub(super) fn rfc3339(at: SystemTime) -> String {
    let date = OffsetDateTime::from(at);
    let micros = date.microsecond();
    date.replace_microsecond(micros)
        .ok()
        .and_then(|date| date.format(&Rfc3339).ok())
        .unwrap_or_default()
}
