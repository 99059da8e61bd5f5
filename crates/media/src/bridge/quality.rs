//! What is looked at once a second: each leg's quality, and whether both sides are heard.

use super::{Bridge, MediaEvent};
use crate::Side;
use crate::detect::INAUDIBLE;
use crate::quality::{Observed, OneWay, Recent, RecentFigures, Transport, Watchman, mos_of};
use crate::rtcp::Session;
use crate::turn::Heard;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// Both legs' last second.
#[derive(Debug)]
pub(super) struct Seconds {
    due: Instant,
    legs: [Leg; Side::ALL.len()],
}

#[derive(Debug)]
struct Leg {
    recent: RecentFigures,
    watchman: Watchman,
    /// Something but silence was heard in its life.
    audible: bool,
}

impl Seconds {
    pub(super) fn new(now: Instant) -> Seconds {
        Seconds {
            due: now + SECOND,
            legs: Side::ALL.map(|_| Leg {
                recent: RecentFigures::default(),
                watchman: Watchman::new(),
                audible: false,
            }),
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Takes what a packet of the leg's lets hear.
    pub(super) fn heard(&mut self, side: Side, heard: Heard) {
        let audible = match heard {
            Heard::Audio(level) => level > INAUDIBLE,
            Heard::Fault => true,
            Heard::Nothing => false,
        };
        if let Some(leg) = self.legs.get_mut(side as usize) {
            leg.audible |= audible;
        }
    }

    pub(super) fn recent(&self, side: Side) -> Recent {
        let leg = self.legs.get(side as usize);
        leg.map(|leg| leg.recent.recent()).unwrap_or_default()
    }

    pub(super) fn one_way(&self, side: Side) -> Option<OneWay> {
        self.legs.get(side as usize)?.watchman.present()
    }
}

impl Bridge {
    /// A second is over.
    pub(super) fn second(&mut self, now: Instant) {
        // A worker that was held up looks once, not as often as it missed.
        self.seconds.due = now.max(self.seconds.due) + SECOND;
        let audible = self.seconds.legs.each_ref().map(|leg| leg.audible);
        for side in Side::ALL {
            let (path, back) = match side {
                Side::Carrier => (&self.up, &self.down),
                Side::Openai => (&self.down, &self.up),
            };
            let rtcp = self.reports(side).map(Session::stats).unwrap_or_default();
            let (expected, received) = path.totals();
            let format = path.format();
            let over_all = path.transport(rtcp.round_trip);
            let observed = Observed {
                due: path.receives,
                last_packet: path.last_packet,
                dropped: path.dropped,
                audible: audible.get(side as usize).is_some_and(|heard| *heard),
                other_audible: audible
                    .get(side.other() as usize)
                    .is_some_and(|heard| *heard),
                paused: self.reports(side).is_some_and(Session::peer_is_paused),
                unheard: back.sends && rtcp.peer.is_some_and(|peer| peer.hears_nothing),
            };
            let jitter = path.receive.jitter();
            let Some(leg) = self.seconds.legs.get_mut(side as usize) else {
                continue;
            };
            leg.recent.second(expected, received, jitter, |loss| {
                let second = Transport { loss, ..over_all };
                mos_of(format, &second)
            });
            let shift = leg.watchman.second(now, &observed);
            if let Some(cause) = shift.ended {
                self.push(MediaEvent::OneWayOver { side, cause });
            }
            if let Some(cause) = shift.began {
                self.push(MediaEvent::OneWay { side, cause });
            }
        }
    }
}
