//! Where a leg's RTCP comes from and goes to: the source rule for its own port.

use super::RtcpPlan;
use crate::Channel;
use crate::source::Source;
use std::net::SocketAddr;

/// One leg's RTCP address.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    mux: bool,
    signalled: SocketAddr,
    /// Where RTCP was heard from; no other port of the host counts from then on.
    locked: Option<SocketAddr>,
}

impl Address {
    pub(crate) fn new(plan: &RtcpPlan) -> Address {
        Address {
            mux: plan.mux,
            signalled: plan.remote,
            locked: None,
        }
    }

    /// Takes a signalled change: only another address opens what was learned.
    pub(crate) fn update(&mut self, plan: &RtcpPlan) {
        if (self.mux, self.signalled) != (plan.mux, plan.remote) {
            *self = Address::new(plan);
        }
    }

    /// Whether anything that came from there to `channel` is worth a look.
    pub(crate) fn may_be(&self, channel: Channel, from: SocketAddr, rtp: &Source) -> bool {
        match channel {
            Channel::Rtp => rtp.may_be(from),
            Channel::Rtcp => match self.locked {
                Some(locked) => from == locked,
                None => from.ip() == self.signalled.ip() && rtp.inside(from),
            },
        }
    }

    /// Judges a compound packet that is worth a look. A port that no SDP named is the peer's where the packet is
    /// authentic (`proven`: SRTCP, or sent by the SSRC that is heard from the peer's RTP address).
    pub(crate) fn admit(&mut self, channel: Channel, from: SocketAddr, proven: bool) -> bool {
        if channel == Channel::Rtp || self.locked == Some(from) {
            return true;
        }
        if from != self.signalled && !proven {
            return false;
        }
        self.locked = Some(from);
        true
    }

    /// The port that RTCP leaves from, and where it goes to.
    pub(crate) fn destination(&self, rtp: &Source) -> (Channel, SocketAddr) {
        match self.mux {
            true => (Channel::Rtp, rtp.address()),
            false => (Channel::Rtcp, self.locked.unwrap_or(self.signalled)),
        }
    }
}
