//! One RTP stream under observation.

use std::time::Duration;

use squelch_media::detect::{Numbers, Packet};
use squelch_media::quality::mos;
use squelch_media::rtp::{Arrival, PayloadType, Receive, View};

use super::encoding::Encoding;
use super::listener::Listener;
use super::recognise::StreamKey;
use super::report::{Origin, StreamReport};

/// Statistics and detectors of one SSRC between two sockets.
#[derive(Debug)]
pub(super) struct Stream {
    key: StreamKey,
    call_id: Option<String>,
    encrypted: bool,
    first: Duration,
    last: Duration,
    receive: Receive,
    /// Packets by payload type.
    payload_types: Vec<PayloadTypeCount>,
    telephone_events: u64,
    truncated: u64,
    listener: Listener,
}

#[derive(Debug)]
struct PayloadTypeCount {
    payload_type: PayloadType,
    encoding: Encoding,
    packets: u64,
}

impl Stream {
    pub(super) fn new(key: StreamKey, first: Duration, encoding: Encoding, talk_due: bool) -> Self {
        Self {
            key,
            call_id: None,
            encrypted: false,
            first,
            last: first,
            receive: Receive::new(encoding.clock_hz()),
            payload_types: Vec::new(),
            telephone_events: 0,
            truncated: 0,
            listener: Listener::new(talk_due),
        }
    }

    /// The dialog that announced the stream, and whether it said that the payload is ciphertext.
    pub(super) fn set_call(&mut self, call_id: &str, encrypted: bool) {
        self.encrypted |= encrypted;
        if self.call_id.is_none() {
            self.call_id = Some(call_id.to_owned());
        }
    }

    pub(super) fn on_packet(
        &mut self,
        at: Duration,
        packet: &View<'_>,
        encoding: Encoding,
        missing_bytes: usize,
    ) {
        let clock = at.saturating_sub(self.first);
        self.last = self.last.max(at);
        let arrival = self
            .receive
            .on_packet(clock, packet.sequence(), packet.timestamp());
        self.count(packet.payload_type(), encoding);
        self.telephone_events += u64::from(encoding == Encoding::TelephoneEvent);
        if missing_bytes > 0 {
            self.truncated += 1;
            return;
        }
        if matches!(arrival, Arrival::Duplicate(_)) {
            return;
        }
        // Bytes that no law decodes, and ciphertext, are not judged.
        if let Encoding::Audio(format) = encoding
            && !self.encrypted
        {
            let heard = Packet {
                at: clock,
                numbers: Some(Numbers {
                    sequence: packet.sequence(),
                    timestamp: packet.timestamp(),
                }),
                payload: packet.payload(),
            };
            self.listener.listen(format, heard);
        }
    }

    fn count(&mut self, payload_type: PayloadType, encoding: Encoding) {
        let known = self
            .payload_types
            .iter_mut()
            .find(|count| count.payload_type == payload_type);
        match known {
            Some(count) => {
                count.packets += 1;
                count.encoding = encoding;
            }
            // There are 128 payload types at most.
            None => self.payload_types.push(PayloadTypeCount {
                payload_type,
                encoding,
                packets: 1,
            }),
        }
    }

    pub(super) fn finish(self) -> StreamReport {
        let duration = self.last.saturating_sub(self.first);
        let faults = self.listener.finish(duration);
        let main = self
            .payload_types
            .iter()
            .max_by_key(|count| (count.encoding.format().is_some(), count.packets));
        let (payload_type, encoding) = main
            .map_or((PayloadType::PCMU, Encoding::Unknown), |count| {
                (count.payload_type, count.encoding)
            });
        let (expected, lost) = (self.receive.expected(), self.receive.lost());
        let loss_fraction = lost as f64 / expected.max(1) as f64;
        let first_found = faults.first();
        StreamReport {
            origin: Origin::Rtp {
                source: self.key.source,
                destination: self.key.destination,
                ssrc: self.key.ssrc.0,
                payload_type: payload_type.number(),
            },
            format: encoding.name(),
            call_id: self.call_id,
            encrypted: self.encrypted,
            first_packet: self.first,
            duration,
            packets: self.receive.received() + self.receive.duplicates(),
            expected,
            lost,
            duplicate: self.receive.duplicates(),
            reordered: self.receive.reordered(),
            telephone_events: self.telephone_events,
            truncated: self.truncated,
            jitter_ms: self.receive.mean_jitter().as_secs_f64() * 1_000.0,
            mos: encoding.format().map(|format| mos(format, loss_fraction)),
            fault: first_found.map(|found| found.fault),
            detected_at: first_found.map(|found| found.detected_at),
            faults,
        }
    }
}
