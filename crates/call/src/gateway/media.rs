//! What the media path tells, and what the guard makes of it.

use super::{Clock, Gateway};
use crate::call::State;
use crate::config::OnStatic;
use crate::io::CallId;
use crate::termination::EndReason;
use crate::timers::Timer;
use squelch_media::quality::OneWay;
use squelch_media::{BridgeStats, MediaEvent, Side};

impl Gateway {
    pub(super) fn media_event(&mut self, clock: Clock, id: CallId, event: MediaEvent) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        match event {
            MediaEvent::Fault { side, finding } => {
                self.counters.fault(side, finding.fault);
                call.diary.faults.push(finding.fault.name());
                let detail = format!(
                    "{} ({}) from the {} leg, found {} ms after it began",
                    finding.fault.name(),
                    finding.variant,
                    side.name(),
                    finding.detected_at.saturating_sub(finding.from).as_millis()
                );
                call.diary.note(clock.now, "fault", detail);
                // What is only reported ends no call.
                let hang_up = finding.fault.is_gated()
                    && self.config.guard.on_static.contains(&OnStatic::HangUp);
                if let (true, Some(after)) = (hang_up, self.config.guard.hang_up_after) {
                    self.timers.set(id, Timer::HangUp, clock.now + after);
                }
                if finding.fault.is_gated() && side == Side::Openai {
                    call.is_faulty = true;
                    self.begin_mending(clock, id, finding.fault.name());
                }
            }
            MediaEvent::Cleared { side, finding } => {
                let detail = format!(
                    "{} from the {} leg is over",
                    finding.fault.name(),
                    side.name()
                );
                call.diary.note(clock.now, "cleared", detail);
                if finding.fault.is_gated() {
                    self.timers.clear(id, Timer::HangUp);
                    if side == Side::Openai {
                        call.is_faulty = false;
                        self.mended(clock, id);
                    }
                }
            }
            MediaEvent::Mismatch { side, mismatch } => {
                self.counters.mismatch(side, &mismatch);
                let detail = format!("from the {} leg: {mismatch}", side.name());
                call.diary.note(clock.now, "media_mismatch", detail);
            }
            MediaEvent::OneWay { side, cause } => {
                self.counters.one_way(side, cause);
                let causes = call.diary.one_way_mut(side);
                if !causes.contains(&cause.name()) {
                    causes.push(cause.name());
                }
                let detail = format!("{}: {}", side.name(), explained(cause));
                call.diary.note(clock.now, "one_way", detail);
            }
            MediaEvent::OneWayOver { side, cause } => {
                let detail = format!("{}: {} no more", side.name(), cause.name());
                call.diary.note(clock.now, "one_way_over", detail);
            }
            MediaEvent::Learned { side, address } => {
                call.diary.note(
                    clock.now,
                    "port_learned",
                    format!("{} sends from {address}", side.name()),
                );
            }
        }
    }

    pub(super) fn media_stats(&mut self, clock: Clock, id: CallId, stats: BridgeStats, last: bool) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.stats = stats;
        if last {
            return self.finish(clock, id);
        }
        self.compare_with_playback(clock, id, stats.openai.heard);
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let timeout = self.config.limits.media_timeout;
        let answered = call.plan.is_some() && matches!(call.state, State::Bridged);
        let started = call
            .diary
            .answered_wall
            .and_then(|at| at.duration_since(call.diary.started_wall).ok());
        let since_answer = started.map(|setup| {
            clock
                .now
                .saturating_duration_since(call.diary.started + setup)
        });
        // On hold nothing is due.
        let plan = call.plan.as_deref();
        let due = |side: &Side| plan.is_some_and(|plan| plan.leg(*side).direction.receives());
        let silent = Side::ALL.into_iter().filter(due).any(|side| {
            let leg = if side == Side::Carrier {
                &stats.carrier
            } else {
                &stats.openai
            };
            // A leg that was placed anew has as long again.
            let begun = call.redials.answered.filter(|_| side == Side::Openai);
            let heard = leg
                .last_packet
                .max(begun)
                .map(|at| clock.now.saturating_duration_since(at));
            heard
                .or(since_answer)
                .is_some_and(|silence| silence > timeout)
        });
        if answered && silent {
            self.end(clock, id, EndReason::MediaTimeout);
        }
    }
}

/// For people: what is the matter, and what it usually comes from.
fn explained(cause: OneWay) -> &'static str {
    match cause {
        OneWay::NoPackets => {
            "no_packets: nothing ever came; a firewall, or an address in our SDP that does not lead here"
        }
        OneWay::Stopped => "stopped: no packets any more, and no hold was signalled",
        OneWay::Silence => {
            "silence: packets of nothing but silence; a muted or wrongly wired source"
        }
        OneWay::Source => {
            "source: packets come from an address that the SDP does not name; NAT, or media_sources too narrow"
        }
        OneWay::PayloadType => "payload_type: packets of a payload type that was not negotiated",
        OneWay::Authentication => {
            "authentication: packets not made with the key that was signalled, or not encrypted at all"
        }
        OneWay::Unheard => "unheard: its reports say that nothing we send arrives",
    }
}
