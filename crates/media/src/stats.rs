//! What was counted: per leg, per reason, and by the guard.

use crate::quality::{BurstFigures, OneWay, Recent};
use crate::rtcp::RtcpStats;
use std::time::{Duration, Instant};

/// Why a packet was dropped. A closed set; [`DropReason::name`] is the metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// No RTP: too short, wrong version, padding or extension longer than the packet.
    Malformed,
    /// A payload type that was not negotiated.
    PayloadType,
    /// Not from the address that the SDP named, or a port that is not the learned one.
    Source,
    /// A sequence number seen before.
    Duplicate,
    /// RTCP that was not taken: no compound packet, not from the peer, not authentic, or none is spoken on the leg.
    Rtcp,
    /// The leg's direction does not allow it, either way.
    Direction,
    /// The peer has sent nothing back after the first packets sent to it.
    Unanswered,
    /// No payload, or one too long for the buffer.
    Size,
    /// Part of broken audio that repair had no use for.
    Muted,
    /// On an encrypted leg: not made with the key that was signalled, altered on the way, or not encrypted at all.
    Authentication,
    /// On an encrypted leg: a packet that was here before, or is too old to tell.
    Replay,
    /// The key has protected as many packets as it may.
    KeyUsedUp,
    /// Where audio waits in a jitter buffer: it came after its time, or when too much waited already.
    Late,
}

impl DropReason {
    /// All reasons, in the order of [`Dropped`].
    pub const ALL: [DropReason; 13] = [
        DropReason::Malformed,
        DropReason::PayloadType,
        DropReason::Source,
        DropReason::Duplicate,
        DropReason::Rtcp,
        DropReason::Direction,
        DropReason::Unanswered,
        DropReason::Size,
        DropReason::Muted,
        DropReason::Authentication,
        DropReason::Replay,
        DropReason::KeyUsedUp,
        DropReason::Late,
    ];

    /// The label of the metric.
    pub const fn name(self) -> &'static str {
        match self {
            DropReason::Malformed => "malformed",
            DropReason::PayloadType => "payload_type",
            DropReason::Source => "source",
            DropReason::Duplicate => "duplicate",
            DropReason::Rtcp => "rtcp",
            DropReason::Direction => "direction",
            DropReason::Unanswered => "unanswered",
            DropReason::Size => "size",
            DropReason::Muted => "muted",
            DropReason::Authentication => "authentication",
            DropReason::Replay => "replay",
            DropReason::KeyUsedUp => "key_used_up",
            DropReason::Late => "late",
        }
    }
}

/// Dropped packets by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped([u64; DropReason::ALL.len()]);

impl Dropped {
    /// How many were dropped for `reason`.
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// How many were dropped in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn count(&mut self, reason: DropReason) {
        if let Some(count) = self.0.get_mut(reason as usize) {
            *count += 1;
        }
    }
}

/// One leg's figures so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LegStats {
    /// RTP packets taken from the leg, duplicates left out.
    pub packets: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// How much of the audio taken from the leg had sound in it; broken audio counts as sound.
    pub heard: Duration,
    /// Packets expected from the leg (RFC 3550 A.3).
    pub expected: u64,
    /// Expected less received, never negative.
    pub lost: u64,
    /// Packets whose sequence number had been seen.
    pub duplicates: u64,
    /// Packets that came after a later one.
    pub reordered: u64,
    /// The present interarrival jitter (RFC 3550 A.8).
    pub jitter: Duration,
    /// The mean of the jitter over the stream.
    pub mean_jitter: Duration,
    /// Mean opinion score by the E-model, 1.0 to 4.41: with the burst ratio of the losses, and with the delay where
    /// RTCP tells a round-trip time.
    pub mos: f64,
    /// How the losses are spread.
    pub bursts: BurstFigures,
    /// The last second.
    pub recent: Recent,
    /// What the leg's reports told.
    pub rtcp: RtcpStats,
    /// Why the leg is not heard, or does not hear, at present.
    pub one_way: Option<OneWay>,
    /// When the last packet was taken.
    pub last_packet: Option<Instant>,
    /// RTP packets sent to the leg.
    pub sent: u64,
    /// Packets from the leg that were dropped.
    pub dropped: Dropped,
}

/// What the guard did so far, both directions together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardStats {
    /// Audio replaced by comfort noise.
    pub muted: Duration,
    /// Audio repaired.
    pub repaired: Duration,
}

/// A bridge's figures so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BridgeStats {
    /// The carrier leg.
    pub carrier: LegStats,
    /// The OpenAI leg.
    pub openai: LegStats,
    /// The guard.
    pub guard: GuardStats,
}
