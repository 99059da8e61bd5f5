//! Where squelch's own ends of a call's media are, and when: what a copied packet does not say of itself.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

use squelch_media::Side;

/// squelch's RTP addresses towards a call's legs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    carrier: SocketAddr,
    openai: SocketAddr,
}

impl Place {
    /// The ports as they were bound. Where that is to all of the machine's addresses, `public` stands in for the one
    /// that packets came to, which a socket does not tell.
    pub(super) fn new(bound: (SocketAddr, SocketAddr), public: Option<IpAddr>) -> Place {
        let seen = |bound: SocketAddr| match public {
            Some(public) if bound.ip().is_unspecified() => SocketAddr::new(public, bound.port()),
            _ => bound,
        };
        Place {
            carrier: seen(bound.0),
            openai: seen(bound.1),
        }
    }

    /// The end of one leg.
    pub(super) fn of(self, side: Side) -> SocketAddr {
        match side {
            Side::Carrier => self.carrier,
            Side::Openai => self.openai,
        }
    }

    /// The end of one leg, of the same family as the peer: what a header can hold.
    pub(super) fn towards(self, side: Side, peer: SocketAddr) -> SocketAddr {
        let own = canonical(self.of(side));
        match (own.ip(), peer.ip()) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => own,
            (IpAddr::V4(v4), IpAddr::V6(_)) => {
                SocketAddr::new(v4.to_ipv6_mapped().into(), own.port())
            }
            (IpAddr::V6(_), IpAddr::V4(_)) => {
                SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), own.port())
            }
        }
    }
}

/// The address a peer has on the wire, without the form a dual-stack socket shows it in.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// One moment on both clocks, taken when a call's media start: a step of the wall clock moves no packet of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    now: Instant,
    wall: SystemTime,
}

impl Moment {
    pub(super) fn new(now: Instant, wall: SystemTime) -> Moment {
        Moment { now, wall }
    }

    /// The wall clock at `at`.
    pub(super) fn wall(self, at: Instant) -> SystemTime {
        match at.checked_duration_since(self.now) {
            Some(since) => self.wall + since,
            None => self.wall - self.now.duration_since(at),
        }
    }

    /// The same since 1970.
    pub(super) fn epoch(self, at: Instant) -> Duration {
        let since = self.wall(at).duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default()
    }
}
