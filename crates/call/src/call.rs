//! One call: two legs and what is between them.

use crate::control::sideband::{AudioClock, Playback, SaidFormat};
use crate::gateway::mend::Mending;
use crate::gateway::redial::Redials;
use crate::gateway::transfer::{Subscription, Transfer};
use crate::io::FetchId;
use crate::negotiate::{Offer, formats_for_openai, odd_in_answer, odd_in_offer};
use crate::record::Diary;
use crate::termination::EndReason;
use squelch_media::{BridgeStats, Format, MediaPlan};
use squelch_sip::sdp::SessionDescription;
use squelch_sip::{DialogId, Protocol, Target};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

/// What a call waits for.
///
/// ```text
/// INVITE -> Ports -> Resolving -> Inviting [-> Offered] -> Bridged -> Ending
///             |          |           |            |           |
///             +----------+-----------+------------+-----------+--> Ending, or gone at once where no media ran
///
/// Bridged -> Resolving -> Inviting -> Bridged    while OpenAI's leg is placed anew (`redials.is_under_way`)
/// ```
#[derive(Debug)]
pub(crate) enum State {
    /// `PortsBound`.
    Ports,
    /// `Resolved`, or that nothing will come: the present route's addresses.
    Resolving,
    /// OpenAI's answer.
    Inviting,
    /// The carrier's answer to our offer, in its ACK. The plan lacks the carrier's part.
    Offered(Box<MediaPlan>),
    /// A BYE.
    Bridged,
    /// The last `MediaStats`.
    Ending,
}

/// How far accepting the call at OpenAI has come.
#[derive(Debug, Default)]
pub(crate) enum Accept {
    /// Not asked for.
    #[default]
    Waiting,
    /// Sent, for the `attempt`-th time.
    Asked {
        /// Its answer's number.
        fetch: FetchId,
        /// From 1.
        attempt: u32,
    },
    /// Failed for the `attempt`-th time; tried again after a pause.
    Pausing {
        /// From 1.
        attempt: u32,
    },
    /// OpenAI took it.
    Done,
}

/// The carrier's side of a call.
#[derive(Debug)]
pub(crate) struct CarrierLeg {
    pub(crate) dialog: DialogId,
    pub(crate) answered: bool,
    /// Its INVITE came by this.
    pub(crate) protocol: Protocol,
    /// Its INVITE made no offer: ours goes out with the answer.
    pub(crate) is_late: bool,
    /// What our SDP said last.
    pub(crate) said: Option<SessionDescription>,
    /// Our 200 to a later INVITE carries an offer; the ACK's answer is awaited.
    pub(crate) offered: bool,
    /// The dialog is over: nothing more is said to this peer.
    pub(crate) gone: bool,
    pub(crate) from: String,
    pub(crate) to: String,
    /// The caller's user part, for the INVITE to OpenAI.
    pub(crate) caller: Option<String>,
    /// The called number, for what we ask of the carrier in its name.
    pub(crate) called: Option<String>,
    pub(crate) max_forwards: u8,
}

/// OpenAI's side of a call.
#[derive(Debug, Default)]
pub(crate) struct OpenaiLeg {
    pub(crate) dialog: Option<DialogId>,
    /// The present route's place in the configuration.
    pub(crate) route: usize,
    /// Those that are tried after it.
    pub(crate) routes: VecDeque<usize>,
    /// The present route's addresses that were not tried yet.
    pub(crate) targets: VecDeque<Target>,
    /// Where the INVITE went.
    pub(crate) peer: Option<Target>,
    /// Ties the webhook to the INVITE; on it as X-Squelch-Call-ID.
    pub(crate) token: Option<String>,
    /// What OpenAI calls the call of this INVITE.
    pub(crate) call_id: Option<String>,
    pub(crate) accept: Accept,
    /// What OpenAI said last of the session's input and output format.
    pub(crate) said_formats: [Option<String>; 2],
    /// That its session ends soon was noted.
    pub(crate) expiry_told: bool,
    /// When OpenAI ends the session.
    pub(crate) expires: Option<Instant>,
    /// What the first event of each kind said of the formats: four at most.
    pub(crate) first_said: Vec<SaidFormat>,
    /// It refused our offer with 488, and is asked once more for plain RTP.
    pub(crate) without_keys: bool,
    /// What our SDP said last.
    pub(crate) said: Option<SessionDescription>,
    /// Our 200 to an INVITE of its carries an offer; the ACK's answer is awaited.
    pub(crate) offered: bool,
    /// REFERs received.
    pub(crate) refers: u32,
    /// Who asked for the present one wants to know how it goes on.
    pub(crate) subscription: Option<Subscription>,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    /// Random, for people and records.
    pub(crate) name: String,
    /// The session's number in our SDP.
    pub(crate) session_id: String,
    pub(crate) trunk: usize,
    pub(crate) state: State,
    pub(crate) carrier: CarrierLeg,
    pub(crate) openai: OpenaiLeg,
    pub(crate) offer: Offer,
    /// Our RTP addresses: towards the carrier, towards OpenAI.
    pub(crate) ports: Option<(SocketAddr, SocketAddr)>,
    pub(crate) plan: Option<Box<MediaPlan>>,
    pub(crate) stats: BridgeStats,
    pub(crate) diary: Diary,
    /// OpenAI's REFER, at the carrier.
    pub(crate) transfer: Option<Transfer>,
    /// Why it ends, once it does.
    pub(crate) ending: Option<EndReason>,
    /// OpenAI's audio is faulty now, and gated.
    pub(crate) is_faulty: bool,
    /// OpenAI's count of the caller's audio.
    pub(crate) audio_clock: AudioClock,
    /// Fresh legs to OpenAI under this call.
    pub(crate) redials: Redials,
    /// What OpenAI says it plays, against what is heard.
    pub(crate) playback: Playback,
    /// Under way since its audio was found wrong.
    pub(crate) mending: Option<Mending>,
    /// How often that helped.
    pub(crate) session_mended: u32,
    /// What OpenAI called it, the last name last.
    pub(crate) openai_call_ids: Vec<String>,
}

impl Call {
    /// Writes down what is odd about OpenAI's answer, of which `format` was taken.
    pub(crate) fn check_answer(&mut self, now: Instant, answer: &[u8], format: Format) {
        let said = self.openai.said.as_ref();
        let odd = said.map(|said| odd_in_answer(said, answer, format));
        for detail in odd.unwrap_or_default() {
            self.diary.note(now, "answer_check", detail);
        }
    }

    /// Writes down what is odd about the carrier's offer.
    pub(crate) fn check_offer(&mut self, now: Instant) {
        for detail in odd_in_offer(&self.offer.audio, self.offer.format) {
            self.diary.note(now, "offer_check", detail);
        }
    }

    /// What SIP gives OpenAI's leg, as far as a Realtime session has a name for it: the format that its answer took,
    /// or until then the one that it is offered first and takes as a rule.
    pub(crate) fn negotiated_with_openai(&self, formats: &[Format]) -> Option<Format> {
        let format = match &self.plan {
            Some(plan) => Some(plan.openai.format),
            None => formats_for_openai(self.offer.format, formats)
                .first()
                .copied(),
        };
        format.filter(|format| format.is_g711())
    }
}
