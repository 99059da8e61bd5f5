//! What a gateway counts.

use crate::termination::EndReason;
use squelch_media::detect::Fault;
use squelch_media::quality::OneWay;
use squelch_media::{Mismatch, Side};
use squelch_sip::DigestVerdict;
use std::collections::BTreeMap;

/// Totals since the gateway was made; the keys are closed sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls at present, by trunk (its place in the configuration).
    pub active: BTreeMap<usize, u32>,
    /// Calls that ended, by trunk and reason.
    pub ended: BTreeMap<(usize, EndReason), u64>,
    /// Datagrams and connections from a source in no trunk.
    pub strangers: u64,
    /// INVITEs of trunks that have credentials, by trunk and what theirs were worth.
    pub digest: BTreeMap<(usize, DigestVerdict), u64>,
    /// REFERs, by trunk and what became of them.
    pub transfers: BTreeMap<(usize, &'static str), u64>,
    /// INFOs, by the leg they came from and what became of them.
    pub infos: BTreeMap<(&'static str, &'static str), u64>,
    /// Webhooks, by verdict.
    pub webhooks: BTreeMap<&'static str, u64>,
    /// Sessions judged, by event and verdict.
    pub session_guard: BTreeMap<(&'static str, &'static str), u64>,
    /// Requests of the application, by operation and what became of them.
    pub proxied: BTreeMap<(&'static str, &'static str), u64>,
    /// Times that two witnesses of a call's format disagreed, by the one that said so.
    pub disagreements: BTreeMap<&'static str, u64>,
    /// Breaches of what a leg's SDP agreed on, by leg and [`Mismatch`](squelch_media::Mismatch)'s name.
    pub mismatches: BTreeMap<(&'static str, &'static str), u64>,
    /// Times that a leg was not heard, or did not hear, by leg and cause.
    pub one_way: BTreeMap<(&'static str, &'static str), u64>,
    /// Faults found, by leg and name.
    pub faults: BTreeMap<(&'static str, &'static str), u64>,
}

impl Counters {
    pub(crate) fn call_started(&mut self, trunk: usize) {
        *self.active.entry(trunk).or_default() += 1;
    }

    pub(crate) fn call_ended(&mut self, trunk: usize, reason: EndReason) {
        if let Some(active) = self.active.get_mut(&trunk) {
            *active = active.saturating_sub(1);
        }
        *self.ended.entry((trunk, reason)).or_default() += 1;
    }

    pub(crate) fn proxied(&mut self, operation: &'static str, verdict: &'static str) {
        *self.proxied.entry((operation, verdict)).or_default() += 1;
    }

    pub(crate) fn disagreement(&mut self, witness: &'static str) {
        *self.disagreements.entry(witness).or_default() += 1;
    }

    pub(crate) fn mismatch(&mut self, side: Side, mismatch: &Mismatch) {
        let key = (side.name(), mismatch.name());
        *self.mismatches.entry(key).or_default() += 1;
    }

    pub(crate) fn one_way(&mut self, side: Side, cause: OneWay) {
        let key = (side.name(), cause.name());
        *self.one_way.entry(key).or_default() += 1;
    }

    pub(crate) fn fault(&mut self, side: Side, fault: Fault) {
        *self.faults.entry((side.name(), fault.name())).or_default() += 1;
    }
}
