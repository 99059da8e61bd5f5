//! RTP held against what SDP said of it.

use crate::LegPlan;
use crate::rtp::{PayloadType, RtpTime};
use std::fmt;

/// So many packets in a row that differ are meant; one that ends a talkspurt is shorter by nature.
const ROW: u8 = 3;

/// How what comes from a leg differs from what its SDP agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Packets of a payload type that was not agreed on; they are dropped.
    PayloadType(PayloadType),
    /// Packets last longer or shorter. **Units**: ticks of the RTP clock a packet.
    PacketTime {
        /// By the SDP.
        agreed: u32,
        /// By the payload.
        came: u32,
    },
    /// Payloads of so many bytes can't be of the format: half a sample, or no Opus packet.
    Size(usize),
    /// Timestamps rise by more or less than the packets last: another clock rate. **Units**: ticks a packet.
    Rate {
        /// By the payload.
        agreed: u32,
        /// By the timestamps.
        came: u32,
    },
}

impl Mismatch {
    /// All names, for labels.
    pub const NAMES: [&str; 4] = ["payload_type", "packet_time", "size", "rate"];

    /// The name in labels: `payload_type`, `packet_time`, `size`, `rate`.
    pub const fn name(&self) -> &'static str {
        let [payload_type, packet_time, size, rate] = Mismatch::NAMES;
        match self {
            Mismatch::PayloadType(_) => payload_type,
            Mismatch::PacketTime { .. } => packet_time,
            Mismatch::Size(_) => size,
            Mismatch::Rate { .. } => rate,
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::PayloadType(came) => write!(
                f,
                "payload type {}, which was not agreed on; it is dropped",
                came.number()
            ),
            Mismatch::PacketTime { agreed, came } => {
                write!(f, "packets of {came} ticks, {agreed} were agreed on")
            }
            Mismatch::Size(bytes) => {
                write!(f, "payloads of {bytes} bytes, which the format can't have")
            }
            Mismatch::Rate { agreed, came } => write!(
                f,
                "timestamps rise by {came} a packet, which lasts {agreed} ticks"
            ),
        }
    }
}

/// What a leg agreed on, and what was said of its breaches: each kind once.
#[derive(Clone, Debug)]
pub(super) struct Agreed {
    ticks: u32,
    before: Option<(u16, RtpTime, u32)>,
    /// Packets in a row, of each kind.
    rows: [u8; 4],
    told: [bool; 4],
    untold: Option<Mismatch>,
}

impl Agreed {
    pub(super) fn new(leg: &LegPlan) -> Agreed {
        Agreed {
            ticks: leg.ptime.samples(leg.format.clock_rate()) as u32,
            before: None,
            rows: [0; 4],
            told: [false; 4],
            untold: None,
        }
    }

    /// Whether both stand for the same packet time.
    pub(super) fn same(&self, other: &Agreed) -> bool {
        self.ticks == other.ticks
    }

    /// Takes a packet of audio that lasts `ticks`, as far as its payload tells.
    pub(super) fn audio(
        &mut self,
        sequence: u16,
        timestamp: RtpTime,
        ticks: Option<u32>,
        bytes: usize,
    ) {
        let Some(ticks) = ticks else {
            self.before = None;
            return self.breach(Mismatch::Size(bytes), 2);
        };
        self.keep(2);
        if ticks == self.ticks {
            self.keep(1);
        } else {
            let (agreed, came) = (self.ticks, ticks);
            self.breach(Mismatch::PacketTime { agreed, came }, 1);
        }
        if let Some((last, at, lasted)) = self.before
            && sequence.wrapping_sub(last) == 1
        {
            let came = timestamp.0.wrapping_sub(at.0);
            if came == lasted {
                self.keep(3);
            } else {
                let agreed = lasted;
                self.breach(Mismatch::Rate { agreed, came }, 3);
            }
        }
        self.before = Some((sequence, timestamp, ticks));
    }

    /// Takes a packet of a payload type that was not agreed on.
    pub(super) fn other(&mut self, payload_type: PayloadType) {
        self.breach(Mismatch::PayloadType(payload_type), 0);
    }

    /// What is to be told, if anything is.
    pub(super) fn take(&mut self) -> Option<Mismatch> {
        self.untold.take()
    }

    fn keep(&mut self, kind: usize) {
        if let Some(row) = self.rows.get_mut(kind) {
            *row = 0;
        }
    }

    fn breach(&mut self, mismatch: Mismatch, kind: usize) {
        let (Some(row), Some(told)) = (self.rows.get_mut(kind), self.told.get_mut(kind)) else {
            return;
        };
        *row = row.saturating_add(1);
        if *row >= ROW && !*told && self.untold.is_none() {
            *told = true;
            self.untold = Some(mismatch);
        }
    }
}
