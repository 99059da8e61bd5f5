//! A recording, watched as if it were a stream.

use std::time::Duration;

use squelch_media::Format;
use squelch_media::detect::Packet;

use super::listener::Listener;
use super::report::{Origin, Repair, StreamReport};

/// One channel of a sound file: its G.711 codes go in a packet at a time, the stream's report comes out.
///
/// No network is seen in a file, so nothing is lost in it, there is no jitter and no MOS.
#[derive(Debug)]
pub struct Recording {
    channel: u16,
    format: Format,
    codes: Codes,
    listener: Listener,
    packets: u64,
    samples: u64,
}

/// How near a recording's codes are to those that were on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codes {
    /// The file holds them.
    AsStored,
    /// Made from the file's linear samples at 8 kHz: the same codes again, but mu-law's two zeros are one.
    FromLinear,
    /// Made from samples at another rate: what they were can't be told.
    Resampled,
}

impl Recording {
    /// A recording of which nothing was heard; channels count from 1. `talk_due`: whether somebody ought to be heard
    /// in it.
    pub fn new(channel: u16, format: Format, codes: Codes, talk_due: bool) -> Self {
        Self {
            channel,
            format,
            codes,
            listener: Listener::new(talk_due),
            packets: 0,
            samples: 0,
        }
    }

    /// Takes the next codes, as many as a packet carries.
    pub fn handle_packet(&mut self, codes: &[u8]) {
        let clock = self.clock();
        let heard = Packet {
            at: clock,
            numbers: None,
            payload: codes,
        };
        self.listener.listen(self.format, heard);
        self.packets += 1;
        self.samples += codes.len() as u64;
    }

    /// What was found, once there is nothing more to hear.
    pub fn finish(self) -> StreamReport {
        let duration = self.clock();
        let mut faults = self.listener.finish(duration);
        for found in &mut faults {
            found.repair = self.codes.limit(found.repair);
        }
        let first_found = faults.first();
        StreamReport {
            origin: Origin::File {
                channel: self.channel,
            },
            format: self.format.name(),
            call_id: None,
            encrypted: false,
            first_packet: Duration::ZERO,
            duration,
            packets: self.packets,
            expected: self.packets,
            lost: 0,
            duplicate: 0,
            reordered: 0,
            telephone_events: 0,
            truncated: 0,
            jitter_ms: 0.0,
            mos: None,
            fault: first_found.map(|found| found.fault),
            detected_at: first_found.map(|found| found.detected_at),
            faults,
        }
    }

    fn clock(&self) -> Duration {
        let rate = u64::from(self.format.clock_rate());
        let whole = Duration::from_secs(self.samples / rate);
        whole + Duration::from_nanos(self.samples % rate * 1_000_000_000 / rate)
    }
}

impl Codes {
    /// What a repair that needs the codes themselves can still do.
    fn limit(self, repair: Repair) -> Repair {
        match (self, repair) {
            (Self::AsStored, repair) => repair,
            (Self::FromLinear, Repair::Exact) => Repair::Approximate,
            (Self::FromLinear, repair) => repair,
            (Self::Resampled, _) => Repair::None,
        }
    }
}
