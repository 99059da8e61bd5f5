//! Each leg's reports: taken from its peer, made for it.

use super::{Bridge, Transmit};
use crate::hold::MAX_DATAGRAM_BYTES;
use crate::path::Path;
use crate::quality::{Transport, rating_of};
use crate::rtcp::{Compound, Incoming, Outgoing, Session, VoipMetrics};
use crate::stats::DropReason;
use crate::{Channel, LegPlan, MediaPlan, Side, quality};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A leg's session, if it has one.
pub(super) fn session(now: Instant, leg: &LegPlan) -> Option<Box<Session>> {
    let plan = leg.rtcp.as_ref()?;
    let packets = 1.0 / leg.ptime.duration().as_secs_f64();
    let clock_rate = leg.format.clock_rate();
    // A byte a sample: G.711.
    let bandwidth = (f64::from(clock_rate), packets);
    let names = (leg.ssrc, leg.dialog);
    let session = Session::new(now, plan, names, clock_rate, bandwidth);
    Some(Box::new(session))
}

impl Bridge {
    pub(super) fn update_reports(&mut self, now: Instant, plan: &MediaPlan) {
        for (side, place) in Side::ALL.into_iter().zip(&mut self.reports) {
            let leg = plan.leg(side);
            match place {
                Some(session) if session.dialog() == leg.dialog => {
                    session.update(leg.rtcp.as_ref());
                }
                // The first, or another peer's.
                _ => *place = session(now, leg),
            }
        }
    }

    pub(super) fn reports(&self, side: Side) -> Option<&Session> {
        let place = self.reports.get(side as usize)?;
        place.as_deref()
    }

    /// Takes what came to one of a leg's ports and looks like RTCP. What is not taken is counted.
    pub(super) fn take_report(
        &mut self,
        now: Instant,
        side: Side,
        channel: Channel,
        from: SocketAddr,
        packet: &mut [u8],
        len: usize,
    ) -> Result<(), DropReason> {
        let taken = self.read_report(now, side, channel, from, packet, len);
        if taken.is_none() {
            let (path, _) = self.paths(side);
            path.dropped.count(DropReason::Rtcp);
        }
        taken.ok_or(DropReason::Rtcp)
    }

    fn read_report(
        &mut self,
        now: Instant,
        side: Side,
        channel: Channel,
        from: SocketAddr,
        packet: &mut [u8],
        len: usize,
    ) -> Option<()> {
        let (path, back) = match side {
            Side::Carrier => (&mut self.up, &self.down),
            Side::Openai => (&mut self.down, &self.up),
        };
        let session = self.reports.get_mut(side as usize)?.as_mut()?;
        if session.is_silent() || !session.address.may_be(channel, from, &path.source) {
            return None;
        }
        let datagram = packet
            .get_mut(..len)
            .filter(|datagram| datagram.len() <= MAX_DATAGRAM_BYTES)?;
        let len = path.open_rtcp(datagram).ok()?;
        let compound = Compound::parse(datagram.get(..len)?).ok()?;
        let proven = path.is_encrypted() || compound.sender() == path.ssrc;
        if !session.address.admit(channel, from, proven) {
            return None;
        }
        path.source.set_reported();
        session.handle(now, &compound, len, &outgoing(now, back));
        Some(())
    }

    /// The leg's report that is due, written into `out`.
    pub(super) fn report(&mut self, now: Instant, side: Side, out: &mut [u8]) -> Option<Transmit> {
        let (path, back) = match side {
            Side::Carrier => (&mut self.up, &mut self.down),
            Side::Openai => (&mut self.down, &mut self.up),
        };
        let session = self.reports.get_mut(side as usize)?.as_mut()?;
        if !session.is_due(now) {
            return None;
        }
        let round_trip = session.stats().round_trip;
        let incoming = Incoming {
            ssrc: path.ssrc,
            last: path.last_packet,
            receive: &path.receive,
            metrics: session
                .wants_metrics()
                .then(|| voip_metrics(path, round_trip))
                .flatten(),
        };
        let len = session.poll(now, &incoming, &outgoing(now, back), out)?;
        let (channel, to) = session.address.destination(&path.source);
        if !path.source.may_report(to) {
            path.dropped.count(DropReason::Unanswered);
            return None;
        }
        let len = back.seal_rtcp(out, len)?;
        Some(Transmit {
            side,
            channel,
            to,
            len,
        })
    }
}

/// What left on `path`, the one towards the leg.
fn outgoing(now: Instant, path: &Path) -> Outgoing {
    Outgoing {
        packets: path.sent.packets(),
        octets: path.sent.octets(),
        last: path.sent.last(),
        rtp: path.sent.timestamp_at(now),
    }
}

/// How the source of `path` is heard here.
fn voip_metrics(path: &Path, round_trip: Option<Duration>) -> Option<VoipMetrics> {
    let ssrc = path.ssrc?;
    let bursts = path.bursts().figures();
    let heard = path.transport(round_trip);
    let listening = Transport {
        delay: Duration::ZERO,
        ..heard
    };
    let part = |fraction: f64| (fraction * 256.0).min(255.0) as u8;
    let ms = |span: Duration| u16::try_from(span.as_millis()).unwrap_or(u16::MAX);
    let long = |packets: f64| ms(path.ptime().mul_f64(packets));
    let tenths = |mos: f64| (mos * 10.0).round() as u8;
    let format = path.format();
    Some(VoipMetrics {
        ssrc,
        loss_rate: part(heard.loss),
        discard_rate: 0,
        burst_density: part(bursts.burst_density),
        gap_density: part(bursts.gap_density),
        burst_ms: long(bursts.burst_packets),
        gap_ms: long(bursts.gap_packets),
        round_trip_ms: round_trip.map_or(0, ms),
        end_system_ms: ms(path.delay_here()),
        r_factor: Some(rating_of(format, &heard).clamp(0.0, 100.0).round() as u8),
        mos_lq: Some(tenths(quality::mos_of(format, &listening))),
        mos_cq: Some(tenths(quality::mos_of(format, &heard))),
    })
}
