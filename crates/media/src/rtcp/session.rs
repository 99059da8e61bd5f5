//! One leg's RTCP: the reports squelch makes, and what it makes of the peer's (RFC 3550 section 6).

use super::compound::Compound;
use super::interval::Group;
use super::members::Members;
use super::ntp::span_to_65536ths;
use super::round_trip::RoundTrip;
use super::stats::{Kind, RtcpStats};
use super::view_of_us::ViewOfUs;
use super::{
    Address, Builder, ExtendedBlock, Interval, Packet, Report, ReportBlock, RtcpPlan, SenderInfo,
    VoipMetrics,
};
use crate::rtp::{Receive, RtpTime, Ssrc};
use std::time::Instant;

/// Members are timed out after so many intervals (section 6.3.5).
const TIMEOUT_INTERVALS: u32 = 5;

/// RTP, UDP and IPv4 headers of a packet. **Units**: bytes.
const RTP_HEADERS_BYTES: f64 = 40.0;

/// What was sent to the leg.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    /// RTP packets; wraps.
    pub(crate) packets: u32,
    /// Payload bytes; wraps.
    pub(crate) octets: u32,
    /// When the last left.
    pub(crate) last: Option<Instant>,
    /// Now, on the clock of our timestamps; `None` before the first.
    pub(crate) rtp: Option<RtpTime>,
}

/// What came from the leg.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) ssrc: Option<Ssrc>,
    pub(crate) last: Option<Instant>,
    pub(crate) receive: &'a Receive,
    /// How it is heard, for a peer that asked.
    pub(crate) metrics: Option<VoipMetrics>,
}

/// The session of one leg.
///
/// ```text
/// in:   the peer's compounds, the timer, what the leg's paths counted
/// out:  SR or RR, SDES, XR where it is negotiated; BYE once at the end
/// ```
///
/// **Shape**: fixed memory, nothing allocated.
#[derive(Debug)]
pub(crate) struct Session {
    plan: RtcpPlan,
    /// Both sides said that no RTCP is to be sent (RFC 3556).
    silent: bool,
    ssrc: Ssrc,
    dialog: u32,
    clock_rate: u32,
    pub(crate) address: Address,
    interval: Interval,
    members: Members,
    /// When the last two reports were sent: who sent RTP since the earlier one is a sender.
    reported: [Instant; 2],
    /// The peer's last sender report: whose, its date's middle half, when it came.
    last_sr: Option<(Ssrc, u32, Instant)>,
    round_trip: RoundTrip,
    prior: Prior,
    view: ViewOfUs,
    /// RTP packets that the peer said it had sent, by its last sender report.
    peer_sent: Option<u32>,
    peer_paused: bool,
    leaving: bool,
    stats: RtcpStats,
}

/// What the last report said, to tell the loss since then (A.3).
#[derive(Clone, Copy, Debug, Default)]
struct Prior {
    ssrc: Option<Ssrc>,
    restarts: u32,
    expected: u64,
    received: u64,
}

impl Session {
    /// A session that begins `now`. **Units**: `bytes_per_second` of payload, `packets_per_second` of RTP.
    pub(crate) fn new(
        now: Instant,
        plan: &RtcpPlan,
        (ssrc, dialog): (Ssrc, u32),
        clock_rate: u32,
        (bytes_per_second, packets_per_second): (f64, f64),
    ) -> Session {
        let bandwidth = bytes_per_second + packets_per_second * RTP_HEADERS_BYTES;
        Session {
            plan: *plan,
            silent: false,
            ssrc,
            dialog,
            clock_rate,
            address: Address::new(plan),
            interval: Interval::new(now, plan.seed, bandwidth),
            members: Members::default(),
            reported: [now; 2],
            last_sr: None,
            round_trip: RoundTrip::default(),
            prior: Prior::default(),
            view: ViewOfUs::default(),
            peer_sent: None,
            peer_paused: false,
            leaving: false,
            stats: RtcpStats::default(),
        }
    }

    /// Takes a signalled change. What is known of the peer stays.
    pub(crate) fn update(&mut self, plan: Option<&RtcpPlan>) {
        self.silent = plan.is_none();
        if let Some(plan) = plan {
            self.address.update(plan);
            self.plan.voip_metrics = plan.voip_metrics;
        }
    }

    /// Of which of the leg's dialogs it is.
    pub(crate) fn dialog(&self) -> u32 {
        self.dialog
    }

    /// Whether [`Session::poll`] is worth a call.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        !self.silent && (self.leaving || self.interval.due() <= now)
    }

    /// Whether the peer asked for VoIP metrics.
    pub(crate) fn wants_metrics(&self) -> bool {
        self.plan.voip_metrics
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// The call is over: what is sent next is the last.
    pub(crate) fn leave(&mut self) {
        self.leaving = true;
    }

    /// Takes a compound packet of `bytes` from the peer.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        compound: &Compound<'_>,
        bytes: usize,
        outgoing: &Outgoing,
    ) {
        self.interval.saw(bytes);
        let mut about_us = None;
        let mut reports = false;
        for packet in compound.packets() {
            self.stats.received.count(packet.kind());
            match packet {
                // What comes back from an echo says nothing of a peer.
                Packet::SenderReport { ssrc, .. }
                | Packet::ReceiverReport { ssrc, .. }
                | Packet::ExtendedReport { ssrc, .. }
                    if ssrc == self.ssrc => {}
                Packet::SenderReport {
                    ssrc,
                    info,
                    mut blocks,
                } => {
                    self.members.heard(now, ssrc, false);
                    self.last_sr = Some((ssrc, info.ntp.middle(), now));
                    self.peer_paused = self.peer_sent == Some(info.packets);
                    self.peer_sent = Some(info.packets);
                    about_us = about_us.or(blocks.find(|block| block.ssrc == self.ssrc));
                    reports = true;
                }
                Packet::ReceiverReport { ssrc, mut blocks } => {
                    self.members.heard(now, ssrc, false);
                    self.peer_paused = true;
                    about_us = about_us.or(blocks.find(|block| block.ssrc == self.ssrc));
                    reports = true;
                }
                Packet::SourceDescription(chunks) => {
                    for (ssrc, _) in chunks.filter(|(ssrc, _)| *ssrc != self.ssrc) {
                        self.members.heard(now, ssrc, false);
                    }
                }
                Packet::Bye(sources) => {
                    let mut gone = false;
                    for ssrc in sources {
                        gone |= self.members.left(ssrc);
                    }
                    if gone {
                        self.interval.shrunk(now, self.members.count() + 1);
                    }
                }
                Packet::ExtendedReport { blocks, .. } => {
                    for block in blocks {
                        if let ExtendedBlock::VoipMetrics(metrics) = block
                            && metrics.ssrc == self.ssrc
                        {
                            self.stats.peer_metrics = Some(metrics);
                        }
                    }
                }
                Packet::Other(_) => {}
            }
        }
        if !reports {
            return;
        }
        self.view
            .report(about_us, outgoing.packets, self.clock_rate);
        self.stats.peer = self.view.view();
        if let Some(took) = about_us.and_then(|block| self.round_trip.measure(now, &block)) {
            self.stats.round_trip = Some(took);
            self.stats.round_trips += 1;
            self.stats.round_trip_sum += took;
        }
    }

    /// When [`Session::poll`] may have something to send.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        (!self.silent && !self.leaving).then(|| self.interval.due())
    }

    /// The compound that is due `now`, written into `out`; gives its length.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        incoming: &Incoming<'_>,
        outgoing: &Outgoing,
        out: &mut [u8],
    ) -> Option<usize> {
        if self.silent {
            return None;
        }
        if self.leaving {
            self.silent = true;
            // Who never sent anything does not say that it leaves (section 6.3.7).
            let unheard = self.stats.sent.total() == 0 && outgoing.packets == 0;
            return match unheard {
                true => None,
                false => self.write(now, incoming, outgoing, true, out),
            };
        }
        if self.interval.due() > now {
            return None;
        }
        let group = self.group(now, incoming, outgoing);
        if self.interval.handle_timeout(now, group) == Report::Later {
            return None;
        }
        let written = self.write(now, incoming, outgoing, false, out);
        // A buffer that is too short makes no busy loop: the next report is as far away as after one that was sent.
        self.interval.sent(now, written.unwrap_or(0), group);
        let [earlier, later] = &mut self.reported;
        (*earlier, *later) = (*later, now);
        written
    }

    pub(crate) fn stats(&self) -> RtcpStats {
        self.stats
    }

    /// By its own reports the peer sends no RTP at present.
    pub(crate) fn peer_is_paused(&self) -> bool {
        self.peer_paused
    }

    fn group(&mut self, now: Instant, incoming: &Incoming<'_>, outgoing: &Outgoing) -> Group {
        if let (Some(ssrc), Some(last)) = (incoming.ssrc, incoming.last) {
            self.members.heard(last, ssrc, true);
        }
        let [earlier, _] = self.reported;
        let group = |members: &Members| {
            let we_sent = outgoing.last.is_some_and(|at| at >= earlier);
            Group {
                members: members.count() + 1,
                senders: members.senders(earlier) + usize::from(we_sent),
                we_sent,
            }
        };
        let span = self.interval.deterministic(group(&self.members));
        if self.members.expire(now, TIMEOUT_INTERVALS * span) {
            self.interval.shrunk(now, self.members.count() + 1);
        }
        group(&self.members)
    }

    fn write(
        &mut self,
        now: Instant,
        incoming: &Incoming<'_>,
        outgoing: &Outgoing,
        bye: bool,
        out: &mut [u8],
    ) -> Option<usize> {
        let [earlier, later] = self.reported;
        let sends = outgoing.last.is_some_and(|at| at >= earlier);
        let info = outgoing.rtp.filter(|_| sends).map(|rtp| SenderInfo {
            ntp: self.plan.clock.at(now),
            rtp,
            packets: outgoing.packets,
            octets: outgoing.octets,
        });
        let heard = incoming.last.is_some_and(|at| at >= later);
        let source = incoming.ssrc.filter(|_| heard);
        let block = source.map(|ssrc| self.block(now, ssrc, incoming.receive));
        let metrics = incoming.metrics.filter(|_| self.plan.voip_metrics);
        let mut builder = Builder::new(out);
        builder.report(self.ssrc, info, block);
        builder.source_description(self.ssrc, self.plan.cname.as_bytes());
        if let Some(metrics) = &metrics {
            builder.voip_metrics(self.ssrc, metrics);
        }
        if bye {
            builder.bye(self.ssrc);
        }
        let len = builder.finish()?;
        if let Some(info) = info {
            self.round_trip.sent(now, info.ntp.middle());
        }
        let report = match info {
            Some(_) => Kind::SenderReport,
            None => Kind::ReceiverReport,
        };
        self.stats.sent.count(report);
        self.stats.sent.count(Kind::SourceDescription);
        if metrics.is_some() {
            self.stats.sent.count(Kind::ExtendedReport);
        }
        if bye {
            self.stats.sent.count(Kind::Bye);
        }
        Some(len)
    }

    /// What is said of the peer's stream (section 6.4.1, A.3).
    fn block(&mut self, now: Instant, ssrc: Ssrc, receive: &Receive) -> ReportBlock {
        let source = receive.source();
        let same = self.prior.ssrc == Some(ssrc) && self.prior.restarts == source.restarts;
        let prior = if same { self.prior } else { Prior::default() };
        let expected = source.expected.saturating_sub(prior.expected);
        let received = source.received.saturating_sub(prior.received);
        let lost = expected.saturating_sub(received);
        let fraction = (lost << 8).checked_div(expected).unwrap_or(0);
        self.prior = Prior {
            ssrc: Some(ssrc),
            restarts: source.restarts,
            expected: source.expected,
            received: source.received,
        };
        let cumulative = i128::from(source.expected) - i128::from(source.received);
        let last_sr = self.last_sr.filter(|(of, ..)| *of == ssrc);
        ReportBlock {
            ssrc,
            // All of them are 256 parts, which eight bits do not hold.
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative_lost: i32::try_from(cumulative).unwrap_or(i32::MAX),
            highest: source.highest,
            jitter: source.jitter_ticks,
            last_sr: last_sr.map_or(0, |(_, middle, _)| middle),
            delay_since_last_sr: last_sr.map_or(0, |(.., at)| {
                span_to_65536ths(now.saturating_duration_since(at))
            }),
        }
    }
}
