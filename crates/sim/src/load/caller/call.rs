//! One call as the calling side knows it.

use std::time::{Duration, Instant};

use squelch_sip::DialogId;

use super::plan::{CallerPlan, Misbehaviour, Return};
use crate::load::content::Mark;
use crate::load::leg::LegFacts;
use crate::load::session::Session;
use crate::load::{CallOutcome, Failure};

/// How far a call is; each waits for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// For its port.
    Binding,
    /// For the final response.
    Calling,
    /// For what the CANCEL comes to.
    Cancelling,
    /// For the end of its script.
    Talking,
    /// For the answer to its BYE.
    Ending,
    /// For its media's facts.
    Over,
}

/// What a call's deadlines are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// It has rung for too long.
    Ring,
    /// It is to be abandoned.
    Abandon,
    /// Its script is over.
    HangUp,
    /// The next hold or resumption of the capture.
    Turn,
    /// The next re-INVITE of a storm.
    Storm,
    /// The far end should have given up by now.
    NoAck,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) phase: Phase,
    pub(super) dialog: Option<DialogId>,
    pub(super) session: Option<Session>,
    /// Which of the plan's parts it plays.
    pub(super) part: usize,
    /// The next of the part's turns.
    pub(super) turn: usize,
    pub(super) misbehaviour: Option<Misbehaviour>,
    pub(super) outcome: CallOutcome,
    invited: Option<Instant>,
    pub(super) answered: Option<Instant>,
    /// When it is to be hung up.
    pub(super) ends: Option<Instant>,
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
    pub(super) fn new(plan: &CallerPlan, number: u64, began: Duration) -> Call {
        Call {
            phase: Phase::Binding,
            dialog: None,
            session: None,
            part: plan.part_of(number),
            turn: 0,
            misbehaviour: plan.misbehaviour,
            outcome: CallOutcome::new(Mark(number as u32), began),
            invited: None,
            answered: None,
            ends: None,
            media: Media::None,
        }
    }

    pub(super) fn invited(&mut self, now: Instant, dialog: DialogId, session: Session) {
        self.invited = Some(now);
        self.dialog = Some(dialog);
        self.session = Some(session);
        self.phase = Phase::Calling;
    }

    /// The far end was heard of: a provisional or final response.
    pub(super) fn responded(&mut self, now: Instant) {
        let since = self.invited.map(|invited| now.duration_since(invited));
        self.outcome.post_dial_delay = self.outcome.post_dial_delay.or(since);
    }

    pub(super) fn answered(&mut self, now: Instant) {
        self.responded(now);
        self.outcome.status = Some(200);
        self.outcome.setup = self.invited.map(|invited| now.duration_since(invited));
        self.answered = Some(now);
    }

    /// Why it failed; the first reason stands.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.outcome.failure.get_or_insert(failure);
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

    /// Nobody waits for its media any more.
    pub(super) fn media_over(&mut self) {
        self.phase = Phase::Over;
        if self.media != Media::None {
            self.media = Media::Over;
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over && matches!(self.media, Media::None | Media::Over)
    }

    /// Takes in what its media were.
    pub(super) fn heard(&mut self, facts: LegFacts, plan: &CallerPlan) {
        self.media = Media::Over;
        let talked = self.outcome.talked.unwrap_or_default();
        if plan.back != Return::Nothing && talked >= JUDGED {
            match facts.last_packet {
                None => self.fail(Failure::NoMedia),
                // Who never says ACK or BYE stays on long after all is said.
                Some(last) if self.misbehaviour.is_none() && last + STOPPED < talked => {
                    self.fail(Failure::MediaStopped);
                }
                Some(_) => {}
            }
        }
        let outcome = &mut self.outcome;
        outcome.media_start = facts.media_start;
        outcome.sent = facts.sent;
        outcome.transport = Some(facts.transport);
        outcome.faults = facts.faults;
        outcome.content = facts.content;
    }

    pub(super) fn outcome(mut self, ended: Duration) -> CallOutcome {
        self.outcome.ended = ended;
        self.outcome
    }
}

/// Media of a shorter call are not missed.
const JUDGED: Duration = Duration::from_millis(500);
/// So long before the end nothing came any more: longer than pauses under silence suppression, whose comfort noise
/// comes at least so often (RFC 3389 leaves it open; what is seen in the field is once a second or more).
const STOPPED: Duration = Duration::from_secs(5);
