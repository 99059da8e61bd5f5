//! The gate: what acts on the path, and how.

mod comfort;
mod repair;
#[cfg(test)]
mod tests;

use crate::detect::Finding;
use crate::{Format, GuardAction};
pub(crate) use comfort::Comfort;
use repair::Repair;
use squelch_g711::{Law, convert_in_place};

/// Samples in the longest packet that the gate writes: 60 ms at 8 kHz.
pub(crate) const MAX_PACKET_SAMPLES: usize = 480;

/// One packet in this many is measured for the line's noise level while the gate is open and knows it.
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
    Muting,
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
    /// What became of the packet before; where it changes, there is a fade.
    before: Passed,
    last_sample: i16,
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
            repair: (action == GuardAction::Protect).then(|| Repair::new(incoming.law(), ptime_ms)),
            before: Passed::Plain,
            last_sample: 0,
            level_countdown: 0,
            pcm: [0; MAX_PACKET_SAMPLES],
        }
    }

    /// What the detector says of the packets from here on.
    pub(crate) fn follow(&mut self, found: Option<&Finding>) {
        let found =
            found.filter(|finding| self.action != GuardAction::Observe && finding.fault.is_gated());
        match (found, &self.finding) {
            (None, None) => {}
            (Some(now), Some(before))
                if now.fault == before.fault && now.detected_at == before.detected_at => {}
            (Some(finding), _) => self.trip(*finding),
            (None, Some(_)) => {
                self.finding = None;
                self.state = State::Open;
            }
        }
    }

    fn trip(&mut self, finding: Finding) {
        self.finding = Some(finding);
        self.state = State::Muting;
        if let Some(repair) = &mut self.repair
            && repair.start(&finding)
        {
            self.state = State::Repairing;
        }
    }

    /// Whether [`Gate::prepare`] is to be called: until it is, what could be repaired is muted.
    pub(crate) fn wants_preparing(&self) -> bool {
        self.repair.as_ref().is_some_and(Repair::wants_preparing)
    }

    /// Makes what a repair needs. Allocates.
    pub(crate) fn prepare(&mut self) {
        if let Some(repair) = &mut self.repair {
            repair.prepare();
        }
    }

    /// Whether audio is kept from the other leg now; for what is no G.711, which [`Gate::pass`] can't act on.
    pub(crate) fn is_shut(&self) -> bool {
        self.state != State::Open
    }

    /// Acts on the audio of one packet; gives what it did and the payload's new length.
    ///
    /// **Cost**: nothing when open and the laws agree, but for the level of one packet in sixteen.
    pub(crate) fn pass(&mut self, payload: &mut [u8]) -> (Passed, usize) {
        let (passed, length) = match self.state {
            State::Open => {
                self.learn(payload);
                convert_in_place(self.incoming, self.outgoing, payload);
                (Passed::Plain, payload.len())
            }
            State::Repairing => match self.repair(payload) {
                Some(length) => (Passed::Repaired, length),
                None => (Passed::Muted, self.mute(payload)),
            },
            State::Muting => (Passed::Muted, self.mute(payload)),
        };
        let audio = payload.get_mut(..length).unwrap_or_default();
        if passed != self.before && passed != Passed::Muted {
            let tail = (self.before != Passed::Muted).then_some(self.last_sample);
            self.comfort.fade_in(audio, self.outgoing, tail);
        }
        if let Some(last) = audio.last() {
            self.last_sample = self.outgoing.decode_sample(*last);
        }
        self.before = passed;
        (passed, length)
    }

    /// Measures the line's noise now and then.
    fn learn(&mut self, payload: &[u8]) {
        if self.level_countdown > 0 {
            self.level_countdown -= 1;
            return;
        }
        let length = payload.len().min(MAX_PACKET_SAMPLES);
        if let (Some(pcm), Some(codes)) = (self.pcm.get_mut(..length), payload.get(..length)) {
            self.incoming.decode(codes, pcm);
            self.comfort.learn(pcm);
        }
        if self.comfort.knows_the_line() {
            self.level_countdown = LEVEL_EVERY - 1;
        }
    }

    fn repair(&mut self, payload: &mut [u8]) -> Option<usize> {
        let repair = self.repair.as_mut()?;
        repair.apply(payload, self.outgoing, &mut self.pcm)
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
            let last = match self.before {
                Passed::Muted => 0,
                Passed::Plain | Passed::Repaired => self.last_sample,
            };
            self.comfort.write(pcm, last);
            self.outgoing.encode(pcm, codes);
        }
        length
    }
}
