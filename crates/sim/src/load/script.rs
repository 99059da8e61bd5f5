//! What a call sends: one stream of a capture as a schedule of packets, its numbers counted from zero.

mod pacing;

use std::time::Duration;

use squelch_media::rtp::View;

use crate::sound::Law;
pub use pacing::Pacing;

/// One captured stream, ready to be sent by any number of calls at once.
///
/// Sequence numbers and timestamps are counted from the first packet on; what the capture lost, repeated and
/// reordered stays so where it is paced as captured.
///
/// **Cost**: the payloads once, and 40 bytes a packet; lent to each call.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    coding: Coding,
    cues: Vec<Cue>,
    payloads: Vec<u8>,
    /// From the first packet to the end of the last one's audio.
    duration: Duration,
    /// The same on the stream's RTP clock, for the next round.
    ticks: u32,
    /// Sequence numbers of one round.
    sequences: u16,
    ptime: Duration,
}

/// How a script's audio is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// G.711 of this law, at its static payload type.
    G711(Law),
    /// Opus (RFC 7587), at the payload type it was captured with; relayed, never decoded.
    Opus {
        /// 96 to 127.
        payload_type: u8,
    },
}

impl Coding {
    /// The RTP clock. **Units**: Hz.
    pub const fn clock_hz(self) -> u32 {
        match self {
            Coding::G711(_) => 8_000,
            Coding::Opus { .. } => 48_000,
        }
    }

    /// The payload type that is offered.
    pub const fn payload_type(self) -> u8 {
        match self {
            Coding::G711(law) => law.payload_type(),
            Coding::Opus { payload_type } => payload_type,
        }
    }

    /// The law, of G.711.
    pub const fn law(self) -> Option<Law> {
        match self {
            Coding::G711(law) => Some(law),
            Coding::Opus { .. } => None,
        }
    }
}

/// One packet of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cue {
    /// When it is due, from the first one on.
    pub at: Duration,
    /// Its sequence number, from the first one's on.
    pub sequence: u16,
    /// Its timestamp, from the first one's on.
    pub timestamp: u32,
    /// The marker bit.
    pub marker: bool,
    /// What it carries.
    pub kind: Kind,
    start: u32,
    length: u16,
}

/// What a packet carries, apart from the number that a call's SDP gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The script's audio.
    Audio,
    /// A telephone-event (RFC 4733).
    Event,
}

/// Why a captured stream can't be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoScript {
    /// No packet of the coding is in it.
    #[error("it has no audio packet of the format")]
    NoAudio,
    /// It is longer than a call's numbers reach.
    #[error("it holds more than 4 GB of audio")]
    TooLong,
}

impl Script {
    /// Takes a stream's packets with their times of capture, RTP headers included, in the order of capture. What has
    /// neither the payload type that the audio was `captured_as` nor is a telephone-event is left out.
    ///
    /// **Errors**: nothing is left.
    pub fn from_capture<'a>(
        coding: Coding,
        captured_as: u8,
        packets: impl IntoIterator<Item = (Duration, &'a [u8])>,
        paced: Pacing,
    ) -> Result<Script, NoScript> {
        let mut script = Script {
            coding,
            cues: Vec::new(),
            payloads: Vec::new(),
            duration: Duration::ZERO,
            ticks: 0,
            sequences: 0,
            ptime: Duration::ZERO,
        };
        let mut first = None;
        for (at, bytes) in packets {
            let Ok(packet) = View::parse(bytes) else {
                continue;
            };
            let payload = packet.payload();
            let Some(kind) = kind(captured_as, packet.payload_type().number(), payload) else {
                continue;
            };
            let numbers = (at, packet.sequence(), packet.timestamp().0);
            let (start, sequence, timestamp) = *first.get_or_insert(numbers);
            script.cues.push(Cue {
                at: at.saturating_sub(start),
                sequence: packet.sequence().wrapping_sub(sequence),
                timestamp: packet.timestamp().0.wrapping_sub(timestamp),
                marker: packet.marker(),
                kind,
                start: u32::try_from(script.payloads.len()).map_err(|_| NoScript::TooLong)?,
                length: u16::try_from(payload.len()).map_err(|_| NoScript::TooLong)?,
            });
            script.payloads.extend_from_slice(payload);
        }
        if !script.cues.iter().any(|cue| cue.kind == Kind::Audio) {
            return Err(NoScript::NoAudio);
        }
        script.ptime = pacing::packet_time(coding, &script.cues);
        if paced == Pacing::Even {
            pacing::even(&mut script.cues, coding.clock_hz(), script.ptime);
        }
        script.measure();
        Ok(script)
    }

    /// Where one round ends.
    fn measure(&mut self) {
        let clock_hz = self.coding.clock_hz();
        let last = self.cues.iter().map(|cue| cue.at).max();
        self.duration = last.unwrap_or_default() + self.ptime;
        // The furthest, not the last: it may have been overtaken. What lies before the first one counts nothing.
        let furthest = |numbers: &mut dyn Iterator<Item = u32>, wrap: u32| {
            numbers.filter(|n| *n < wrap).max().unwrap_or(0)
        };
        let ticks = furthest(&mut self.cues.iter().map(|cue| cue.timestamp), 1 << 31);
        self.ticks = ticks.wrapping_add(pacing::ticks(self.ptime, clock_hz));
        let last = self.cues.last().map_or(0, |cue| cue.sequence);
        let ahead = self.cues.iter().map(|cue| cue.sequence.wrapping_sub(last));
        let ahead = ahead.filter(|n| *n < 1 << 15).max().unwrap_or(0);
        self.sequences = last.wrapping_add(ahead).wrapping_add(1);
    }

    /// How its audio is coded.
    pub fn coding(&self) -> Coding {
        self.coding
    }

    /// How long it lasts, once.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// How long it lasts on the RTP clock, once. **Units**: ticks; never 0.
    pub fn ticks(&self) -> u32 {
        self.ticks.max(1)
    }

    /// The time between two packets of it.
    pub fn ptime(&self) -> Duration {
        self.ptime
    }

    /// How many packets it has.
    pub fn len(&self) -> usize {
        self.cues.len()
    }

    /// Whether it has none: never.
    pub fn is_empty(&self) -> bool {
        self.cues.is_empty()
    }

    /// Whether it presses keys.
    pub fn has_events(&self) -> bool {
        self.cues.iter().any(|cue| cue.kind == Kind::Event)
    }

    /// The packets of audio, each with the place of its first sample on the RTP clock.
    pub fn audio(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let audio = self.cues.iter().filter(|cue| cue.kind == Kind::Audio);
        audio.map(|cue| (u64::from(cue.timestamp), self.payload(cue)))
    }

    /// The `index`-th packet, counted on through `round`s.
    ///
    /// **Cost**: a few additions; nothing is allocated.
    pub fn cue(&self, round: u32, index: usize) -> Option<Cue> {
        let cue = self.cues.get(index)?;
        Some(Cue {
            at: cue.at + self.duration * round,
            sequence: cue
                .sequence
                .wrapping_add(self.sequences.wrapping_mul(round as u16)),
            timestamp: cue.timestamp.wrapping_add(self.ticks.wrapping_mul(round)),
            ..*cue
        })
    }

    /// What a packet carries.
    pub fn payload(&self, cue: &Cue) -> &[u8] {
        let start = cue.start as usize;
        let end = start + usize::from(cue.length);
        self.payloads.get(start..end).unwrap_or_default()
    }
}

/// What a captured packet is; `None` leaves it out.
fn kind(captured_as: u8, payload_type: u8, payload: &[u8]) -> Option<Kind> {
    let audio = captured_as == payload_type && !payload.is_empty();
    // RFC 4733 section 2.3: an event is four bytes; several in one packet are not seen in the field.
    let event = (96..=127).contains(&payload_type) && payload.len() == 4;
    match (audio, event) {
        (true, _) => Some(Kind::Audio),
        (false, true) => Some(Kind::Event),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests;
