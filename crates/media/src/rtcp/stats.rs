//! What was counted of RTCP, and what the peer said.

use super::VoipMetrics;
use std::time::Duration;

/// A kind of RTCP packet. A closed set; [`Kind::name`] is the metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SR.
    SenderReport,
    /// RR.
    ReceiverReport,
    /// SDES.
    SourceDescription,
    /// BYE.
    Bye,
    /// APP.
    Application,
    /// XR.
    ExtendedReport,
    /// Feedback, and what is not known.
    Other,
}

impl Kind {
    /// All kinds, in the order of [`Kinds`].
    pub const ALL: [Kind; 7] = [
        Kind::SenderReport,
        Kind::ReceiverReport,
        Kind::SourceDescription,
        Kind::Bye,
        Kind::Application,
        Kind::ExtendedReport,
        Kind::Other,
    ];

    /// The label of the metric.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::SenderReport => "sr",
            Kind::ReceiverReport => "rr",
            Kind::SourceDescription => "sdes",
            Kind::Bye => "bye",
            Kind::Application => "app",
            Kind::ExtendedReport => "xr",
            Kind::Other => "other",
        }
    }
}

/// RTCP packets by kind; a compound counts with each packet in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds([u64; Kind::ALL.len()]);

impl Kinds {
    /// How many of `kind`.
    pub fn get(&self, kind: Kind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or(0)
    }

    /// How many in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(super) fn count(&mut self, kind: Kind) {
        if let Some(count) = self.0.get_mut(kind as usize) {
            *count += 1;
        }
    }
}

/// How the peer says that it receives what squelch sends.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PeerView {
    /// Lost since its report before. **Units**: a fraction, 0 to 1.
    pub loss: f64,
    /// Lost in all; never negative.
    pub lost: u64,
    /// Interarrival jitter (RFC 3550 A.8).
    pub jitter: Duration,
    /// Nothing of what is sent arrives there.
    pub hears_nothing: bool,
}

/// A leg's RTCP so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RtcpStats {
    /// Packets sent to the leg.
    pub sent: Kinds,
    /// Packets taken from the leg.
    pub received: Kinds,
    /// The last round-trip time to the peer.
    pub round_trip: Option<Duration>,
    /// How many were measured.
    pub round_trips: u64,
    /// Their sum.
    pub round_trip_sum: Duration,
    /// What the peer says, once it did.
    pub peer: Option<PeerView>,
    /// What the peer's VoIP metrics say of what squelch sends, the last of them.
    pub peer_metrics: Option<VoipMetrics>,
}

impl RtcpStats {
    /// The mean round-trip time.
    pub fn mean_round_trip(&self) -> Option<Duration> {
        let count = u32::try_from(self.round_trips).ok().filter(|n| *n > 0)?;
        Some(self.round_trip_sum / count)
    }
}
