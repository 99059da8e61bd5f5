//! The source rule: which address a leg's packets may come from, and where its packets go.
//!
//! The SDP's address is the only host media come from and go to. Its port may turn out to be another one (a
//! peer behind NAT or with separate send sockets): that is learned once, from that host, after three
//! consistent packets, and then locked. Only a signalled change opens it again. There is no "latest wins".

use crate::rtp::Ssrc;
use crate::{Direction, LegPlan};
use ipnet::IpNet;
use std::net::SocketAddr;

/// Consecutive packets of one SSRC that make a port believable.
/// **Source**: MIN_SEQUENTIAL of RFC 3550 A.1 is 2; one more, since a wrong choice here redirects media.
const PROBATION_PACKETS: u8 = 3;

/// Packets sent to an address that has sent nothing back. **Units**: packets; 5 s of 20 ms.
/// More would make squelch a weapon against an address that somebody put into an SDP.
const UNANSWERED_LIMIT: u32 = 250;

/// Ports below belong to services (RFC 6335 section 6): no SDP may name one here, and none is learned. A NAT keeps a
/// port of 1,024 and more there (RFC 4787 section 4.2.2), so only a forger shows one.
const LOWEST_LEARNED: u16 = 1_024;

/// What the rule says of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// From the peer.
    Accept,
    /// From the peer, whose port has just been learned.
    Learned,
    /// Not from the peer, or not yet believed.
    Refuse,
}

/// One leg's address and what has been heard from it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    signalled: SocketAddr,
    networks: Vec<IpNet>,
    /// It may be silent: its SDP says that it sends nothing, or it came over TLS with keys and lies in networks that
    /// somebody named.
    vouched: bool,
    locked: Option<SocketAddr>,
    candidate: Option<Candidate>,
    unanswered: u32,
    /// RTCP came from the leg: somebody is there.
    reported: bool,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    address: SocketAddr,
    ssrc: Ssrc,
    sequence: u16,
    packets: u8,
}

impl Source {
    pub(crate) fn new(leg: &LegPlan) -> Source {
        let confidential = leg.srtp.as_ref().is_some_and(|srtp| srtp.confidential);
        Source {
            signalled: leg.remote,
            networks: leg.media_sources.clone(),
            vouched: leg.direction == Direction::SendOnly
                || confidential && !leg.media_sources.is_empty(),
            locked: None,
            candidate: None,
            unanswered: 0,
            reported: false,
        }
    }

    /// Takes a signalled change: only another address opens what was learned.
    pub(crate) fn update(&mut self, fresh: Source) {
        if self.signalled == fresh.signalled {
            self.networks = fresh.networks;
            self.vouched = fresh.vouched;
            self.locked = self.locked.filter(|locked| inside(&self.networks, *locked));
        } else {
            *self = fresh;
        }
    }

    /// The peer's address, once it is known for certain.
    pub(crate) fn settled(&self) -> Option<SocketAddr> {
        self.locked
    }

    /// Where packets to the peer go, if any may: inside the networks, and not for ever without an answer.
    pub(crate) fn destination(&mut self) -> Option<SocketAddr> {
        let to = self.next_destination()?;
        self.count_unanswered();
        Some(to)
    }

    /// Whether the leg's RTCP may be sent to `to`; it counts as a packet.
    pub(crate) fn may_report(&mut self, to: SocketAddr) -> bool {
        let may = self.is_trusted() && self.inside(to);
        if may {
            self.count_unanswered();
        }
        may
    }

    /// The peer's address as far as it is known, whether anything may be sent there or not.
    pub(crate) fn address(&self) -> SocketAddr {
        self.locked.unwrap_or(self.signalled)
    }

    /// The peer's RTCP was taken: it is there, though it may send no RTP.
    pub(crate) fn set_reported(&mut self) {
        self.reported = true;
    }

    fn is_trusted(&self) -> bool {
        let known = self.locked.is_some() || self.vouched || self.reported;
        known || self.unanswered < UNANSWERED_LIMIT
    }

    fn count_unanswered(&mut self) {
        if self.locked.is_none() && !self.vouched && !self.reported {
            self.unanswered += 1;
        }
    }

    /// Where the next packet to the peer would go; nothing is counted.
    pub(crate) fn next_destination(&self) -> Option<SocketAddr> {
        let to = self.address();
        (self.is_trusted() && self.inside(to)).then_some(to)
    }

    /// Whether anything from there is worth a look: the cheap part of [`Source::admit`].
    pub(crate) fn may_be(&self, from: SocketAddr) -> bool {
        match self.locked {
            Some(locked) => from == locked,
            None => from.ip() == self.signalled.ip() && self.inside(from),
        }
    }

    /// Judges one packet with a negotiated payload type; `audio` says whether it is that of the format. Only audio makes
    /// a port believable.
    pub(crate) fn admit(
        &mut self,
        from: SocketAddr,
        ssrc: Ssrc,
        sequence: u16,
        audio: bool,
    ) -> Admission {
        if let Some(locked) = self.locked {
            return if from == locked {
                Admission::Accept
            } else {
                Admission::Refuse
            };
        }
        if from.ip() != self.signalled.ip() || !self.inside(from) {
            return Admission::Refuse;
        }
        if from == self.signalled {
            self.locked = Some(from);
            return Admission::Accept;
        }
        if !audio || from.port() < LOWEST_LEARNED {
            return Admission::Refuse;
        }
        let packets = match self.candidate {
            Some(before)
                if before.address == from
                    && before.ssrc == ssrc
                    && before.sequence.wrapping_add(1) == sequence =>
            {
                before.packets + 1
            }
            _ => 1,
        };
        if packets >= PROBATION_PACKETS {
            self.locked = Some(from);
            self.candidate = None;
            return Admission::Learned;
        }
        self.candidate = Some(Candidate {
            address: from,
            ssrc,
            sequence,
            packets,
        });
        Admission::Refuse
    }

    /// Whether an address lies in the leg's networks.
    pub(crate) fn inside(&self, address: SocketAddr) -> bool {
        inside(&self.networks, address)
    }
}

fn inside(networks: &[IpNet], address: SocketAddr) -> bool {
    let ip = address.ip();
    networks.is_empty() || networks.iter().any(|network| network.contains(&ip))
}
