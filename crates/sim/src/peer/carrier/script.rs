//! What a carrier plays into a call.

use std::time::Duration;

use bytes::Bytes;
use squelch_pcap::replay::Schedule;

use crate::peer::rtp::Header;
use crate::sound::Law;

/// RTP packets with the times they are due, counted from the answer.
///
/// **Source**: a capture, or samples cut into packets of 20 ms.
#[derive(Debug, Clone, Default)]
pub struct Script {
    packets: Vec<ScriptPacket>,
    /// Begin again at the end, this long after the first packet.
    repeat_every: Option<Duration>,
}

/// One packet of a script. Sequence number, timestamp and SSRC are the call's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptPacket {
    /// When it is due.
    pub at: Duration,
    /// Sequence number from the script's first packet on: gaps and order are kept.
    pub sequence: u16,
    /// Timestamp from the script's first packet on.
    pub timestamp: u32,
    /// Marker.
    pub marker: bool,
    /// What the payload is.
    pub content: Content,
    /// The payload.
    pub payload: Bytes,
}

/// What a script's payload is, apart from the payload type a call gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// G.711 of this law.
    Audio(Law),
    /// A telephone-event (RFC 4733).
    TelephoneEvent,
}

impl Script {
    /// 8 kHz PCM16 samples in packets of 20 ms; a rest shorter than that is left out.
    pub fn from_samples(samples: &[i16], law: Law) -> Script {
        let packets = samples.chunks_exact(PACKET_SAMPLES).enumerate();
        let packets = packets.map(|(i, samples)| ScriptPacket {
            at: PACKET_TIME * i as u32,
            sequence: i as u16,
            timestamp: (i * PACKET_SAMPLES) as u32,
            marker: i == 0,
            content: Content::Audio(law),
            payload: law.encode_all(samples).into(),
        });
        Script {
            packets: packets.collect(),
            repeat_every: None,
        }
    }

    /// The packets of a captured stream: G.711 and, under dynamic payload types, telephone-events
    /// of four bytes. All else is left out.
    pub fn from_capture(schedule: &Schedule) -> Script {
        let headers = schedule.packets.iter().filter_map(|(at, bytes)| {
            let (header, payload) = Header::parse(bytes)?;
            let content = match header.payload_type {
                0 => Content::Audio(Law::Mu),
                8 => Content::Audio(Law::A),
                96..=127 if payload.len() == 4 => Content::TelephoneEvent,
                _ => return None,
            };
            Some((*at, header, content, Bytes::copy_from_slice(payload)))
        });
        let mut first = None;
        let packets = headers.map(|(at, header, content, payload)| {
            let (sequence, timestamp) = *first.get_or_insert((header.sequence, header.timestamp));
            ScriptPacket {
                at,
                sequence: header.sequence.wrapping_sub(sequence),
                timestamp: header.timestamp.wrapping_sub(timestamp),
                marker: header.marker,
                content,
                payload,
            }
        });
        Script {
            packets: packets.collect(),
            repeat_every: None,
        }
    }

    /// The same script over and over.
    pub fn repeated(mut self) -> Script {
        let last = self.packets.last().map(|packet| packet.at + PACKET_TIME);
        self.repeat_every = last;
        self
    }

    /// How long it lasts, once.
    pub fn duration(&self) -> Duration {
        self.packets
            .last()
            .map_or(Duration::ZERO, |packet| packet.at + PACKET_TIME)
    }

    /// The `index`-th packet, counted on through repetitions.
    pub(super) fn packet(&self, index: usize) -> Option<ScriptPacket> {
        let round = match self.repeat_every {
            Some(_) => index.checked_div(self.packets.len())?,
            None => 0,
        };
        let mut packet = self
            .packets
            .get(index - round * self.packets.len())?
            .clone();
        if let Some(every) = self.repeat_every {
            let last = self.packets.last()?;
            let (sequences, ticks) = (last.sequence.wrapping_add(1), ticks(every));
            packet.at += every * round as u32;
            packet.sequence = packet
                .sequence
                .wrapping_add(sequences.wrapping_mul(round as u16));
            packet.timestamp = packet
                .timestamp
                .wrapping_add(ticks.wrapping_mul(round as u32));
        }
        Some(packet)
    }
}

/// Ticks of the 8 kHz clock.
fn ticks(time: Duration) -> u32 {
    (time.as_micros() / 125) as u32
}

const PACKET_SAMPLES: usize = 160;
const PACKET_TIME: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_script_goes_on_without_a_seam() {
        let script = Script::from_samples(&[100; 480], Law::A).repeated();
        for index in 0..100_000 {
            let packet = script.packet(index).unwrap();
            assert_eq!(packet.at, PACKET_TIME * index as u32);
            assert_eq!(packet.sequence, index as u16);
            assert_eq!(packet.timestamp, (index * PACKET_SAMPLES) as u32);
        }
    }

    #[test]
    fn a_script_without_repetition_ends() {
        let script = Script::from_samples(&[100; 480], Law::A);
        assert!(script.packet(2).is_some());
        assert_eq!(script.packet(3), None);
        assert_eq!(Script::default().repeated().packet(0), None);
    }
}
