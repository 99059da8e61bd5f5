//! The audio under a fault, put together again from the bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use squelch_media::Format;
use squelch_media::audio::undo::Undo;
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
    /// Whether good audio follows within the stretch: the detector says so once it has heard enough of it.
    cleared: bool,
    labelled: Format,
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
    /// Codes that the laws' confusion is undone of.
    Law(Undo),
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
                let undo = Undo::new(format.law(), found.variant.what)?;
                (Reading::Law(undo), Some(format.clock_rate()))
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
            cleared: found.to < stream.duration,
            labelled: format,
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
        self.give_all_but(MAX_WAITING, out);
    }

    /// Takes the next codes of a recording that stand `at` in it, appends what can be heard of them.
    pub fn handle_codes(&mut self, at: Duration, codes: &[u8], out: &mut Vec<i16>) {
        if self.key.is_none() && self.spans(at) {
            let sequence = self.newest.map_or(0, |newest| newest + 1);
            self.newest = Some(sequence);
            let timestamp = (sequence as u32).wrapping_mul(codes.len() as u32);
            let payload = codes.to_vec();
            let packet = Waiting {
                at,
                timestamp,
                payload,
            };
            self.waiting.insert(sequence, packet);
            self.give_all_but(MAX_WAITING, out);
        }
    }

    /// Appends what was still held back.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        let good = match self.cleared {
            true => self.good_at_the_end(),
            false => 0,
        };
        self.give_all_but(good, out);
        self.waiting.clear();
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

    /// The packets at the end that are smoother as labelled: those that told the detector that the fault is over.
    fn good_at_the_end(&self) -> usize {
        let law = self.labelled.law();
        let (mut sum, mut best, mut good) = (0.0, 0.0, 0);
        for (index, packet) in self.waiting.values().rev().enumerate() {
            let labelled = packet.payload.iter().map(|&code| law.decode_sample(code));
            let as_read: f32 = match self.reading {
                Reading::Law(mut undo) => {
                    let mut codes = packet.payload.clone();
                    undo.apply(&mut codes);
                    let law = undo.law();
                    roughness(codes.iter().map(|&code| law.decode_sample(code)))
                }
                Reading::Pcm16(order) => roughness(samples(order, &packet.payload)),
            };
            sum += (as_read / roughness(labelled)).ln();
            if sum > best {
                (best, good) = (sum, index + 1);
            }
        }
        good
    }

    fn give_all_but(&mut self, kept: usize, out: &mut Vec<i16>) {
        while self.waiting.len() > kept {
            self.give_first(out);
        }
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
        match &mut self.reading {
            Reading::Law(undo) => {
                let mut codes = bytes.to_vec();
                undo.apply(&mut codes);
                let law = undo.law();
                out.extend(codes.iter().map(|&code| law.decode_sample(code)));
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

/// How far samples lie apart, by how large they are: low for what a voice makes.
fn roughness(samples: impl Iterator<Item = i16>) -> f32 {
    let (mut steps, mut size, mut last) = (0.0, 0.0, None);
    for sample in samples.map(f32::from) {
        steps += last.map_or(0.0, |last: f32| (sample - last).abs());
        size += sample.abs();
        last = Some(sample);
    }
    // Silence is as smooth in any reading.
    (steps + FAINT) / (size + FAINT)
}

fn samples(order: ByteOrder, bytes: &[u8]) -> impl Iterator<Item = i16> {
    let (pairs, _) = bytes.as_chunks();
    pairs.iter().map(move |pair| match order {
        ByteOrder::Little => i16::from_le_bytes(*pair),
        ByteOrder::Big => i16::from_be_bytes(*pair),
    })
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
/// What a packet of the faintest noise sums up to.
const FAINT: f32 = 1_000.0;
/// How much later than the last a packet of the stretch may be seen in a capture.
const LATE: Duration = Duration::from_secs(1);
/// How much a sender may be ahead of its packets' arrival.
const SLACK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
