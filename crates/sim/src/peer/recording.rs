//! What a peer heard.

use std::time::Duration;

use bytes::Bytes;

use super::rtp::Header;
use crate::sound::Law;

/// RTP packets in the order they came, with the time since the recording began.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    packets: Vec<Heard>,
}

/// One packet of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// When it came.
    pub at: Duration,
    /// Its header.
    pub header: Header,
    /// Its payload.
    pub payload: Bytes,
}

impl Recording {
    /// Takes in one datagram; what is no RTP is left out.
    pub fn push(&mut self, at: Duration, packet: &[u8]) {
        // A peer of tests and demos: past an hour of packets the recording just stops.
        if self.packets.len() >= MAX_PACKETS {
            return;
        }
        if let Some((header, payload)) = Header::parse(packet) {
            self.packets.push(Heard {
                at,
                header,
                payload: Bytes::copy_from_slice(payload),
            });
        }
    }

    /// The packets, in the order they came.
    pub fn packets(&self) -> &[Heard] {
        &self.packets
    }

    /// What was heard: the audio packets laid out by RTP timestamp on the first packet's arrival,
    /// silence where nothing came.
    ///
    /// **Units**: PCM16 samples at 8 kHz from the start of the recording.
    pub fn samples(&self) -> Vec<i16> {
        let audio = |heard: &&Heard| decode(heard.header.payload_type, &heard.payload).is_some();
        let Some(first) = self.packets.iter().find(audio) else {
            return Vec::new();
        };
        let start = (first.at.as_micros() / 125) as i64;
        let mut samples = Vec::new();
        for heard in &self.packets {
            let Some(decoded) = decode(heard.header.payload_type, &heard.payload) else {
                continue;
            };
            let offset = heard.header.timestamp.wrapping_sub(first.header.timestamp) as i32;
            let Ok(at) = usize::try_from(start + i64::from(offset)) else {
                continue;
            };
            if at > MAX_SAMPLES {
                continue;
            }
            let end = at + decoded.len();
            if samples.len() < end {
                samples.resize(end, 0);
            }
            for (sample, heard) in samples.iter_mut().skip(at).zip(decoded) {
                *sample = heard;
            }
        }
        samples
    }
}

/// The payload type at which a carrier here offers L16 at 8 kHz.
pub(crate) const LINEAR: u8 = 97;

/// The samples of a payload; none where it is no audio.
fn decode(payload_type: u8, payload: &[u8]) -> Option<Vec<i16>> {
    if payload_type == LINEAR {
        let pairs = payload.chunks_exact(2);
        return Some(
            pairs
                .map(|pair| (i16::from(pair[0] as i8) << 8) | i16::from(pair[1]))
                .collect(),
        );
    }
    law_of(payload_type).map(|law| law.decode_all(payload))
}

/// The law of a static payload type.
fn law_of(payload_type: u8) -> Option<Law> {
    [Law::Mu, Law::A]
        .into_iter()
        .find(|law| law.payload_type() == payload_type)
}

/// One hour of 20 ms packets.
const MAX_PACKETS: usize = 180_000;
/// Two hours at 8 kHz: a timestamp that leaps further is a peer's mistake.
const MAX_SAMPLES: usize = 57_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_laid_out_by_timestamp_and_gaps_are_silent() {
        let mut recording = Recording::default();
        let header = |sequence, timestamp| Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc: 1,
        };
        let loud = [Law::Mu.encode(8_000); 160];
        recording.push(Duration::from_millis(10), &header(2, 320).write(&loud));
        recording.push(Duration::from_millis(50), &header(4, 640).write(&loud));
        recording.push(Duration::from_millis(55), b"no RTP");
        let samples = recording.samples();
        assert_eq!(samples.len(), 80 + 3 * 160);
        assert_eq!(samples[79], 0);
        assert!(samples[80] > 7_000 && samples[80 + 159] > 7_000);
        assert_eq!(samples[80 + 160], 0);
        assert!(samples[80 + 320] > 7_000);
    }
}
