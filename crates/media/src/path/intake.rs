//! What comes in on a path: opened, read, judged by the source rule, and counted.

use super::{Kind, Path, Taken};
use crate::hold::MAX_DATAGRAM_BYTES;
use crate::rtp::{Arrival, PayloadType, Receive, RtpTime, Ssrc, View};
use crate::source::Admission;
use crate::stats::DropReason;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

impl Path {
    /// Judges a datagram and counts it; what is no news to the other leg ends here.
    pub(super) fn take(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Result<(Taken, bool), DropReason> {
        if datagram.len() > MAX_DATAGRAM_BYTES {
            return Err(DropReason::Size);
        }
        let len = self.open(from, datagram)?;
        let packet = datagram.get(..len).ok_or(DropReason::Size)?;
        let view = View::parse(packet).map_err(|_| DropReason::Malformed)?;
        let passes = self.receives && self.sends;
        let Some(kind) = self.kind(view.payload_type()) else {
            if self.source.may_be(from) {
                self.agreed.other(view.payload_type());
            }
            return Err(DropReason::PayloadType);
        };
        let (ssrc, sequence, timestamp) = (view.ssrc(), view.sequence(), view.timestamp());
        let payload = view.payload_range();
        let learned = match self
            .source
            .admit(from, ssrc, sequence, matches!(kind, Kind::Audio))
        {
            Admission::Refuse => return Err(DropReason::Source),
            Admission::Accept => false,
            Admission::Learned => true,
        };
        if let Some(tap) = self.tap.as_mut().filter(|_| passes) {
            tap.received(from, packet);
        }
        if passes {
            self.last_packet = Some(now);
        }
        let arrival = self.receive(now, ssrc, sequence, timestamp);
        let restart = match arrival {
            Arrival::Duplicate(_) => return Err(DropReason::Duplicate),
            Arrival::Restart(_) => true,
            Arrival::InOrder(_) | Arrival::Reordered(_) => false,
        };
        self.packets += 1;
        self.bytes += payload.len() as u64;
        self.restarted |= restart;
        if !passes {
            // It is counted, for nothing was lost; and what comes after it goes on where our numbering stopped.
            self.restarted = true;
            return Err(DropReason::Direction);
        }
        if payload.is_empty() {
            return Err(DropReason::Size);
        }
        if kind == Kind::Event && self.out_telephone_event.is_none() {
            return Err(DropReason::PayloadType);
        }
        let taken = Taken {
            ssrc,
            sequence,
            timestamp,
            marker: view.marker(),
            kind,
            restart: std::mem::take(&mut self.restarted),
            payload_start: payload.start,
            payload_end: payload.end,
        };
        Ok((taken, learned))
    }

    /// What a payload type stands for on the incoming leg, if anything.
    pub(super) fn kind(&self, payload_type: PayloadType) -> Option<Kind> {
        if payload_type == self.payload_type {
            Some(Kind::Audio)
        } else if self.telephone_event == Some(payload_type) {
            Some(Kind::Event)
        } else if self.comfort_noise == Some(payload_type) {
            Some(Kind::Noise)
        } else {
            None
        }
    }

    /// Opens what came from an encrypted leg, whatever becomes of it then: the rollover counter follows what a leg
    /// on hold sends, too. What is not authentic ends here, before anything is learned from it.
    pub(super) fn open(
        &mut self,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Result<usize, DropReason> {
        let Some(opening) = &mut self.opening else {
            return Ok(datagram.len());
        };
        if !self.source.may_be(from) {
            return Err(DropReason::Source);
        }
        let opened = opening.open(datagram);
        if opened == Err(DropReason::Replay) {
            self.earlier.duplicates += 1;
        }
        opened
    }

    /// What came so far is an earlier source's.
    pub(super) fn close_source(&mut self) {
        self.earlier.expected += self.receive.expected();
        self.earlier.received += self.receive.received();
        self.earlier.duplicates += self.receive.duplicates();
        self.earlier.reordered += self.receive.reordered();
        self.earlier.bursts.add(self.receive.bursts());
        self.receive = Receive::new(self.format.clock_rate());
        self.ssrc = None;
    }

    pub(super) fn receive(
        &mut self,
        now: Instant,
        ssrc: Ssrc,
        sequence: u16,
        timestamp: RtpTime,
    ) -> Arrival {
        if self.ssrc != Some(ssrc) {
            if self.ssrc.is_some() {
                self.close_source();
            }
            self.ssrc = Some(ssrc);
        }
        let at = self.stream_time(now);
        self.receive.on_packet(at, sequence, timestamp)
    }

    pub(super) fn stream_time(&mut self, now: Instant) -> Duration {
        now.saturating_duration_since(*self.started.get_or_insert(now))
    }

    /// Opens a compound packet of the incoming leg's RTCP; gives its length.
    pub(crate) fn open_rtcp(&mut self, datagram: &mut [u8]) -> Result<usize, DropReason> {
        match &mut self.opening {
            Some(opening) => opening.open_rtcp(datagram),
            None => Ok(datagram.len()),
        }
    }
}
