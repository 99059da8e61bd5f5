//! The audio of one observed stream, to be drawn and heard.

use std::time::Duration;

use squelch_media::Format;
use squelch_media::rtp::Ssrc;

use super::datagram::{Carrier, Datagram};
use super::recognise::{StreamKey, rtp};
use super::report::{Origin, StreamReport};

/// Decodes one stream as a receiver would play it: each packet at its RTP timestamp, silence in gaps.
///
/// **Units**: PCM16 samples at the format's clock rate.
///
/// **Cost**: memory for the stream's audio, up to [`Playback::MAX`].
#[derive(Debug)]
pub struct Playback {
    key: StreamKey,
    payload_type: u8,
    format: Format,
    start: Option<u32>,
    samples: Vec<i16>,
}

impl Playback {
    /// What is longer is cut.
    pub const MAX: Duration = Duration::from_secs(600);

    /// For the stream of the report; none where it was not on the wire, or its payload can't be decoded.
    pub fn new(report: &StreamReport) -> Option<Self> {
        if report.encrypted {
            return None;
        }
        let format = [Format::Pcmu, Format::Pcma]
            .into_iter()
            .find(|format| format.name() == report.format)?;
        let Origin::Rtp {
            source,
            destination,
            ssrc,
            payload_type,
        } = report.origin
        else {
            return None;
        };
        Some(Self {
            key: StreamKey {
                source,
                destination,
                ssrc: Ssrc(ssrc),
            },
            payload_type,
            format,
            start: None,
            samples: Vec::new(),
        })
    }

    /// Takes a datagram; those of other streams are passed over.
    pub fn handle_datagram(&mut self, datagram: Datagram<'_>) {
        let ours = datagram.carrier == Carrier::Udp
            && datagram.source == self.key.source
            && datagram.destination == self.key.destination;
        if !ours {
            return;
        }
        let Some(packet) = rtp(datagram.payload) else {
            return;
        };
        if packet.ssrc() != self.key.ssrc || packet.payload_type().number() != self.payload_type {
            return;
        }
        let start = *self.start.get_or_insert(packet.timestamp().0);
        // A timestamp before the first one's is that of a packet that was overtaken: nothing to play it at.
        let offset = packet.timestamp().0.wrapping_sub(start) as i32;
        let Ok(offset) = usize::try_from(offset) else {
            return;
        };
        let most = Self::MAX.as_secs() as usize * self.format.clock_rate() as usize;
        let end = (offset + packet.payload().len()).min(most);
        if offset >= end {
            return;
        }
        if self.samples.len() < end {
            self.samples.resize(end, 0);
        }
        let law = self.format.law();
        let slots = self.samples.get_mut(offset..end).unwrap_or_default();
        for (slot, &code) in slots.iter_mut().zip(packet.payload()) {
            *slot = law.decode_sample(code);
        }
    }

    /// The rate of the samples.
    pub fn rate_hz(&self) -> u32 {
        self.format.clock_rate()
    }

    /// What was played.
    pub fn into_samples(self) -> Vec<i16> {
        self.samples
    }
}
