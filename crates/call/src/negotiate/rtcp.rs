//! RTCP of a leg: on which port, where to, and whether at all.

use rand_core::Rng;
use squelch_media::rtcp::{Cname, RtcpPlan, WallClock};
use squelch_sip::sdp::{AudioMedia, Rtcp};
use std::net::SocketAddr;

/// What an offer of ours says: RTP's port will do. VoIP metrics are sent to who asks, and asked of nobody.
pub(crate) fn offered() -> Rtcp {
    Rtcp {
        mux: true,
        ..Rtcp::default()
    }
}

/// What our answer says: one port where that was offered (RFC 5761 section 5.1.1), and VoIP metrics where they were
/// asked for.
pub(crate) fn answered(offer: &Rtcp) -> Rtcp {
    Rtcp {
        mux: offer.mux,
        voip_metrics: offer.voip_metrics,
        ..Rtcp::default()
    }
}

/// What both sides' descriptions come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    mux: bool,
    remote: SocketAddr,
    voip_metrics: bool,
}

/// Reads a peer's description. `ours` is what squelch said, where the peer answered: it can't take what was not
/// offered.
///
/// `None` where the peer speaks no RTCP, or names an address for it that media may not be sent to: that is no reason
/// to refuse a call.
pub(crate) fn agreed(
    peer: &AudioMedia,
    ours: Option<&Rtcp>,
    allowed: &dyn Fn(SocketAddr) -> bool,
) -> Option<Agreed> {
    let said = peer.rtcp;
    let mux = said.mux && ours.is_none_or(|ours| ours.mux);
    let remote = peer.rtcp_address();
    let speaks = !said.off && (mux || allowed(remote));
    speaks.then_some(Agreed {
        mux,
        remote,
        voip_metrics: said.voip_metrics,
    })
}

/// A leg's plan, with a name of its own.
pub(crate) fn plan(agreed: Agreed, clock: WallClock, random: &mut impl Rng) -> RtcpPlan {
    let mut name = [0; 12];
    random.fill_bytes(&mut name);
    RtcpPlan {
        mux: agreed.mux,
        remote: agreed.remote,
        voip_metrics: agreed.voip_metrics,
        cname: Cname::new(name),
        seed: random.next_u64(),
        clock,
    }
}

/// The plan after a change: who squelch is stays, and so does its clock. RTCP that was off at the beginning stays off.
pub(crate) fn changed(before: Option<RtcpPlan>, agreed: Option<Agreed>) -> Option<RtcpPlan> {
    let (before, agreed) = (before?, agreed?);
    Some(RtcpPlan {
        mux: agreed.mux,
        remote: agreed.remote,
        voip_metrics: agreed.voip_metrics,
        ..before
    })
}
