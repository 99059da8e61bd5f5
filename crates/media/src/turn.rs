//! Whose turn it is to talk, by what is heard of both legs.
//!
//! Talk is due from OpenAI's leg where the caller has talked, stopped, and waited for longer than turn detection and
//! an answer's beginning take, and nothing was heard of the model since. It stays due until the model is heard: the
//! caller who asks "hello?" has no answer yet either. Of the caller talk is never due: people think, and put the
//! telephone down.
//!
//! What this can't know: that the caller was asked to wait, or asked for time and the model keeps quiet as it was
//! told. Such a silence is reported too; nothing but a report comes of it.

use crate::detect::INAUDIBLE;
use std::time::{Duration, Instant};

/// What one packet of a leg lets hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Good audio, and its loudest sample. **Units**: PCM16's scale.
    Audio(u16),
    /// Audio under a fault of its content.
    Fault,
    /// No audio: telephone-events.
    Nothing,
}

impl Heard {
    /// Whether there is a sound in it, broken or not.
    pub(crate) fn is_sound(self) -> bool {
        match self {
            Heard::Audio(level) => level > INAUDIBLE,
            Heard::Fault => true,
            Heard::Nothing => false,
        }
    }
}

/// Follows both legs of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turn {
    /// When the caller was last heard, and how much of that stretch was talk.
    talked_at: Option<Instant>,
    talked: Duration,
    /// Whether the caller said something since the model was last heard.
    said: bool,
    /// When the caller's last packet came.
    came_at: Option<Instant>,
    /// Packets of the model in a row with sound in them.
    heard: u32,
    due: bool,
}

impl Turn {
    /// Takes what a packet of the caller's, `span` long, lets hear.
    pub(crate) fn caller(&mut self, now: Instant, heard: Heard, span: Duration) {
        self.came_at = Some(now);
        if let Heard::Audio(level) = heard
            && level >= TALK
        {
            let pause = self.talked_at.map(|at| now.saturating_duration_since(at));
            if pause.is_none_or(|pause| pause > BREAK) {
                self.talked = Duration::ZERO;
            }
            self.talked += span;
            self.talked_at = Some(now);
            self.said |= self.talked >= ENOUGH;
        }
    }

    /// Takes what a packet of the model's lets hear; whether talk is due from here on.
    pub(crate) fn model(&mut self, now: Instant, heard: Heard) -> bool {
        match heard {
            Heard::Audio(level) if level <= INAUDIBLE => self.heard = 0,
            Heard::Audio(_) | Heard::Fault => self.heard += 1,
            Heard::Nothing => {}
        }
        if self.heard >= ANSWERED {
            *self = Turn {
                came_at: self.came_at,
                heard: ANSWERED,
                ..Turn::default()
            };
        }
        let since = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        self.due |= self.said
            && since(self.talked_at).is_some_and(|waited| waited >= WAIT)
            && since(self.came_at).is_some_and(|away| away <= AWAY);
        self.due
    }
}

/// The softest peak that counts as talk: -30 dBov. Softer is the line's noise, breath, or somebody further away.
/// **Units**: PCM16's scale.
const TALK: u16 = 1_036;

/// So much talk without a pause of a [`BREAK`] is more than a cough or a door. **Source**: a convention.
const ENOUGH: Duration = Duration::from_millis(500);
const BREAK: Duration = Duration::from_secs(1);

/// From the caller's last sound to where talk is due. **Source**: OpenAI's turn detection waits for 8 s at most
/// (`semantic_vad` of low eagerness); 10 s more for the answer's beginning and a tool that is called, which is a
/// convention. `dead_air` itself takes two seconds after that.
const WAIT: Duration = Duration::from_secs(18);

/// A caller who sends nothing for so long is gone, or on a line that suppresses silence: then nothing is said.
const AWAY: Duration = Duration::from_secs(1);

/// Packets in a row with sound in them that are an answer; as in `dead_air`, a click is none.
const ANSWERED: u32 = 3;
