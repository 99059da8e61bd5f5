//! The witnesses of a call's format beside SDP and the bytes: what OpenAI says of it, how it counts the caller's
//! audio, what it says it played. A disagreement is counted and stands in the record; where it means that the
//! session lost its format, mending begins.

use super::{Clock, Gateway};
use crate::call::Call;
use crate::control::session_guard::format_name;
use crate::control::sideband::{Disagreement, Pace, Place, SaidFormat};
use crate::io::CallId;
use squelch_media::Side;
use std::time::Duration;

impl Gateway {
    /// What OpenAI says of the formats, against what it says of healthy calls on the same route.
    pub(super) fn compare_with_usual(&mut self, clock: Clock, id: CallId, said: &SaidFormat) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        // The first of each kind tells what the call has from its start; changes are another witness.
        let is_known = |one: &SaidFormat| one.event == said.event;
        let tells = said.input.is_some() || said.output.is_some();
        if !tells || call.openai.first_said.iter().any(is_known) {
            return;
        }
        call.openai.first_said.push(said.clone());
        let Some(negotiated) = call.negotiated_with_openai(&self.config.openai.formats) else {
            return;
        };
        let place = Place {
            route: call.openai.route,
            negotiated: format_name(negotiated),
            event: said.event,
        };
        // Told, not mended: what a healthy call says is OpenAI's to change, and the bytes are heard anyway.
        if let Some(detail) = self.baselines.unusual(place, said) {
            self.counters.disagreement("usual");
            self.note(clock, id, "format_unusual", detail);
        }
    }

    /// A call ended: what it said is what healthy calls say, if it was one.
    pub(super) fn learn_usual(&mut self, call: &Call) {
        let is_healthy = call.diary.answered_wall.is_some()
            && call.diary.faults.is_empty()
            && call.mending.is_none()
            && call.session_mended == 0;
        let negotiated = call.negotiated_with_openai(&self.config.openai.formats);
        let (true, Some(negotiated)) = (is_healthy, negotiated) else {
            return;
        };
        for said in &call.openai.first_said {
            let place = Place {
                route: call.openai.route,
                negotiated: format_name(negotiated),
                event: said.event,
            };
            self.baselines.learn(place, said);
        }
    }

    /// OpenAI heard the caller begin or end, so many milliseconds into the audio.
    pub(super) fn speech_said(&mut self, clock: Clock, id: CallId, audio_ms: u64) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(plan) = call.plan.as_deref() else {
            return;
        };
        let packets = u32::try_from(call.stats.openai.sent).unwrap_or(u32::MAX);
        let sent = plan.openai.ptime.duration().saturating_mul(packets);
        let pace = call.audio_clock.reading(clock.now, audio_ms, sent);
        if call.mending.is_some() {
            return;
        }
        let (said, why) = match pace {
            None => return,
            Some(Pace::Sixth) => (
                "OpenAI counts a sixth of the caller's audio: it reads G.711 as PCM16",
                "OpenAI hears the caller six times too fast",
            ),
            Some(Pace::Sixfold) => (
                "OpenAI counts six times the caller's audio: it reads PCM16 as G.711",
                "OpenAI hears the caller six times too slowly",
            ),
        };
        self.counters.disagreement("clock");
        self.note(clock, id, "clock_disagrees", said.to_owned());
        self.begin_mending(clock, id, why);
    }

    /// OpenAI says that it begins or ceases to let the caller hear something.
    pub(super) fn playback_said(&mut self, clock: Clock, id: CallId, plays: bool) {
        if let Some(call) = self.calls.get_mut(&id) {
            match plays {
                true => call.playback.started(clock.now),
                false => call.playback.stopped(),
            }
        }
    }

    /// The media path's figures, against what OpenAI says it plays.
    pub(super) fn compare_with_playback(&mut self, clock: Clock, id: CallId, heard: Duration) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let flows = call.plan.as_deref().is_some_and(|plan| {
            let both_ways = |side| {
                let direction = plan.leg(side).direction;
                direction.sends() && direction.receives()
            };
            Side::ALL.into_iter().all(both_ways)
        });
        let seconds = |time: Duration| time.as_secs_f64();
        let said = match call.playback.measured(clock.now, heard, flows) {
            None => return,
            Some(Disagreement::Unheard(played)) => format!(
                "OpenAI has played for {:.1} s, and nothing of it was heard",
                seconds(played)
            ),
            Some(Disagreement::Unsaid(heard)) => format!(
                "{:.1} s were heard of OpenAI, which says that it plays nothing",
                seconds(heard)
            ),
        };
        self.counters.disagreement("playback");
        self.note(clock, id, "playback_disagrees", said);
    }
}
