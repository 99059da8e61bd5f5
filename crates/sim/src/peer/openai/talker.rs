//! What the stand-in says, packet by packet, right or as static.

use std::time::Duration;

use super::config::{Pacing, Packing, Speech};
use crate::sound::{Law, Misreader, pcm16_bytes};

/// How a packet's payload is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// G.711 of this law.
    Speech(Law),
    /// G.711 bytes taken for PCM16 and encoded as this law again.
    Static(Law, Pacing),
    /// PCM16 bytes as they are.
    Raw(Packing),
}

/// A turn began or ended with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TurnChange {
    Began,
    Ended,
}

/// Says the speech, pauses, and says it again.
#[derive(Debug)]
pub(super) struct Talker {
    /// Where in speech and pause, in samples at 24 kHz.
    position: usize,
    talking: bool,
    misreader: Misreader,
}

impl Talker {
    /// About to begin.
    pub(super) fn new() -> Talker {
        Talker {
            position: 0,
            talking: false,
            misreader: Misreader::default(),
        }
    }

    /// Begins a turn with the next packet, unless one is under way.
    pub(super) fn begin(&mut self) {
        if !self.talking {
            self.position = 0;
        }
    }

    /// The turn the next packet begins or ends, if any; to be asked before the packet is made.
    pub(super) fn turn_change(&mut self, speech: &Speech) -> Option<TurnChange> {
        let in_speech = self.position < speech.at_24k.len();
        let change = match (self.talking, in_speech) {
            (false, true) => TurnChange::Began,
            (true, false) => TurnChange::Ended,
            _ => return None,
        };
        self.talking = in_speech;
        Some(change)
    }

    /// The payload of the next 20 ms.
    pub(super) fn packet(&mut self, speech: &Speech, pause: Duration, wire: Wire) -> Vec<u8> {
        let payload = match wire {
            Wire::Speech(law) => law.encode_all(&self.at_8k(speech, PACKET_BYTES)),
            Wire::Static(law, pacing) => self.misread(speech, law, pacing),
            Wire::Raw(Packing::RealTime) => pcm16_bytes(&self.at_24k(speech, 3 * PACKET_BYTES)),
            Wire::Raw(Packing::Sixth) => pcm16_bytes(&self.at_24k(speech, PACKET_BYTES / 2)),
        };
        let consumed = match wire {
            Wire::Speech(_) | Wire::Static(_, Pacing::Bursts) | Wire::Raw(Packing::RealTime) => {
                3 * PACKET_BYTES
            }
            Wire::Static(_, Pacing::Continuous) => 3 * SPEED * PACKET_BYTES,
            Wire::Raw(Packing::Sixth) => PACKET_BYTES / 2,
        };
        let pause_samples = pause.as_micros() as usize * 24 / 1_000;
        let period = (speech.at_24k.len() + pause_samples).max(1);
        self.position = (self.position + consumed) % period;
        payload
    }

    fn misread(&mut self, speech: &Speech, law: Law, pacing: Pacing) -> Vec<u8> {
        let bytes = match pacing {
            Pacing::Continuous => SPEED * PACKET_BYTES,
            Pacing::Bursts => PACKET_BYTES,
        };
        let codes = law.encode_all(&self.at_8k(speech, bytes));
        let mut payload = self.misreader.run(law, &codes);
        payload.resize(PACKET_BYTES, law.silence());
        payload
    }

    fn at_8k(&self, speech: &Speech, samples: usize) -> Vec<i16> {
        from(&speech.at_8k, self.position / 3, samples)
    }

    fn at_24k(&self, speech: &Speech, samples: usize) -> Vec<i16> {
        from(&speech.at_24k, self.position, samples)
    }
}

/// `count` samples from `start` on, silence past the end.
fn from(samples: &[i16], start: usize, count: usize) -> Vec<i16> {
    (start..start + count)
        .map(|i| samples.get(i).copied().unwrap_or(0))
        .collect()
}

/// 20 ms of G.711.
const PACKET_BYTES: usize = 160;
/// 48,000 bytes of PCM16 at 24 kHz for 8,000 of G.711.
const SPEED: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_begins_with_the_speech_and_ends_with_the_pause() {
        let speech = Speech::from_8k(vec![1_000; 800]);
        let mut talker = Talker::new();
        let changes: Vec<_> = (0..10)
            .map(|_| {
                let change = talker.turn_change(&speech);
                talker.packet(&speech, Duration::from_millis(60), Wire::Speech(Law::Mu));
                change
            })
            .collect();
        let expected = [
            (0, TurnChange::Began),
            (5, TurnChange::Ended),
            (8, TurnChange::Began),
        ];
        for (i, change) in changes.into_iter().enumerate() {
            let wanted = expected
                .iter()
                .find(|(at, _)| *at == i)
                .map(|(_, change)| *change);
            assert_eq!(change, wanted, "packet {i}");
        }
    }

    #[test]
    fn packets_are_as_long_as_their_kind() {
        let speech = Speech::from_8k(vec![1_000; 8_000]);
        let kinds = [
            (Wire::Speech(Law::A), 160),
            (Wire::Static(Law::Mu, Pacing::Continuous), 160),
            (Wire::Static(Law::Mu, Pacing::Bursts), 160),
            (Wire::Raw(Packing::RealTime), 960),
            (Wire::Raw(Packing::Sixth), 160),
        ];
        for (wire, bytes) in kinds {
            let packet = Talker::new().packet(&speech, Duration::ZERO, wire);
            assert_eq!(packet.len(), bytes, "{wire:?}");
        }
    }
}
