//! One-way audio: a leg that is not heard, or does not hear, and why.
//!
//! Looked at once a second. A leg on hold, or one whose peer says by its own reports that it sends nothing, is heard
//! as it wants to be. Nothing but a report comes of it.

use crate::stats::{DropReason, Dropped};
use std::time::{Duration, Instant};

/// From the leg's beginning, or the end of its hold, to its first packet. **Source**: a convention; media begin
/// within a second of the answer, and early packets may be lost.
const FIRST: Duration = Duration::from_secs(5);

/// From the last packet on. Peers that suppress silence and send no RTCP may pause longer: that is reported then.
/// **Source**: a convention, a third of the default `media_timeout`.
const STOPPED: Duration = Duration::from_secs(10);

/// For so long nothing but silence came, from the beginning on, while the other side talked. **Source**: a
/// convention: a caller breathes, and so does a line.
const SILENT: Duration = Duration::from_secs(20);

/// Packets refused in a row of seconds that make refusal the reason. **Units**: packets; half a second of 20 ms.
const REFUSED: u64 = 25;

/// Why a leg is not heard, or does not hear. A closed set; [`OneWay::name`] is the metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OneWay {
    /// No packet ever came from it.
    NoPackets,
    /// Its packets stopped.
    Stopped,
    /// Its packets hold nothing but silence, from its beginning on.
    Silence,
    /// Its packets come from an address that its SDP does not name.
    Source,
    /// Its packets have a payload type that was not negotiated.
    PayloadType,
    /// Its packets are not made with the key that was signalled, or not encrypted at all.
    Authentication,
    /// Its reports say that nothing squelch sends arrives.
    Unheard,
}

impl OneWay {
    /// All causes.
    pub const ALL: [OneWay; 7] = [
        OneWay::NoPackets,
        OneWay::Stopped,
        OneWay::Silence,
        OneWay::Source,
        OneWay::PayloadType,
        OneWay::Authentication,
        OneWay::Unheard,
    ];

    /// In records and labels.
    pub const fn name(self) -> &'static str {
        match self {
            OneWay::NoPackets => "no_packets",
            OneWay::Stopped => "stopped",
            OneWay::Silence => "silence",
            OneWay::Source => "source",
            OneWay::PayloadType => "payload_type",
            OneWay::Authentication => "authentication",
            OneWay::Unheard => "unheard",
        }
    }
}

/// One leg at the end of a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observed {
    /// The leg may send.
    pub(crate) due: bool,
    pub(crate) last_packet: Option<Instant>,
    pub(crate) dropped: Dropped,
    /// Something but silence was heard of it in its life.
    pub(crate) audible: bool,
    /// Something but silence was heard of the other leg in its life.
    pub(crate) other_audible: bool,
    /// By its reports the peer sends nothing.
    pub(crate) paused: bool,
    /// By its reports the peer receives nothing.
    pub(crate) unheard: bool,
}

/// Watches one leg.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watchman {
    /// Since when the leg may send.
    due_since: Option<Instant>,
    /// What was refused when the last packet was taken.
    taken: (Option<Instant>, Dropped),
    present: Option<OneWay>,
}

/// What a second changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shift {
    pub(crate) ended: Option<OneWay>,
    pub(crate) began: Option<OneWay>,
}

impl Watchman {
    pub(crate) fn new() -> Watchman {
        Watchman {
            due_since: None,
            taken: (None, Dropped::default()),
            present: None,
        }
    }

    pub(crate) fn present(&self) -> Option<OneWay> {
        self.present
    }

    /// A second is over.
    pub(crate) fn second(&mut self, now: Instant, observed: &Observed) -> Shift {
        let cause = self.judge(now, observed);
        let shift = Shift {
            ended: self.present.filter(|_| self.present != cause),
            began: cause.filter(|_| self.present != cause),
        };
        self.present = cause;
        shift
    }

    fn judge(&mut self, now: Instant, observed: &Observed) -> Option<OneWay> {
        if self.taken.0 != observed.last_packet {
            self.taken = (observed.last_packet, observed.dropped);
        }
        match observed.due {
            true => self.due_since.get_or_insert(now),
            false => {
                self.due_since = None;
                // A direction on hold carries nothing: there is nothing to hear, either way.
                return None;
            }
        };
        self.not_heard(now, observed)
            .or(observed.unheard.then_some(OneWay::Unheard))
    }

    fn not_heard(&self, now: Instant, observed: &Observed) -> Option<OneWay> {
        let due_since = self.due_since?;
        let since = |at: Instant| now.saturating_duration_since(at);
        let due_for = since(due_since);
        // What came before a hold says nothing of what comes after it.
        let last = observed.last_packet.filter(|at| *at >= due_since);
        let patience = match last {
            None => FIRST,
            Some(_) => STOPPED,
        };
        let quiet_for = last.map_or(due_for, since);
        if quiet_for >= patience {
            let refused = |reason| {
                let (_, before) = self.taken;
                observed.dropped.get(reason) - before.get(reason).min(observed.dropped.get(reason))
            };
            let reasons = [
                (DropReason::Authentication, OneWay::Authentication),
                (DropReason::PayloadType, OneWay::PayloadType),
                (DropReason::Source, OneWay::Source),
            ];
            let most = reasons
                .into_iter()
                .max_by_key(|(reason, _)| refused(*reason));
            if let Some((_, cause)) = most.filter(|(reason, _)| refused(*reason) >= REFUSED) {
                return Some(cause);
            }
            return match observed.last_packet {
                _ if observed.paused => None,
                None => Some(OneWay::NoPackets),
                Some(_) => Some(OneWay::Stopped),
            };
        }
        let silent = !observed.audible && observed.other_audible && due_for >= SILENT;
        silent.then_some(OneWay::Silence)
    }
}
