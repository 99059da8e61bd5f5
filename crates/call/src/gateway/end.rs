//! How calls end: both legs told, the ports given back, one record written.

use super::{Clock, Gateway, reason};
use crate::call::State;
use crate::io::{CallId, Output};
use crate::negotiate::Unacceptable;
use crate::record::{CallRecord, Diary, GuardRecord, LegRecord, LegsRecord, masked, rfc3339};
use crate::termination::EndReason;
use crate::timers::Timer;
use squelch_media::Side;
use squelch_sip::{IncomingInvite, Reason, Rejection};
use std::time::Duration;

/// How long the media worker gets to give its last figures.
const LAST_STATS: Duration = Duration::from_secs(2);

impl Gateway {
    /// Ends a call on whichever leg still stands. A call that is ending already keeps its first reason.
    pub(super) fn end(&mut self, clock: Clock, id: CallId, ending: EndReason) {
        self.end_as_told(clock, id, ending, None);
    }

    /// As `end`, where a peer gave its own reason: the other one hears it.
    pub(super) fn end_as_told(
        &mut self,
        clock: Clock,
        id: CallId,
        ending: EndReason,
        told: Option<&Reason>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if call.ending.is_some() {
            return;
        }
        call.ending = Some(ending);
        let said = Some(reason::said(ending, told));
        if !call.carrier.gone {
            call.carrier.gone = true;
            let dialog = call.carrier.dialog;
            if call.carrier.answered {
                self.endpoint.bye(clock.now, dialog, said.clone());
            } else {
                let status = ending.status().unwrap_or(503);
                let retry_after = (status == 503).then(|| self.retry_after());
                self.endpoint.reject(
                    clock.now,
                    dialog,
                    Rejection {
                        status,
                        retry_after,
                        ..Rejection::default()
                    },
                );
            }
        }
        self.timers.clear_call(id);
        self.withdraw(id);
        self.end_transfer(clock, id, ending);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some(dialog) = call.openai.dialog.take() {
            self.endpoint.bye(clock.now, dialog, said);
        }
        if call.plan.is_some() {
            call.state = State::Ending;
            self.timers
                .set(id, Timer::LastStats, clock.now + LAST_STATS);
            self.outputs.push_back(Output::StopMedia { call: id });
            return;
        }
        if call.ports.is_some() {
            self.outputs.push_back(Output::ReleasePorts { call: id });
        }
        self.finish(clock, id);
    }

    /// Writes the record and forgets the call. Its dialogs end by themselves in the endpoint.
    pub(super) fn finish(&mut self, clock: Clock, id: CallId) {
        if self.calls.get(&id).is_none_or(|call| call.ending.is_none()) {
            return;
        }
        let Some(call) = self.calls.remove(&id) else {
            return;
        };
        self.learn_usual(&call);
        let ending = call.ending.unwrap_or(EndReason::Drained);
        self.timers.clear_call(id);
        self.dialogs.retain(|_, (owner, _)| *owner != id);
        if let Some(token) = &call.openai.token {
            self.tokens.remove(token);
        }
        self.close_sidebands(id);
        for name in &call.openai_call_ids {
            self.call_ids.remove(name);
        }
        if let Some(peer) = &call.openai.peer {
            self.door
                .openai_out(clock.now, peer.addr.ip().to_canonical());
        }
        self.counters.call_ended(call.trunk, ending);
        let (result, reason) = CallRecord::ending(ending);
        let plan = call.plan.as_deref();
        let leg = |side, stats| LegRecord::new(plan, side, stats, call.diary.one_way(side));
        let legs = LegsRecord {
            carrier: leg(Side::Carrier, &call.stats.carrier),
            openai: leg(Side::Openai, &call.stats.openai),
        };
        let record = CallRecord {
            id: call.name,
            trunk: self.trunk_name(call.trunk),
            openai_call_ids: call.openai_call_ids,
            from: call.carrier.from,
            to: call.carrier.to,
            started_at: rfc3339(call.diary.started_wall),
            answered_at: call.diary.answered_wall.map(rfc3339),
            ended_at: rfc3339(call.diary.ended_wall(clock.now)),
            result,
            reason,
            guard: GuardRecord {
                faults: call.diary.faults,
                muted_ms: call.stats.guard.muted.as_millis() as u64,
                repaired_ms: call.stats.guard.repaired.as_millis() as u64,
                session_mended: call.session_mended,
            },
            events: call.diary.events,
            legs,
        };
        self.outputs.push_back(Output::CallEnded(Box::new(record)));
    }

    /// The record of an INVITE that never became a call.
    pub(super) fn record_refused(
        &mut self,
        clock: Clock,
        trunk: usize,
        name: String,
        invite: &IncomingInvite,
        mut diary: Diary,
        refused: &Unacceptable,
    ) {
        diary.note(clock.now, "refused", refused.text.clone());
        let (result, reason) = CallRecord::ending(refused.reason);
        *self
            .counters
            .ended
            .entry((trunk, refused.reason))
            .or_default() += 1;
        let record = CallRecord {
            id: name,
            trunk: self.trunk_name(trunk),
            openai_call_ids: Vec::new(),
            from: masked(&invite.from.uri),
            to: masked(&invite.request_uri),
            started_at: rfc3339(diary.started_wall),
            answered_at: None,
            ended_at: rfc3339(diary.ended_wall(clock.now)),
            result,
            reason,
            guard: GuardRecord::default(),
            events: diary.events,
            legs: LegsRecord::default(),
        };
        self.outputs.push_back(Output::CallEnded(Box::new(record)));
    }

    pub(super) fn end_all(&mut self, clock: Clock) {
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        for id in calls {
            self.end(clock, id, EndReason::Drained);
        }
    }

    pub(super) fn trunk_name(&self, trunk: usize) -> String {
        self.config
            .trunks
            .get(trunk)
            .map(|trunk| trunk.name.clone())
            .unwrap_or_default()
    }
}
