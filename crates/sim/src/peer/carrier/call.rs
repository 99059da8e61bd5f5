//! One call as the carrier knows it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_core::Rng;
use squelch_sip::{DialogId, EndCause, Failure};

use super::CallPlan;
use super::script::Content;
use crate::peer::Suite;
use crate::peer::recording::{LINEAR, Recording};
use crate::peer::rtp::Header;
use crate::peer::sdp::AudioDescription;
use crate::peer::srtp::{Line, Secured};
use crate::sound::Law;

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its port is not bound yet.
    Idle,
    /// The INVITE is out.
    Calling,
    /// Answered, media flow.
    Up,
    /// We sent BYE or CANCEL.
    Ending,
    /// Over.
    Over,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The INVITE was refused, timed out or was cancelled (487).
    Rejected(Failure),
    /// The other side sent BYE.
    PeerHungUp,
    /// We sent BYE, or the dialog broke.
    Ended(EndCause),
}

#[derive(Debug)]
pub(super) struct Call {
    plan: CallPlan,
    ssrc: u32,
    /// Random starts of sequence number and timestamp (RFC 3550 section 5.1).
    first_sequence: u16,
    first_timestamp: u32,
    state: State,
    dialog: Option<DialogId>,
    /// When the INVITE was sent, then when it was answered.
    since: Option<Instant>,
    media: Option<Media>,
    heard: Recording,
    /// Our lines, as offered last.
    lines: Vec<Line>,
    port: u16,
    offers: u64,
    secured: Option<Secured>,
    not_authentic: u64,
}

/// What the answer said.
#[derive(Debug)]
struct Media {
    to: SocketAddr,
    law: Law,
    payload_type: u8,
    /// Samples go out as they are.
    linear: bool,
    telephone_event: Option<u8>,
    /// Next packet of the script.
    next: usize,
}

impl Call {
    pub(super) fn new(plan: CallPlan, ssrc: u32, random: u64, lines: Vec<Line>) -> Call {
        Call {
            ssrc,
            first_sequence: plan.first_sequence.unwrap_or(random as u16),
            plan,
            first_timestamp: (random >> 32) as u32,
            state: State::Idle,
            dialog: None,
            since: None,
            media: None,
            heard: Recording::default(),
            lines,
            port: 0,
            offers: 0,
            secured: None,
            not_authentic: 0,
        }
    }

    /// Our offer: the first, or the next version.
    pub(super) fn offer(&mut self, port: u16, session: u64) -> String {
        self.port = port;
        self.offers += 1;
        let offer = AudioDescription {
            address: SocketAddr::new(self.plan.media_address, port),
            formats: self
                .plan
                .laws
                .iter()
                .map(|law| (*law, law.payload_type()))
                .collect(),
            linear: self.plan.linear.then_some(LINEAR),
            telephone_event: Some(TELEPHONE_EVENT),
            secured: !self.lines.is_empty(),
            crypto: self.lines.clone(),
        };
        offer.write(session, self.offers)
    }

    /// An offer with a new key of the suite that stands; `None` where the call is not encrypted.
    pub(super) fn rekeyed_offer(&mut self, session: u64, dice: &mut impl Rng) -> Option<String> {
        self.secured.as_ref()?;
        let [line] = &self.lines[..] else {
            return None;
        };
        let fresh = Line::fresh(line.tag + 1, Suite::named(&line.suite)?, dice);
        self.lines = vec![fresh];
        Some(self.offer(self.port, session))
    }

    /// The answer to it.
    pub(super) fn rekeyed(&mut self, answer: &AudioDescription) {
        if let (Some(secured), [ours], [theirs]) =
            (&mut self.secured, &self.lines[..], &answer.crypto[..])
        {
            secured.rekey(ours, theirs);
        }
    }

    pub(super) fn not_authentic(&self) -> u64 {
        self.not_authentic
    }

    pub(super) fn plan(&self) -> &CallPlan {
        &self.plan
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn heard(&self) -> &Recording {
        &self.heard
    }

    /// The dialog and how far it is.
    pub(super) fn signalling(&self) -> Option<(DialogId, State)> {
        self.dialog.map(|dialog| (dialog, self.state))
    }

    pub(super) fn invited(&mut self, now: Instant, dialog: DialogId) {
        self.state = State::Calling;
        self.dialog = Some(dialog);
        self.since = Some(now);
    }

    pub(super) fn answered(&mut self, now: Instant, answer: &AudioDescription) {
        let linear = answer.linear.map(|payload_type| (Law::Mu, payload_type));
        let Some((law, payload_type)) = linear.or(answer.formats.first().copied()) else {
            return;
        };
        if self.state == State::Calling {
            self.state = State::Up;
        }
        self.since = Some(now);
        if let [theirs] = &answer.crypto[..] {
            self.lines.retain(|ours| ours.tag == theirs.tag);
            let ours = self.lines.first();
            // A broken peer: the key it was given, for the one that it gave.
            let ours = if self.plan.wrong_key {
                Some(theirs)
            } else {
                ours
            };
            self.secured = ours.and_then(|ours| Secured::new(ours, theirs));
        }
        self.media = Some(Media {
            to: answer.address,
            law,
            payload_type,
            linear: answer.linear.is_some(),
            telephone_event: answer.telephone_event,
            next: 0,
        });
    }

    pub(super) fn hung_up(&mut self) {
        if matches!(self.state, State::Calling | State::Up) {
            self.state = State::Ending;
        }
    }

    pub(super) fn over(&mut self) {
        self.state = State::Over;
    }

    pub(super) fn hear(&mut self, now: Instant, bytes: &[u8]) {
        let since = self.since.filter(|_| self.media.is_some());
        let Some(since) = since else {
            return;
        };
        let at = now.saturating_duration_since(since);
        match self.secured.as_mut().map(|secured| secured.open(bytes)) {
            None => self.heard.push(at, bytes),
            Some(Some(opened)) => self.heard.push(at, &opened),
            Some(None) => self.not_authentic += 1,
        }
    }

    /// Whether BYE or CANCEL is due.
    pub(super) fn hang_up_due(&self, now: Instant) -> bool {
        self.hang_up_at().is_some_and(|at| at <= now)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        [self.packet_at(), self.hang_up_at()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next packet that is due, stamped.
    pub(super) fn poll_packet(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        self.packet_at().filter(|&at| at <= now)?;
        let media = self.media.as_mut()?;
        let packet = self.plan.script.packet(media.next)?;
        media.next += 1;
        let (payload_type, payload) = match packet.content {
            Content::Audio(law) if media.linear => {
                let samples = law.decode_all(&packet.payload);
                let bytes = samples.iter().flat_map(|sample| sample.to_be_bytes());
                (media.payload_type, bytes.collect())
            }
            Content::Audio(law) if law == media.law => {
                (media.payload_type, packet.payload.to_vec())
            }
            Content::Audio(law) => {
                let samples = law.decode_all(&packet.payload);
                (media.payload_type, media.law.encode_all(&samples))
            }
            // A peer without telephone-events hears nothing of the key.
            Content::TelephoneEvent => match media.telephone_event {
                Some(payload_type) => (payload_type, packet.payload.to_vec()),
                None => return self.poll_packet(now),
            },
        };
        let header = Header {
            marker: packet.marker,
            payload_type,
            sequence: self.first_sequence.wrapping_add(packet.sequence),
            timestamp: self.first_timestamp.wrapping_add(packet.timestamp),
            ssrc: self.ssrc,
        };
        let packet = header.write(&payload);
        let packet = match &mut self.secured {
            Some(secured) => secured.seal(packet),
            None => packet,
        };
        Some((media.to, packet))
    }

    fn packet_at(&self) -> Option<Instant> {
        let media = self.media.as_ref().filter(|_| self.state == State::Up)?;
        Some(self.since? + self.plan.script.packet(media.next)?.at)
    }

    fn hang_up_at(&self) -> Option<Instant> {
        let after: Option<Duration> = match self.state {
            State::Calling => self.plan.cancel_after,
            State::Up => self.plan.hang_up_after,
            State::Idle | State::Ending | State::Over => None,
        };
        Some(self.since? + after?)
    }
}

/// The usual dynamic payload type of telephone-events.
const TELEPHONE_EVENT: u8 = 101;
