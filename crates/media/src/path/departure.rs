//! What goes out on a path: through the gate or the lane, numbered anew, and sealed.

use super::{Kind, Leaving, Path, Taken};
use crate::Format;
use crate::comfort_noise;
use crate::gate::Passed;
use crate::lane::Arrived;
use crate::rtp::{self, PayloadType};
use crate::stats::DropReason;
use std::time::{Duration, Instant};

impl Path {
    /// Through the gate and out: the packet in the other leg's law and numbering, and encrypted where that leg is.
    /// Nothing where other packets come out for it.
    pub(super) fn pass(
        &mut self,
        now: Instant,
        packet: &mut [u8],
        taken: &Taken,
    ) -> Result<Option<usize>, DropReason> {
        let payload = taken.payload();
        if taken.kind == Kind::Noise && (self.lane.is_some() || self.out_comfort_noise.is_none()) {
            let noise = packet.get(payload).ok_or(DropReason::Malformed)?;
            let level = comfort_noise::level_dbov(noise).ok_or(DropReason::Size)?;
            match &mut self.lane {
                Some(lane) => lane.hear_noise(level),
                None => self.rendering.start(now, level),
            }
            return Ok(None);
        }
        self.rendering.stop();
        if self.lane.is_some() {
            return self.pass_into_lane(now, packet, taken);
        }
        if taken.restart {
            self.send.restart();
        }
        let beside = |out_type: Option<PayloadType>| {
            let out_type = out_type.ok_or(DropReason::PayloadType)?;
            let ticks = self.out_ptime_ticks as u32;
            Ok((out_type, payload.len(), ticks, ticks))
        };
        let (out_type, payload_len, came, ticks) = match taken.kind {
            Kind::Event => beside(self.out_telephone_event)?,
            Kind::Noise => beside(self.out_comfort_noise)?,
            Kind::Audio => {
                let audio = packet
                    .get_mut(payload.clone())
                    .ok_or(DropReason::Malformed)?;
                let came = self.format.ticks(audio).ok_or(DropReason::Size)?;
                let length = self.pass_audio(audio);
                // What the guard put in the place of audio lasts as long; what it repaired is G.711.
                let ticks = if self.format.is_g711() {
                    length as u32
                } else {
                    came
                };
                (self.out_payload_type, length, came, ticks)
            }
        };
        let stamp = self
            .send
            .relay(taken.ssrc, taken.sequence, taken.timestamp, came, ticks);
        rtp::restamp(
            packet,
            out_type,
            taken.marker || stamp.fresh,
            stamp.sequence,
            stamp.timestamp,
            stamp.ssrc,
        );
        clear_padding(packet);
        self.leaving = Some(Leaving {
            payload_bytes: payload_len,
            timestamp: (taken.kind != Kind::Event).then_some(stamp.timestamp),
        });
        self.seal(packet, payload.start + payload_len).map(Some)
    }

    /// Audio waits in the lane's jitter buffer; events go on at once, in the other clock's time.
    pub(super) fn pass_into_lane(
        &mut self,
        now: Instant,
        packet: &mut [u8],
        taken: &Taken,
    ) -> Result<Option<usize>, DropReason> {
        let range = taken.payload();
        let payload = packet.get_mut(range.clone()).ok_or(DropReason::Malformed)?;
        if taken.kind == Kind::Event {
            let out_type = self.out_telephone_event.ok_or(DropReason::PayloadType)?;
            let at = self.send.next_timestamp();
            let lane = self.lane.as_mut().ok_or(DropReason::PayloadType)?;
            let at = lane.hear_event(taken.ssrc, taken.timestamp, at, payload);
            let stamp = self.send.beside(at);
            rtp::restamp(
                packet,
                out_type,
                taken.marker,
                stamp.sequence,
                stamp.timestamp,
                stamp.ssrc,
            );
            clear_padding(packet);
            self.leaving = Some(Leaving {
                payload_bytes: range.len(),
                timestamp: None,
            });
            return self.seal(packet, range.end).map(Some);
        }
        let length = self.pass_audio(payload);
        let audio = packet
            .get(range.start..range.start + length)
            .unwrap_or_default();
        let lane = self.lane.as_mut().ok_or(DropReason::PayloadType)?;
        let arrived = Arrived {
            now,
            source: taken.ssrc,
            sequence: taken.sequence,
            timestamp: taken.timestamp,
            restart: taken.restart,
        };
        if !lane.push(arrived, audio) {
            self.dropped.count(DropReason::Size);
        }
        Ok(None)
    }

    pub(super) fn seal(&mut self, packet: &mut [u8], len: usize) -> Result<usize, DropReason> {
        if let (Some(tap), Some(packet)) = (&mut self.tap, packet.get(..len)) {
            tap.sent(packet);
        }
        match &mut self.sealing {
            Some(sealing) => sealing.seal(packet, len),
            None => Ok(len),
        }
    }

    /// The gate acts on a packet's audio in place; gives its new length.
    pub(super) fn pass_audio(&mut self, audio: &mut [u8]) -> usize {
        if !self.format.is_g711() {
            return self.mute_where_shut(audio);
        }
        let (passed, length) = self.gate.pass(audio);
        let span = Duration::from_micros(length as u64 * 125);
        match passed {
            Passed::Plain => {}
            Passed::Muted => self.muted += span,
            Passed::Repaired => self.repaired += span,
        }
        length
    }

    /// What the gate is to a format that it can't act on: silence of the format's own.
    pub(super) fn mute_where_shut(&mut self, audio: &mut [u8]) -> usize {
        if !self.gate.is_shut() {
            return audio.len();
        }
        let ticks = self.format.ticks(audio).unwrap_or(0);
        self.muted += self.format.span(ticks);
        match (self.format, &self.silence) {
            (Format::Opus, Some(silence)) => silence.fill(audio).unwrap_or(0),
            _ => {
                audio.fill(0);
                audio.len()
            }
        }
    }

    /// Writes a packet of silence of our own making; gives its length.
    pub(crate) fn silence(&mut self, out: &mut [u8]) -> Option<usize> {
        let room = out.get_mut(HEADER_BYTES..)?;
        let len = self.out_silence.as_ref()?.fill(room)?;
        self.send_own(out, len).ok()
    }

    /// A packet that goes out of our own accord and is due `now`, written into `out`: out of the lane, or comfort
    /// noise. Gives its length.
    pub(crate) fn play(
        &mut self,
        now: Instant,
        out: &mut [u8],
    ) -> Option<Result<usize, DropReason>> {
        let end = (HEADER_BYTES + MAX_OWN_BYTES).min(out.len());
        let room = out.get_mut(HEADER_BYTES..end)?;
        let len = match &mut self.lane {
            Some(lane) => {
                let len = lane.play(now, room);
                for _ in 0..lane.take_late() {
                    self.dropped.count(DropReason::Late);
                }
                len?
            }
            None => self
                .rendering
                .render(now, self.out_format, self.out_ptime_ticks, room)?,
        };
        Some(self.send_own(out, len))
    }

    /// Numbers and seals a packet of ours whose payload lies behind its header's place.
    pub(super) fn send_own(
        &mut self,
        out: &mut [u8],
        payload_len: usize,
    ) -> Result<usize, DropReason> {
        *out.first_mut().ok_or(DropReason::Size)? = 0x80;
        let stamp = self.send.own(self.out_ptime_ticks as u32);
        rtp::restamp(
            out,
            self.out_payload_type,
            false,
            stamp.sequence,
            stamp.timestamp,
            stamp.ssrc,
        );
        self.leaving = Some(Leaving {
            payload_bytes: payload_len,
            timestamp: Some(stamp.timestamp),
        });
        self.seal(out, HEADER_BYTES + payload_len)
    }

    /// Seals a compound packet for the outgoing leg; gives its length now.
    pub(crate) fn seal_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Option<usize> {
        match &mut self.sealing {
            Some(sealing) => sealing.seal_rtcp(buffer, len).ok(),
            None => Some(len),
        }
    }

    /// The packet that was made last goes to the outgoing leg.
    pub(crate) fn count_sent(&mut self, now: Instant) {
        if let Some(leaving) = self.leaving.take() {
            let Leaving {
                payload_bytes,
                timestamp,
            } = leaving;
            self.sent.on_packet(now, payload_bytes, timestamp);
        }
    }
}

/// Padding is cut off with the payload's end, so its bit must go as well.
fn clear_padding(packet: &mut [u8]) {
    if let Some(first) = packet.first_mut() {
        *first &= !0x20;
    }
}

/// The longest payload of our own making. **Units**: bytes; what an Ethernet packet holds.
const MAX_OWN_BYTES: usize = 1_440;

/// A header without CSRCs. **Units**: bytes.
const HEADER_BYTES: usize = 12;
