//! The witness of what was played: `output_audio_buffer.started` to `stopped`, which is how long OpenAI says that it
//! let the caller hear something, against the sound that came.
//!
//! Sound is counted by the media path, whose figures come once a second; so only what lasts for [`LONG`] is judged.

use std::time::{Duration, Instant};

/// The playback of one call.
#[derive(Debug, Default)]
pub(crate) struct Playback {
    state: State,
    /// The sound that had come by the last figures.
    heard: Duration,
}

#[derive(Debug, Default)]
enum State {
    /// OpenAI has said nothing yet.
    #[default]
    Unknown,
    /// It plays.
    Plays(Span),
    /// It plays nothing; the time begins with the first figures after what was on its way has come.
    Rests(Option<Span>),
    /// Nothing more is asked until the next response.
    Judged,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    since: Instant,
    /// Sound that had come before.
    heard: Duration,
}

/// How the two disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disagreement {
    /// OpenAI has played for so long, and next to nothing came.
    Unheard(Duration),
    /// OpenAI plays nothing, and so much sound came.
    Unsaid(Duration),
}

impl Playback {
    /// `output_audio_buffer.started`.
    pub(crate) fn started(&mut self, now: Instant) {
        self.state = State::Plays(Span {
            since: now,
            heard: self.heard,
        });
    }

    /// `output_audio_buffer.stopped`, or `cleared`.
    pub(crate) fn stopped(&mut self) {
        self.state = State::Rests(None);
    }

    /// Another session, of which nothing was said yet. The sound counts on.
    pub(crate) fn forget(&mut self) {
        self.state = State::Unknown;
    }

    /// The media path's figures: how much sound came from OpenAI so far. `flows`: packets are let through both ways,
    /// nobody is on hold.
    pub(crate) fn measured(
        &mut self,
        now: Instant,
        heard: Duration,
        flows: bool,
    ) -> Option<Disagreement> {
        self.heard = heard;
        if !flows {
            self.state = State::Judged;
            return None;
        }
        match self.state {
            State::Plays(span) => {
                let played = now.saturating_duration_since(span.since);
                if heard.saturating_sub(span.heard) > played.mul_f64(SHARE) {
                    // Somebody speaks; pauses in it are judged anew.
                    if played >= LONG {
                        self.started(now);
                    }
                    return None;
                }
                if played < LONG {
                    return None;
                }
                self.state = State::Judged;
                Some(Disagreement::Unheard(played))
            }
            State::Rests(None) => {
                self.state = State::Rests(Some(Span { since: now, heard }));
                None
            }
            State::Rests(Some(span)) => {
                // What came within the first second was still on its way.
                let settled = now.saturating_duration_since(span.since) > LATE;
                if !settled {
                    let since = span.since;
                    self.state = State::Rests(Some(Span { since, heard }));
                    return None;
                }
                let unsaid = heard.saturating_sub(span.heard);
                if unsaid < LONG {
                    return None;
                }
                self.state = State::Judged;
                Some(Disagreement::Unsaid(unsaid))
            }
            State::Unknown | State::Judged => None,
        }
    }
}

/// Shorter than this, nothing is said: a pause within an answer is up to two seconds (`dead_air`), figures are up to
/// one second old.
const LONG: Duration = Duration::from_secs(4);
/// Of what was played; a click is not an answer.
const SHARE: f64 = 0.05;
/// What is under way or held when OpenAI says that it stopped.
const LATE: Duration = Duration::from_millis(1_500);

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures once a second, of sound that comes for `share` of the time; the first disagreement and its second.
    fn runs(
        playback: &mut Playback,
        start: Instant,
        seconds: std::ops::Range<u64>,
        share: f64,
    ) -> Option<(u64, Disagreement)> {
        let mut heard = playback.heard;
        seconds.into_iter().find_map(|second| {
            heard += Duration::from_secs(1).mul_f64(share);
            let now = start + Duration::from_secs(second);
            playback
                .measured(now, heard, true)
                .map(|found| (second, found))
        })
    }

    #[expect(clippy::disallowed_methods, reason = "any moment does to count from")]
    fn playing() -> (Playback, Instant) {
        let (mut playback, start) = (Playback::default(), Instant::now());
        playback.started(start);
        (playback, start)
    }

    #[test]
    fn an_answer_that_nobody_hears_is_told_once() {
        let (mut playback, start) = playing();
        let told = runs(&mut playback, start, 1..20, 0.0);
        assert_eq!(
            told,
            Some((4, Disagreement::Unheard(Duration::from_secs(4))))
        );
        assert_eq!(runs(&mut playback, start, 5..20, 0.0), None);
    }

    #[test]
    fn an_answer_is_heard_with_pauses_and_ends() {
        let (mut playback, start) = playing();
        assert_eq!(runs(&mut playback, start, 1..20, 0.4), None);
        playback.stopped();
        // The last of it comes late.
        assert_eq!(runs(&mut playback, start, 20..22, 1.0), None);
        assert_eq!(runs(&mut playback, start, 22..60, 0.0), None);
    }

    #[test]
    fn an_answer_that_falls_silent_in_its_middle_is_told() {
        let (mut playback, start) = playing();
        assert_eq!(runs(&mut playback, start, 1..9, 0.8), None);
        let told = runs(&mut playback, start, 9..20, 0.0);
        assert!(
            matches!(told, Some((12 | 13, Disagreement::Unheard(_)))),
            "{told:?}"
        );
    }

    #[test]
    fn sound_that_nobody_announced_is_told() {
        let (mut playback, start) = playing();
        assert_eq!(runs(&mut playback, start, 1..5, 1.0), None);
        playback.stopped();
        let told = runs(&mut playback, start, 5..20, 1.0);
        assert!(
            matches!(told, Some((9..=11, Disagreement::Unsaid(_)))),
            "{told:?}"
        );
    }

    #[test]
    fn on_hold_and_before_openai_said_anything_nothing_is_told() {
        let (mut playback, start) = playing();
        for second in 1..20 {
            let now = start + Duration::from_secs(second);
            assert_eq!(playback.measured(now, Duration::ZERO, false), None);
        }
        let mut playback = Playback::default();
        assert_eq!(runs(&mut playback, start, 1..20, 1.0), None);
    }
}
