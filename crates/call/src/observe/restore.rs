//! The audio under a fault, put together again from the bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use squelch_media::Format;
use squelch_media::detect::{ByteOrder, Fault, Variant};
use squelch_media::rtp::Ssrc;

use super::datagram::{Carrier, Datagram};
use super::recognise::{StreamKey, rtp};
use super::report::{FaultReport, Origin, Repair, StreamReport};

/// Reads one faulty stretch of a stream as what it is.
///
/// Hand it the datagrams (or a recording's codes) in the order of time, take the samples that come
/// out, then call [`Restorer::finish`]. Packets are put in order, duplicates left out; what was
/// lost is silence of its own length.
///
/// **Cost**: memory for the packets that may still be overtaken, none for the audio.
#[derive(Debug)]
pub struct Restorer {
    /// None for a recording.
    key: Option<(StreamKey, u8)>,
    /// The first packet of the stretch and the last, on the observer's clock.
    span: (Duration, Duration),
    reading: Reading,
    known_rate_hz: Option<u32>,
    /// By sequence number, counted on past 65,535.
    waiting: BTreeMap<i64, Waiting>,
    newest: Option<i64>,
    /// What was given out last.
    done: Option<Done>,
    odd: Option<u8>,
    bytes: u64,
    packets: u64,
    samples: u64,
}

#[derive(Debug, Clone, Copy)]
enum Reading {
    Pcm16(ByteOrder),
    /// Codes of this format's law.
    Law(Format),
}

/// A packet that may be overtaken yet; one of another payload type has no bytes.
#[derive(Debug)]
struct Waiting {
    at: Duration,
    timestamp: u32,
    payload: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Done {
    sequence: i64,
    first_at: Duration,
    last_at: Duration,
    next_timestamp: u32,
    payload_bytes: usize,
}

impl Restorer {
    /// For a fault of the stream; none where the audio can't be got back.
    pub fn new(stream: &StreamReport, found: &FaultReport) -> Option<Self> {
        if found.repair == Repair::None || stream.encrypted {
            return None;
        }
        let format = [Format::Pcmu, Format::Pcma]
            .into_iter()
            .find(|format| format.name() == stream.format)?;
        let (reading, known_rate_hz) = match found.fault {
            Fault::Pcm16AsG711 => {
                let Variant { order, rate_hz, .. } = found.variant;
                // Nearly everything that sends PCM16 sends the low byte first.
                let order = order.unwrap_or(ByteOrder::Little);
                (Reading::Pcm16(order), rate_hz)
            }
            Fault::LawMismatch => {
                let other = match format {
                    Format::Pcmu => Format::Pcma,
                    Format::Pcma => Format::Pcmu,
                };
                (Reading::Law(other), Some(format.clock_rate()))
            }
            _ => return None,
        };
        let key = match stream.origin {
            Origin::Rtp {
                source,
                destination,
                ssrc,
                payload_type,
            } => {
                let ssrc = Ssrc(ssrc);
                let key = StreamKey {
                    source,
                    destination,
                    ssrc,
                };
                Some((key, payload_type))
            }
            Origin::File { .. } => None,
        };
        Some(Self {
            key,
            span: (
                stream.first_packet + found.from,
                stream.first_packet + found.to,
            ),
            reading,
            known_rate_hz,
            waiting: BTreeMap::new(),
            newest: None,
            done: None,
            odd: None,
            bytes: 0,
            packets: 0,
            samples: 0,
        })
    }

    /// Whether nothing more belongs to the stretch from `at` on.
    pub fn is_over(&self, at: Duration) -> bool {
        at > self.span.1 + LATE
    }

    /// Takes a datagram, appends what can be heard of it; those of other streams are passed over.
    pub fn handle_datagram(&mut self, datagram: Datagram<'_>, out: &mut Vec<i16>) {
        let (Some((key, payload_type)), true) = (self.key, self.spans(datagram.at)) else {
            return;
        };
        let ours = datagram.carrier == Carrier::Udp
            && datagram.missing_bytes == 0
            && datagram.source == key.source
            && datagram.destination == key.destination;
        let Some(packet) = rtp(datagram.payload).filter(|_| ours) else {
            return;
        };
        if packet.ssrc() != key.ssrc {
            return;
        }
        let sequence = match self.newest {
            None => i64::from(packet.sequence()),
            Some(newest) => {
                newest + i64::from(packet.sequence().wrapping_sub(newest as u16) as i16)
            }
        };
        self.newest = Some(self.newest.map_or(sequence, |newest| newest.max(sequence)));
        if self.done.is_some_and(|done| sequence <= done.sequence) {
            return;
        }
        let audio = packet.payload_type().number() == payload_type;
        self.waiting.entry(sequence).or_insert_with(|| Waiting {
            at: datagram.at,
            timestamp: packet.timestamp().0,
            payload: match audio {
                true => packet.payload().to_vec(),
                false => Vec::new(),
            },
        });
        while self.waiting.len() > MAX_WAITING {
            self.give_first(out);
        }
    }

    /// Takes the next codes of a recording that stand `at` in it, appends what can be heard of them.
    pub fn handle_codes(&mut self, at: Duration, codes: &[u8], out: &mut Vec<i16>) {
        if self.key.is_none() && self.spans(at) {
            self.read(codes, out);
        }
    }

    /// Appends what was still held back.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        while !self.waiting.is_empty() {
            self.give_first(out);
        }
    }

    /// The rate of the samples: as the finding says, else as fast as the bytes came, else 24 kHz.
    pub fn rate_hz(&self) -> u32 {
        self.known_rate_hz
            .or_else(|| self.rate_of_arrival_hz())
            .unwrap_or(USUAL_RATE_HZ)
    }

    /// How much came out.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    fn spans(&self, at: Duration) -> bool {
        (self.span.0..=self.span.1).contains(&at)
    }

    /// PCM16 that is sent in real time in more packets than usual tells its rate.
    fn rate_of_arrival_hz(&self) -> Option<u32> {
        let done = self.done.filter(|_| self.packets >= MIN_PACKETS)?;
        let seconds = done.last_at.saturating_sub(done.first_at).as_secs_f64();
        let samples = self.bytes as f64 / 2.0 * (1.0 - 1.0 / self.packets as f64);
        RATES_HZ
            .into_iter()
            .find(|&rate_hz| (samples / seconds / f64::from(rate_hz) - 1.0).abs() < TOLERANCE)
    }

    fn give_first(&mut self, out: &mut Vec<i16>) {
        let Some((sequence, packet)) = self.waiting.pop_first() else {
            return;
        };
        if let Some(done) = self.done {
            let lost = self.lost(done, sequence, &packet);
            if lost > 0 {
                self.odd = None;
                out.resize(out.len() + lost as usize, 0);
                self.samples += lost;
            }
        }
        self.read(&packet.payload, out);
        let empty = packet.payload.is_empty();
        let before = self.done;
        self.packets += u64::from(!empty);
        self.done = Some(Done {
            sequence,
            first_at: before.map_or(packet.at, |done| done.first_at),
            last_at: packet.at,
            next_timestamp: match before {
                Some(done) if empty => done.next_timestamp,
                _ => packet.timestamp.wrapping_add(packet.payload.len() as u32),
            },
            payload_bytes: match before {
                Some(done) if empty => done.payload_bytes,
                _ => packet.payload.len(),
            },
        });
    }

    /// Samples of silence before the packet, never more than the time that has passed.
    fn lost(&self, done: Done, sequence: i64, packet: &Waiting) -> u64 {
        let wanted = match self.reading {
            Reading::Pcm16(_) => {
                let packets = (sequence - done.sequence - 1).max(0) as u64;
                packets * (done.payload_bytes as u64 / 2)
            }
            Reading::Law(_) if packet.payload.is_empty() => 0,
            Reading::Law(_) => {
                let gap = packet.timestamp.wrapping_sub(done.next_timestamp) as i32;
                u64::try_from(gap).unwrap_or(0)
            }
        };
        let rate = f64::from(self.known_rate_hz.unwrap_or(USUAL_RATE_HZ));
        let passed = packet.at.saturating_sub(done.first_at) + SLACK;
        let room = (passed.as_secs_f64() * rate) as u64;
        wanted.min(room.saturating_sub(self.samples))
    }

    fn read(&mut self, bytes: &[u8], out: &mut Vec<i16>) {
        let before = out.len();
        match self.reading {
            Reading::Law(format) => {
                let law = format.law();
                out.extend(bytes.iter().map(|&code| law.decode_sample(code)));
            }
            Reading::Pcm16(order) => {
                // A sample may begin in one packet and end in the next.
                let mut bytes = self.odd.take().into_iter().chain(bytes.iter().copied());
                while let Some(first) = bytes.next() {
                    let Some(second) = bytes.next() else {
                        self.odd = Some(first);
                        break;
                    };
                    out.push(match order {
                        ByteOrder::Little => i16::from_le_bytes([first, second]),
                        ByteOrder::Big => i16::from_be_bytes([first, second]),
                    });
                }
            }
        }
        self.bytes += bytes.len() as u64;
        self.samples += (out.len() - before) as u64;
    }
}

/// What OpenAI's models speak in.
const USUAL_RATE_HZ: u32 = 24_000;
/// The rates that OpenAI and its SDKs use for PCM16. **Units**: Hz.
const RATES_HZ: [u32; 3] = [8_000, 16_000, 24_000];
/// How far the rate of arrival may be off: a lost packet in ten, and some jitter.
const TOLERANCE: f64 = 0.12;
/// Fewer packets tell no rate.
const MIN_PACKETS: u64 = 10;
/// Packets that wait for those they overtook: 640 ms of the usual ones.
const MAX_WAITING: usize = 32;
/// How much later than the last a packet of the stretch may be seen in a capture.
const LATE: Duration = Duration::from_secs(1);
/// How much a sender may be ahead of its packets' arrival.
const SLACK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use squelch_media::detect::Pace;

    use super::*;

    /// A stream at 192.0.2.1 with a fault of four seconds that begins a second in.
    fn stream(fault: Fault, order: Option<ByteOrder>, rate_hz: Option<u32>) -> StreamReport {
        let found = FaultReport {
            fault,
            from: Duration::from_secs(1),
            detected_at: Duration::from_secs(1),
            to: Duration::from_secs(5),
            confidence: 1.0,
            repair: Repair::Exact,
            variant: Variant {
                order,
                rate_hz,
                pace: Pace::Continuous,
            },
        };
        StreamReport {
            origin: Origin::Rtp {
                source: ([192, 0, 2, 1], 4_000).into(),
                destination: ([192, 0, 2, 2], 5_000).into(),
                ssrc: 7,
                payload_type: 0,
            },
            format: "pcmu",
            call_id: None,
            encrypted: false,
            first_packet: Duration::from_secs(10),
            duration: Duration::from_secs(6),
            packets: 300,
            expected: 300,
            lost: 0,
            duplicate: 0,
            reordered: 0,
            telephone_events: 0,
            truncated: 0,
            jitter_ms: 0.0,
            mos: None,
            fault: Some(fault),
            detected_at: Some(found.detected_at),
            faults: vec![found],
        }
    }

    /// What comes out when packets arrive: milliseconds of the stream, sequence number, timestamp, payload.
    fn restored(
        stream: &StreamReport,
        packets: impl IntoIterator<Item = (u64, u16, u32, Vec<u8>)>,
    ) -> (Vec<i16>, u32) {
        let mut restorer = Restorer::new(stream, &stream.faults[0]).expect("it can be repaired");
        let mut out = Vec::new();
        for (at_ms, sequence, timestamp, payload) in packets {
            let mut packet = vec![0x80, 0];
            packet.extend(sequence.to_be_bytes());
            packet.extend(timestamp.to_be_bytes());
            packet.extend([0, 0, 0, 7]);
            packet.extend(payload);
            let datagram = Datagram {
                at: stream.first_packet + Duration::from_millis(at_ms),
                source: ([192, 0, 2, 1], 4_000).into(),
                destination: ([192, 0, 2, 2], 5_000).into(),
                carrier: Carrier::Udp,
                payload: &packet,
                missing_bytes: 0,
            };
            restorer.handle_datagram(datagram, &mut out);
        }
        restorer.finish(&mut out);
        assert_eq!(out.len() as u64, restorer.samples());
        (out, restorer.rate_hz())
    }

    #[test]
    fn the_other_law_s_bytes_are_decoded_with_its_table() {
        let stream = stream(Fault::LawMismatch, None, None);
        let packet = |at_ms, sequence, timestamp| (at_ms, sequence, timestamp, vec![0xD5, 0x80]);
        // The third never came: its two samples are silent. What comes before or after the fault is not its audio.
        let packets = [
            packet(900, 8, 94),
            packet(1_000, 9, 96),
            packet(1_020, 10, 98),
            packet(1_060, 12, 102),
            packet(5_001, 13, 104),
        ];
        let (samples, rate_hz) = restored(&stream, packets);
        assert_eq!(rate_hz, 8_000);
        let loud = Format::Pcma.law().decode_sample(0x80);
        assert_eq!(samples, [8, loud, 8, loud, 0, 0, 8, loud]);
    }

    #[test]
    fn overtaken_packets_come_back_in_order_across_the_wrap_and_duplicates_once() {
        let stream = stream(Fault::Pcm16AsG711, Some(ByteOrder::Big), Some(16_000));
        let packets = [
            (1_000, 65_534, 0, vec![0, 1, 0]),
            (1_020, 0, 6, vec![0, 4]),
            (1_021, 65_535, 3, vec![2, 0, 3]),
            (1_022, 65_535, 3, vec![2, 0, 3]),
        ];
        assert_eq!(restored(&stream, packets), (vec![1, 2, 3, 4], 16_000));
    }

    #[test]
    fn pcm16_in_more_packets_than_usual_tells_its_rate() {
        let stream = stream(Fault::Pcm16AsG711, Some(ByteOrder::Little), None);
        for (every_ms, rate_hz) in [(10, 8_000), (5, 16_000), (20, 24_000)] {
            let packets = (0..100_u16).map(|n| {
                let at_ms = 1_000 + u64::from(n) * every_ms;
                (at_ms, n, u32::from(n) * 160, vec![1; 160])
            });
            assert_eq!(restored(&stream, packets).1, rate_hz, "{every_ms} ms");
        }
    }

    #[test]
    fn a_jump_is_no_silence_beyond_the_time_that_passed() {
        for fault in [Fault::LawMismatch, Fault::Pcm16AsG711] {
            let stream = stream(fault, None, Some(8_000));
            let packets = (0..100_u16).map(|n| {
                let at_ms = 1_000 + u64::from(n) * 20;
                (
                    at_ms,
                    n.wrapping_mul(9_000),
                    u32::from(n).wrapping_mul(1_000_000_000),
                    vec![1; 160],
                )
            });
            let (samples, _) = restored(&stream, packets);
            assert!(samples.len() <= 8_000 * 4, "{fault}: {}", samples.len());
        }
    }
}
