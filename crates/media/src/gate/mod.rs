//! The gate: what acts on the path, and how.

mod comfort;
mod repair;

use crate::detect::{Fault, Finding};
use crate::{Format, GuardAction};
pub(crate) use comfort::Comfort;
use repair::Repair;
use squelch_g711::{Law, convert_in_place};

/// Samples in the longest packet that the gate writes: 60 ms at 8 kHz.
pub(crate) const MAX_PACKET_SAMPLES: usize = 480;

/// One sampled packet in this many is measured for the line's noise level while the gate is open.
const LEVEL_EVERY: u8 = 16;

/// What the gate did to one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// The audio as it came, in the outgoing law.
    Plain,
    /// Comfort noise instead of it.
    Muted,
    /// The audio, repaired.
    Repaired,
}

/// What the gate does at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Muted; the first packet fades down from the last sample that was sent.
    Muting,
    /// Repairing.
    Repairing,
}

/// The gate of one direction.
#[derive(Debug)]
pub(crate) struct Gate {
    action: GuardAction,
    incoming: Law,
    outgoing: Law,
    packet_samples: usize,
    state: State,
    finding: Option<Finding>,
    comfort: Comfort,
    repair: Option<Repair>,
    last_sample: i16,
    fade_in: bool,
    level_countdown: u8,
    pcm: [i16; MAX_PACKET_SAMPLES],
}

impl Gate {
    pub(crate) fn new(
        action: GuardAction,
        incoming: Format,
        outgoing: Format,
        ptime_ms: u16,
        seed: u32,
    ) -> Gate {
        Gate {
            action,
            incoming: incoming.law(),
            outgoing: outgoing.law(),
            packet_samples: (usize::from(ptime_ms) * 8).min(MAX_PACKET_SAMPLES),
            state: State::Open,
            finding: None,
            comfort: Comfort::new(seed),
            repair: (action == GuardAction::Protect)
                .then(|| Repair::new(ptime_ms))
                .flatten(),
            last_sample: 0,
            fade_in: false,
            level_countdown: 0,
            pcm: [0; MAX_PACKET_SAMPLES],
        }
    }

    /// The detector tripped.
    pub(crate) fn trip(&mut self, finding: Finding) {
        if self.action == GuardAction::Observe || !acts(finding.fault) {
            return;
        }
        self.finding = Some(finding);
        self.state = State::Muting;
        if let Some(repair) = &mut self.repair
            && repair.start(&finding)
        {
            self.state = State::Repairing;
        }
    }

    /// The detector says that the audio is right again.
    pub(crate) fn release(&mut self) {
        if self.state != State::Open {
            self.fade_in = true;
        }
        self.state = State::Open;
        self.finding = None;
    }

    /// Acts on one packet: `packet[payload]` is the audio. Gives the payload's new length.
    ///
    /// **Cost**: nothing when open and the laws agree, but for the level of one packet in sixteen.
    pub(crate) fn pass(&mut self, payload: &mut [u8]) -> (Passed, usize) {
        match self.state {
            State::Open => {
                self.pass_open(payload);
                (Passed::Plain, payload.len())
            }
            State::Repairing => {
                if let Some(repair) = &mut self.repair
                    && let Some(length) = repair.apply(payload, self.outgoing, &mut self.pcm)
                {
                    self.last_sample = self.pcm.get(length.wrapping_sub(1)).copied().unwrap_or(0);
                    return (Passed::Repaired, length);
                }
                (Passed::Muted, self.mute(payload))
            }
            State::Muting => (Passed::Muted, self.mute(payload)),
        }
    }

    fn pass_open(&mut self, payload: &mut [u8]) {
        if self.level_countdown == 0 {
            self.level_countdown = LEVEL_EVERY;
            let length = payload.len().min(MAX_PACKET_SAMPLES);
            if let Some(pcm) = self.pcm.get_mut(..length) {
                self.incoming.decode(payload, pcm);
                self.comfort.learn(pcm);
            }
        }
        self.level_countdown -= 1;
        convert_in_place(self.incoming, self.outgoing, payload);
        if self.fade_in {
            self.fade_in = false;
            self.comfort.fade_in(payload, self.outgoing);
        }
        if let Some(last) = payload.last() {
            self.last_sample = self.outgoing.decode_sample(*last);
        }
    }

    /// Writes one packet of comfort noise over the payload.
    fn mute(&mut self, payload: &mut [u8]) -> usize {
        // Grown packets carry one packet time each; what is shorter or cut to the usual size keeps its length.
        let length = if payload.len() > MAX_PACKET_SAMPLES {
            self.packet_samples
        } else {
            payload.len()
        };
        let length = length.min(payload.len());
        if let (Some(pcm), Some(codes)) = (self.pcm.get_mut(..length), payload.get_mut(..length)) {
            self.comfort
                .write(pcm, std::mem::take(&mut self.last_sample));
            self.outgoing.encode(pcm, codes);
        }
        length
    }
}

/// Whether the gate acts on a fault (the contract's table: mute or repair, as against report).
fn acts(fault: Fault) -> bool {
    match fault {
        Fault::G711AsPcm16
        | Fault::Pcm16AsG711
        | Fault::LawMismatch
        | Fault::ByteSwapped
        | Fault::DoubleEncoded
        | Fault::Opaque
        | Fault::Stuck => true,
        Fault::WrongRate | Fault::DeadAir | Fault::Clipping => false,
    }
}
