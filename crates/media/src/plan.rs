//! The outcome of negotiation: all that a media worker needs.

use crate::Format;
use crate::rtcp::RtcpPlan;
use crate::rtp::{PayloadType, Ptime, RtpTime, Ssrc};
use crate::srtp::MasterKey;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::time::Duration;

/// A leg of the call, or what came from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The leg towards the carrier.
    Carrier,
    /// The leg towards OpenAI.
    Openai,
}

impl Side {
    /// Both legs, the carrier's first.
    pub const ALL: [Side; 2] = [Side::Carrier, Side::Openai];

    /// The other leg.
    pub const fn other(self) -> Side {
        match self {
            Side::Carrier => Side::Openai,
            Side::Openai => Side::Carrier,
        }
    }

    /// The leg's name in labels and records: `carrier` or `openai`.
    pub const fn name(self) -> &'static str {
        match self {
            Side::Carrier => "carrier",
            Side::Openai => "openai",
        }
    }
}

/// One of a leg's two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The even one: RTP, and RTCP as well where both share a port (RFC 5761).
    Rtp,
    /// The odd one above it: RTCP (RFC 3550 section 11).
    Rtcp,
}

impl Channel {
    /// Both.
    pub const ALL: [Channel; 2] = [Channel::Rtp, Channel::Rtcp];
}

/// Who may send, seen from squelch (RFC 3264 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// squelch sends to the peer and expects nothing.
    SendOnly,
    /// squelch receives from the peer and sends nothing.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Whether squelch may send to the peer.
    pub const fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether squelch takes packets from the peer.
    pub const fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }
}

/// What the guard may do on a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GuardAction {
    /// Report only.
    Observe,
    /// Mute whatever is broken.
    Mute,
    /// Repair where that is sound, else mute.
    Protect,
}

/// The guard's part of the plan.
#[derive(Clone, Copy, Debug)]
pub struct GuardPlan {
    /// What the guard may do on a trip.
    pub action: GuardAction,
    /// Look-back: each direction is delayed by this much, at most [`MAX_HOLD`](crate::MAX_HOLD), so that what is
    /// heard of a fault is the time to its detection less this. Zero delays nothing.
    pub hold: Duration,
}

/// The keys of a leg whose media are encrypted (RFC 3711). Never shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtpPlan {
    /// What squelch sends with.
    pub send: MasterKey,
    /// What the peer sends with.
    pub receive: MasterKey,
    /// Keys and address came over TLS. Where the address is inside `media_sources` as well, the peer that it belongs
    /// to may be silent for as long as it likes.
    pub confidential: bool,
}

/// One leg's part of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegPlan {
    /// The negotiated format, the same in both directions of the leg.
    pub format: Format,
    /// The payload type of `format` on this leg.
    pub payload_type: PayloadType,
    /// The payload type of telephone-event (RFC 4733) at the format's clock rate, if negotiated.
    pub telephone_event: Option<PayloadType>,
    /// The payload type of comfort noise (RFC 3389), if negotiated.
    pub comfort_noise: Option<PayloadType>,
    /// The packet time that was agreed on: of what squelch makes, and where the legs' differ, of all that goes out.
    pub ptime: Ptime,
    /// Who may send on this leg.
    pub direction: Direction,
    /// Where the peer's SDP says its media are received.
    pub remote: SocketAddr,
    /// Networks that media may come from and go to; empty means anywhere.
    pub media_sources: Vec<IpNet>,
    /// Whether the peer makes use of Opus' forward error correction.
    pub fec: bool,
    /// The keys; `None` for plain RTP.
    pub srtp: Option<SrtpPlan>,
    /// Which of the leg's dialogs this is, from 0. With another one everything of the leg begins anew: another peer,
    /// its keys, its numbers.
    pub dialog: u32,
    /// How RTCP is spoken; `None` where it is not.
    pub rtcp: Option<RtcpPlan>,
    /// The SSRC of what squelch sends towards this leg.
    pub ssrc: Ssrc,
    /// The first sequence number squelch sends towards this leg (random, RFC 3550 section 5.1).
    pub sequence: u16,
    /// The first RTP timestamp squelch sends towards this leg (random, RFC 3550 section 5.1).
    pub timestamp: RtpTime,
}

/// The outcome of negotiation for both legs.
#[derive(Clone, Debug)]
pub struct MediaPlan {
    /// The leg towards the carrier.
    pub carrier: LegPlan,
    /// The leg towards OpenAI.
    pub openai: LegPlan,
    /// What the guard may do.
    pub guard: GuardPlan,
}

impl MediaPlan {
    /// The plan of one leg.
    pub const fn leg(&self, side: Side) -> &LegPlan {
        match side {
            Side::Carrier => &self.carrier,
            Side::Openai => &self.openai,
        }
    }
}
