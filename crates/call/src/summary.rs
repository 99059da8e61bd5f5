//! Calls that are up, for people who look.

use crate::call::{Call, State};
use crate::gateway::Gateway;
use crate::io::CallId;
use crate::record::{LegRecord, rfc3339};
use serde::Serialize;
use squelch_media::Side;

/// A call as `/calls` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallSummary {
    /// As in its record.
    pub id: String,
    /// The trunk's name.
    pub trunk: String,
    /// `setup`, `ringing`, `up` or `ending`.
    pub state: &'static str,
    /// The caller, masked.
    pub from: String,
    /// The called number, masked.
    pub to: String,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub answered_at: Option<String>,
    /// Faults found so far, by name, in order.
    pub faults: Vec<&'static str>,
    /// What came from the carrier so far.
    pub carrier: LegRecord,
    /// What came from OpenAI so far.
    pub openai: LegRecord,
}

impl CallSummary {
    fn new(call: &Call, trunk: String) -> CallSummary {
        let plan = call.plan.as_deref();
        let leg = |side, stats| LegRecord::new(plan, side, stats, call.diary.one_way(side));
        CallSummary {
            id: call.name.clone(),
            trunk,
            state: match call.state {
                State::Ports | State::Resolving => "setup",
                State::Inviting => "ringing",
                State::Offered(_) => "answered",
                State::Bridged => "up",
                State::Ending => "ending",
            },
            from: call.carrier.from.clone(),
            to: call.carrier.to.clone(),
            started_at: rfc3339(call.diary.started_wall),
            answered_at: call.diary.answered_wall.map(rfc3339),
            faults: call.diary.faults.clone(),
            carrier: leg(Side::Carrier, &call.stats.carrier),
            openai: leg(Side::Openai, &call.stats.openai),
        }
    }
}

/// What a call is called, for those who know it by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallName {
    /// As in its record.
    pub id: String,
    /// The trunk's name.
    pub trunk: String,
    /// Whether that trunk's calls are recorded.
    pub is_recorded: bool,
}

impl Gateway {
    /// What a call is called; `None` once it is over.
    pub fn call_name(&self, id: CallId) -> Option<CallName> {
        let call = self.call(id)?;
        let trunk = self.config().trunks.get(call.trunk);
        Some(CallName {
            id: call.name.clone(),
            trunk: trunk.map(|trunk| trunk.name.clone()).unwrap_or_default(),
            is_recorded: trunk.is_some_and(|trunk| trunk.record),
        })
    }

    /// The calls at present, the oldest first.
    pub fn calls(&self) -> impl Iterator<Item = CallSummary> {
        self.open_calls()
            .map(|(call, trunk)| CallSummary::new(call, trunk))
    }
}
