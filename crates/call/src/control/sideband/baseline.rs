//! What OpenAI's events say of the formats of calls that are healthy, learned from them.
//!
//! Nobody has written down what a healthy G.711 call prints in `session.created` or `response.created`. So it is
//! learned by route, negotiated format and event, and a call that says something else is told of.

use super::SaidFormat;
use std::collections::HashMap;

/// What is usual, of all routes. Bounded: [`MAX_KNOWN`] entries of two short texts.
#[derive(Debug, Default)]
pub(crate) struct Baselines {
    known: HashMap<Place, Known>,
}

/// Where something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The route's place in the configuration.
    pub(crate) route: usize,
    /// OpenAI's name of the format that SIP negotiated.
    pub(crate) negotiated: &'static str,
    /// The event's type.
    pub(crate) event: &'static str,
}

#[derive(Debug)]
struct Known {
    input: Option<String>,
    output: Option<String>,
    /// Calls that said this less calls that said something else since.
    calls: u32,
}

impl Baselines {
    /// What of `said` is neither what SIP negotiated nor usual there: a line for a record.
    pub(crate) fn unusual(&self, place: Place, said: &SaidFormat) -> Option<String> {
        let known = self.known.get(&place)?;
        if known.calls < ENOUGH {
            return None;
        }
        let sides = [
            ("input", &said.input, &known.input),
            ("output", &said.output, &known.output),
        ];
        sides.into_iter().find_map(|(side, now, usual)| {
            let (now, usual) = (now.as_ref()?, usual.as_ref()?);
            let differs = now != usual && now != place.negotiated;
            differs.then(|| format!("{}: {side} {now}, usually {usual}", place.event))
        })
    }

    /// A call without a fault said this. What most calls of late have said is what is usual: each other word takes
    /// one away, and at none the new word takes its place.
    pub(crate) fn learn(&mut self, place: Place, said: &SaidFormat) {
        let has_room = self.known.len() < MAX_KNOWN;
        match self.known.get_mut(&place) {
            Some(known) if known.input == said.input && known.output == said.output => {
                known.calls = (known.calls + 1).min(SURE);
            }
            Some(known) if known.calls > 1 => known.calls -= 1,
            Some(_) => {
                self.known.insert(place, Known::of(said));
            }
            None if has_room => {
                self.known.insert(place, Known::of(said));
            }
            None => {}
        }
    }
}

impl Known {
    fn of(said: &SaidFormat) -> Known {
        Known {
            input: said.input.clone(),
            output: said.output.clone(),
            calls: 1,
        }
    }
}

/// So many calls make a habit. A convention.
const ENOUGH: u32 = 3;
/// So many calls of another word unmake it at most: OpenAI may change what it writes.
const SURE: u32 = 20;
/// Routes are configured, formats are two, events four: a hundred routes fit.
const MAX_KNOWN: usize = 800;

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        route: 0,
        negotiated: "audio/pcmu",
        event: "response.created",
    };

    fn said(output: &str) -> SaidFormat {
        SaidFormat {
            event: PLACE.event,
            input: None,
            output: Some(output.into()),
            expires_at: None,
        }
    }

    #[test]
    fn three_calls_make_a_habit_and_a_stray_one_no_new_one() {
        let mut baselines = Baselines::default();
        let odd = said("audio/pcm 24000");
        for _ in 0..3 {
            assert_eq!(baselines.unusual(PLACE, &odd), None);
            baselines.learn(PLACE, &said("audio/pcmu"));
        }
        let told = "response.created: output audio/pcm 24000, usually audio/pcmu";
        assert_eq!(baselines.unusual(PLACE, &odd).as_deref(), Some(told));
        baselines.learn(PLACE, &said("audio/pcmu"));
        baselines.learn(PLACE, &odd);
        assert!(baselines.unusual(PLACE, &odd).is_some());
        // Of another route nothing is known.
        let elsewhere = Place { route: 1, ..PLACE };
        assert_eq!(baselines.unusual(elsewhere, &odd), None);
    }

    #[test]
    fn what_all_healthy_calls_say_from_some_day_on_becomes_usual() {
        let mut baselines = Baselines::default();
        for _ in 0..1_000 {
            baselines.learn(PLACE, &said("audio/pcmu"));
        }
        let odd = said("audio/pcm 24000");
        for _ in 0..SURE + ENOUGH {
            baselines.learn(PLACE, &odd);
        }
        assert_eq!(baselines.unusual(PLACE, &odd), None);
        // And what SIP negotiated is never an alarm.
        assert_eq!(baselines.unusual(PLACE, &said("audio/pcmu")), None);
    }
}
