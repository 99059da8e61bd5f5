//! Who takes part, as far as the interval between reports depends on it (RFC 3550 section 6.3).

use crate::rtp::Ssrc;
use std::time::{Duration, Instant};

/// SSRCs of one peer that are remembered. A call has one, and hold or transfer change it; what more a peer invents is
/// not counted, and nine make no interval longer than the shortest.
const MAX_MEMBERS: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Member {
    ssrc: Ssrc,
    heard: Instant,
    sent_rtp: Option<Instant>,
}

/// The SSRCs that were heard on a leg; squelch's own is not among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Members([Option<Member>; MAX_MEMBERS]);

impl Members {
    /// An SSRC was heard at `at`, by RTP or by RTCP.
    pub(super) fn heard(&mut self, at: Instant, ssrc: Ssrc, by_rtp: bool) {
        let known = self.0.iter_mut().flatten().find(|known| known.ssrc == ssrc);
        if let Some(known) = known {
            known.heard = known.heard.max(at);
            if by_rtp {
                known.sent_rtp = Some(at);
            }
        } else if let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some(Member {
                ssrc,
                heard: at,
                sent_rtp: by_rtp.then_some(at),
            });
        }
    }

    /// An SSRC said BYE; whether it was there.
    pub(super) fn left(&mut self, ssrc: Ssrc) -> bool {
        let is_it = |place: &&mut Option<Member>| place.is_some_and(|known| known.ssrc == ssrc);
        match self.0.iter_mut().find(is_it) {
            Some(place) => {
                *place = None;
                true
            }
            None => false,
        }
    }

    /// Forgets who was silent for `span` (section 6.3.5); whether anyone was.
    pub(super) fn expire(&mut self, now: Instant, span: Duration) -> bool {
        let mut gone = false;
        for place in &mut self.0 {
            if place.is_some_and(|known| now.saturating_duration_since(known.heard) > span) {
                *place = None;
                gone = true;
            }
        }
        gone
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// Those that sent RTP since `since`.
    pub(super) fn senders(&self, since: Instant) -> usize {
        let sent = |known: &&Member| known.sent_rtp.is_some_and(|at| at >= since);
        self.0.iter().flatten().filter(sent).count()
    }
}
