//! What befalls a leg's messages on their way.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use super::dice::Dice;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToGateway,
    FromGateway,
}

/// One leg's network, both ways.
#[derive(Debug)]
pub(super) struct Weather {
    /// **Units**: percent of the datagrams.
    loss: u32,
    duplicate: u32,
    late: u32,
    /// Every message takes this long.
    delay: Duration,
    /// And up to this much longer.
    jitter_ms: u32,
    /// Copies of one message that get lost at most, to the gateway and from it: what is repeated
    /// often enough arrives. Both together leave an INVITE time for its answer: of the seven copies
    /// in 32 s the sixth goes out after 15.5 s.
    mercy: [u32; 2],
    /// Nothing passes.
    dark: Option<Dark>,
    /// All passes, at once.
    clear: bool,
    lost: HashMap<u64, u32>,
    /// Whether the dark took a message.
    pub(super) cut: bool,
}

#[derive(Debug, Clone, Copy)]
struct Dark {
    from: Instant,
    until: Instant,
    to_gateway: bool,
    from_gateway: bool,
}

impl Weather {
    pub(super) fn new(dice: &mut Dice) -> Weather {
        let bad = dice.chance(70);
        let or_none = |value| if bad { value } else { 0 };
        Weather {
            loss: or_none(dice.pick(&[0, 2, 10, 30, 50], 0)),
            duplicate: or_none(dice.pick(&[0, 0, 5, 30], 0)),
            late: or_none(dice.pick(&[0, 0, 2, 10], 0)),
            delay: dice.millis(1, 60),
            jitter_ms: or_none(dice.pick(&[0, 5, 100, 600], 0)),
            mercy: [dice.below(4), dice.below(3)],
            dark: None,
            clear: false,
            lost: HashMap::new(),
            cut: false,
        }
    }

    /// Nothing passes for a while, one way or both.
    pub(super) fn darken(&mut self, from: Instant, until: Instant, dice: &mut Dice) {
        let ways = dice.below(3);
        self.dark = Some(Dark {
            from,
            until,
            to_gateway: ways != 1,
            from_gateway: ways != 2,
        });
    }

    /// Whether messages get lost.
    pub(super) fn loses(&self) -> bool {
        self.loss > 0
    }

    /// Whether messages may take seconds.
    pub(super) fn is_late(&self) -> bool {
        self.late > 0
    }

    /// All is well from now on.
    pub(super) fn clear_up(&mut self) {
        self.clear = true;
    }

    /// When a datagram arrives: not at all, once or twice.
    pub(super) fn fate(
        &mut self,
        now: Instant,
        way: Way,
        bytes: &[u8],
        dice: &mut Dice,
    ) -> [Option<Instant>; 2] {
        if self.clear {
            return [Some(now + self.delay), None];
        }
        if self.is_dark(now, way) {
            self.cut = true;
            return [None, None];
        }
        if dice.chance(self.loss) {
            let mut hasher = DefaultHasher::new();
            (way == Way::ToGateway, bytes).hash(&mut hasher);
            let lost = self.lost.entry(hasher.finish()).or_default();
            let [there, back] = self.mercy;
            let mercy = if way == Way::ToGateway { there } else { back };
            if *lost < mercy {
                *lost += 1;
                return [None, None];
            }
        }
        let again = dice.chance(self.duplicate);
        let second = again.then(|| self.arrival(now, dice));
        [Some(self.arrival(now, dice)), second]
    }

    /// When a stream's bytes arrive. A stream loses nothing; in the dark it waits, as TCP does.
    pub(super) fn stream(&mut self, now: Instant, way: Way, dice: &mut Dice) -> Instant {
        let at = self.arrival(now, dice);
        match self.dark {
            Some(dark) if self.is_dark(now, way) => {
                self.cut = true;
                at.max(dark.until)
            }
            _ => at,
        }
    }

    fn arrival(&self, now: Instant, dice: &mut Dice) -> Instant {
        if self.clear {
            return now + self.delay;
        }
        let mut at = now + self.delay + dice.millis(0, self.jitter_ms);
        if dice.chance(self.late) {
            at += dice.millis(0, LATEST_MS);
        }
        at
    }

    fn is_dark(&self, now: Instant, way: Way) -> bool {
        self.dark.filter(|_| !self.clear).is_some_and(|dark| {
            let way = match way {
                Way::ToGateway => dark.to_gateway,
                Way::FromGateway => dark.from_gateway,
            };
            way && (dark.from..dark.until).contains(&now)
        })
    }
}

/// With delay and jitter below T4, 5 s: RFC 3261 section 17.1.2.2 builds on no message being under
/// way for longer.
const LATEST_MS: u32 = 3_500;
