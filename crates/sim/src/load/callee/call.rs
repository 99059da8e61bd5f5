//! One call as the called side knows it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use squelch_sip::{Body, DialogId};

use super::{Mark, Return, Session};
use crate::load::caller::CallKey;
use crate::load::leg::LegFacts;
use crate::load::session::Agreed;
use crate::load::{CallOutcome, Failure};

/// How far a call is; each waits for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// For its port.
    Binding,
    /// For the time to answer.
    Ringing,
    /// For the end.
    Talking,
    /// For the answer to our BYE.
    Ending,
    /// For its media's facts.
    Over,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) phase: Phase,
    pub(super) dialog: Option<DialogId>,
    pub(super) offer: Body,
    /// Where the INVITE came in.
    pub(super) local: IpAddr,
    pub(super) come: Instant,
    pub(super) answered: Option<Instant>,
    /// Our side of the session, what was agreed, and the answer that says so.
    pub(super) settled: Option<(Session, Agreed, Body)>,
    pub(super) outcome: CallOutcome,
    media: Media,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    None,
    Running,
    Stopping,
    Over,
}

impl Call {
    pub(super) fn new(
        key: CallKey,
        now: Instant,
        began: Duration,
        dialog: DialogId,
        offer: Body,
        local: IpAddr,
    ) -> Call {
        Call {
            phase: Phase::Binding,
            dialog: Some(dialog),
            offer,
            local,
            come: now,
            answered: None,
            settled: None,
            outcome: CallOutcome::new(Mark(key.0 as u32), began),
            media: Media::None,
        }
    }

    pub(super) fn talked_until(&mut self, now: Instant) {
        let talked = self.answered.map(|answered| now.duration_since(answered));
        self.outcome.talked = self.outcome.talked.or(talked);
    }

    pub(super) fn start_media(&mut self) {
        self.media = Media::Running;
    }

    /// Whether there were any to stop.
    pub(super) fn stop_media(&mut self) -> bool {
        let running = self.media == Media::Running;
        if running {
            self.media = Media::Stopping;
        }
        running
    }

    pub(super) fn had_media(&self) -> bool {
        self.media != Media::None
    }

    pub(super) fn media_over(&mut self) {
        self.phase = Phase::Over;
        if self.media != Media::None {
            self.media = Media::Over;
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over && matches!(self.media, Media::None | Media::Over)
    }

    pub(super) fn heard(&mut self, facts: LegFacts, back: Return) {
        self.media = Media::Over;
        let talked = self.outcome.talked.unwrap_or_default();
        if back != Return::Nothing && facts.last_packet.is_none() && talked >= JUDGED {
            self.outcome.failure.get_or_insert(Failure::NoMedia);
        }
        self.outcome.media_start = facts.media_start;
        self.outcome.sent = facts.sent;
        self.outcome.transport = Some(facts.transport);
        self.outcome.faults = facts.faults;
        self.outcome.content = facts.content;
    }
}

/// Media of a shorter call are not missed.
const JUDGED: Duration = Duration::from_millis(500);
