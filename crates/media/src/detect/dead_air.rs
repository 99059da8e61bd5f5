//! `dead_air`: packets flow, and nothing is heard where talk is due.
//!
//! Whether it is due can't be heard: the control plane says so, or whoever reads a capture. Without that, silence is
//! a pause like any other.

use super::finding::What;
use super::rules::Sign;
use std::time::Duration;

/// Silence that is no pause of a talker. **Source**: the study's rule; pauses in the prompts it was measured on are
/// shorter.
const PAUSE: Duration = Duration::from_secs(2);

/// The loudest sample of what is not heard. **Units**: PCM16's scale; noise at -60 dBov (33 in the mean) goes beyond
/// four times its mean in one sample of 16,000.
pub(crate) const INAUDIBLE: u16 = 132;

/// Packets in a row with sound in them that end the silence: a click in one or two is nobody's talk.
const HEARD: u32 = 3;

/// The most that one packet counts for: where none come, none are silent.
const LONGEST_GAP: Duration = Duration::from_millis(200);

/// The test of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DeadAir {
    /// When it last became quiet, and for how long packets have shown it.
    quiet_since: Option<Duration>,
    quiet: Duration,
    last: Duration,
    heard: u32,
}

impl DeadAir {
    /// Takes a packet; whether the silence is a fault, where talk is due.
    pub(super) fn observe(&mut self, at: Duration, audible: bool, due: bool) -> Option<Sign> {
        let passed = at.saturating_sub(self.last).min(LONGEST_GAP);
        self.last = at;
        // What was quiet before talk was due is no fault.
        if !due {
            *self = DeadAir {
                last: at,
                ..DeadAir::default()
            };
            return None;
        }
        self.heard = if audible { self.heard + 1 } else { 0 };
        if self.heard >= HEARD {
            (self.quiet_since, self.quiet) = (None, Duration::ZERO);
            return None;
        }
        let since = match self.quiet_since {
            Some(since) => {
                self.quiet += passed;
                since
            }
            None if audible => return None,
            None => *self.quiet_since.insert(at),
        };
        (self.quiet >= PAUSE).then(|| Sign::new(What::Silence, since))
    }
}
