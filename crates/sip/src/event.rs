//! What the endpoint tells the transaction user.

use bytes::Bytes;

use crate::command::{Body, DialogMethod, Reason, Warning};
use crate::endpoint::{DialogId, RequestId};
use crate::message::{Headers, NameAddr, Uri};
use crate::transport::{Source, TransportOutput};

/// One thing taken from [`Endpoint::poll_output`](crate::Endpoint::poll_output).
#[derive(Debug)]
pub enum Output {
    /// For the network.
    Transport(TransportOutput),
    /// For the transaction user.
    Event(Event),
}

/// Something happened to a call or a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A new call came in; 100 was already sent. Wants `provisional`, `answer` or `reject`.
    Invite {
        /// The dialog it would make.
        dialog: DialogId,
        /// What it asks.
        invite: Box<IncomingInvite>,
    },
    /// The caller gave up before the answer; CANCEL and INVITE are already answered (200, 487).
    /// The dialog is gone.
    Cancelled {
        /// Which.
        dialog: DialogId,
        /// Why, if the peer said.
        reason: Option<Reason>,
    },
    /// Our 200 was acknowledged: the INVITE's or a re-INVITE's.
    Acknowledged {
        /// Which.
        dialog: DialogId,
        /// The answer, where our 200 carried the offer.
        body: Option<Body>,
    },
    /// The peer wants to change the session. Wants `respond`.
    Reinvite {
        /// Which.
        dialog: DialogId,
        /// For `respond`.
        request: RequestId,
        /// The offer; `None` asks us for one.
        body: Option<Body>,
    },
    /// The peer asks something inside a dialog. Wants `respond`.
    Request {
        /// Which.
        dialog: DialogId,
        /// For `respond`.
        request: RequestId,
        /// What is asked.
        method: DialogMethod,
        /// All headers as received.
        headers: Headers,
        /// The body, of whatever type.
        body: Option<Body>,
    },
    /// Our request inside a dialog is answered.
    Response {
        /// Which.
        dialog: DialogId,
        /// The number that `request` gave.
        request: RequestId,
        /// What was asked.
        method: DialogMethod,
        /// The final response; 408 where none came and 503 where the request could not be sent
        /// (RFC 3261 section 8.1.3.1).
        status: u16,
        /// All headers as received.
        headers: Headers,
        /// The body.
        body: Option<Body>,
    },
    /// The session is to be refreshed and the peer takes no UPDATE. Wants `reinvite` with the
    /// description as it stands.
    RefreshDue {
        /// Which.
        dialog: DialogId,
    },
    /// Our re-INVITE was taken, and acknowledged by the endpoint.
    Reinvited {
        /// Which.
        dialog: DialogId,
        /// The answer.
        body: Option<Body>,
    },
    /// Our re-INVITE was refused; the session stands as it was. After 491 and 422 it is due again
    /// (`RefreshDue`), if it was a refresh.
    ReinviteRefused {
        /// Which.
        dialog: DialogId,
        /// The final status.
        status: u16,
    },
    /// An OPTIONS. Wants `respond`.
    Options {
        /// For `respond`.
        request: RequestId,
        /// Who asks.
        source: Source,
        /// The dialog it was sent in, if any.
        in_dialog: Option<DialogId>,
    },
    /// Our OPTIONS came to an end.
    OptionsAnswered {
        /// The number that `options` gave.
        request: RequestId,
        /// The final status, whatever it is: somebody is there. Or why there is none.
        outcome: Result<u16, Failure>,
    },
    /// Our INVITE rings or makes progress (101..=199).
    Provisional {
        /// Which.
        dialog: DialogId,
        /// 101..=199.
        status: u16,
        /// Early media's description, if any.
        body: Option<Body>,
    },
    /// Our INVITE was answered with 2xx. Wants `acknowledge`.
    Answered {
        /// Which.
        dialog: DialogId,
        /// The answer, or the offer where our INVITE had none.
        body: Option<Body>,
    },
    /// Our INVITE failed. The dialog is gone.
    Rejected {
        /// Which.
        dialog: DialogId,
        /// How.
        failure: Failure,
    },
    /// The peer hung up; its BYE is already answered. The dialog is gone.
    Bye {
        /// Which.
        dialog: DialogId,
        /// Why, if the peer said.
        reason: Option<Reason>,
    },
    /// The dialog is over for another cause than the peer's BYE, and gone.
    Ended {
        /// Which.
        dialog: DialogId,
        /// Why.
        cause: EndCause,
    },
    /// Something was received and thrown away.
    Dropped {
        /// Why.
        reason: DropReason,
        /// From whom.
        source: Source,
    },
}

/// An incoming INVITE, read and checked.
#[derive(Debug, Clone)]
pub struct IncomingInvite {
    /// The Request-URI.
    pub request_uri: Uri,
    /// From.
    pub from: NameAddr,
    /// To.
    pub to: NameAddr,
    /// Call-ID.
    pub call_id: String,
    /// Max-Forwards; 70 where the peer sent none. Zero is for the user to refuse with 483 if it
    /// would pass the call on: a UAS alone need not care.
    pub max_forwards: u8,
    /// All headers as received.
    pub headers: Headers,
    /// The offer, if any.
    pub body: Option<Body>,
    /// Who sent it.
    pub source: Source,
}

/// How our INVITE failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// A final response 300..=699.
    Status {
        /// The status.
        status: u16,
        /// The peer's words for it.
        reason_phrase: String,
        /// Retry-After, in seconds.
        retry_after: Option<u32>,
        /// Warning, if any.
        warning: Option<Warning>,
    },
    /// No final response within 64*T1 of the last sign the peer was due to give.
    Timeout,
    /// The connection could not be made or broke.
    Transport(String),
}

impl Failure {
    /// The status it stands for (RFC 3261 section 8.1.3.1): 408 for none, 503 for a transport.
    pub(crate) fn as_status(&self) -> u16 {
        match self {
            Failure::Timeout => 408,
            Failure::Transport(_) => 503,
            Failure::Status { status, .. } => *status,
        }
    }
}

/// Why a dialog ended without the peer's BYE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndCause {
    /// Our BYE was answered (whatever the status).
    ByeAnswered,
    /// Our BYE was never answered.
    ByeTimeout,
    /// Our BYE crossed the peer's; both are answered.
    ByeCrossed,
    /// Our 200 was never acknowledged; a BYE was sent (RFC 3261 section 13.3.1.4).
    NoAck,
    /// Our reliable provisional response was never acknowledged; the INVITE was refused with 504
    /// (RFC 3262 section 3).
    NoPrack,
    /// The session's time ran out without a refresh, or a refresh showed that the peer does not know
    /// the call any more; a BYE was sent (RFC 4028 section 10).
    SessionExpired,
    /// The peer's 200 crossed our CANCEL; it was acknowledged and a BYE sent.
    CancelCrossed,
    /// Our BYE could not be sent.
    Transport(String),
}

/// Why something received was thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// No SIP message, and too broken to answer.
    Malformed,
    /// A response to no request of ours.
    StrayResponse,
    /// An ACK to no response of ours.
    StrayAck,
    /// A malformed request that was answered with a 4xx or 5xx.
    Refused,
}

impl DropReason {
    /// The name used as a label: `malformed`, `stray_response`, `stray_ack`, `refused`.
    pub const fn name(self) -> &'static str {
        match self {
            DropReason::Malformed => "malformed",
            DropReason::StrayResponse => "stray_response",
            DropReason::StrayAck => "stray_ack",
            DropReason::Refused => "refused",
        }
    }
}

/// The body of a message, where it has one.
pub(crate) fn body_of(headers: &Headers, bytes: &Bytes) -> Option<Body> {
    (!bytes.is_empty()).then(|| Body {
        content_type: headers.get("Content-Type").unwrap_or_default().to_owned(),
        bytes: bytes.clone(),
    })
}
