//! What one call of a load test was: measured facts, no judgement but why it failed.

use std::fmt;
use std::time::Duration;

use squelch_media::detect::Fault;

use super::content::{ContentVerdict, Mark};

/// One call's measured facts.
///
/// **Units**: spans are measured as their docs say; `began` and `ended` are since the run's start.
#[derive(Debug, Clone, PartialEq)]
pub struct CallOutcome {
    /// Which call it was, in all shares of a run.
    pub mark: Mark,
    /// When its INVITE was due.
    pub began: Duration,
    /// When it was over.
    pub ended: Duration,
    /// The status of the final response to INVITE; none came where there is none.
    pub status: Option<u16>,
    /// From the INVITE to the first response that tells of the far end: 180, 183 or a final one.
    pub post_dial_delay: Option<Duration>,
    /// From the INVITE to its 200.
    pub setup: Option<Duration>,
    /// From the 200 to the first RTP packet.
    pub media_start: Option<Duration>,
    /// From the 200 to the end.
    pub talked: Option<Duration>,
    /// Packets that were sent.
    pub sent: u64,
    /// What came back, as far as transport goes; none for a call without media.
    pub transport: Option<Transport>,
    /// Faults that the detector found in what came back, each once, in the order they were found.
    pub faults: Vec<Fault>,
    /// What came back against what was expected; none for a call that was not listened to.
    pub content: Option<ContentVerdict>,
    /// Why it failed; none where all went as was meant, an abandoned call among them.
    pub failure: Option<Failure>,
}

/// How one call's packets arrived.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Transport {
    /// Distinct packets that arrived.
    pub received: u64,
    /// Expected (RFC 3550 A.3) less distinct ones.
    pub lost: u64,
    /// Packets that arrived before.
    pub duplicates: u64,
    /// Packets that arrived behind a later one.
    pub reordered: u64,
    /// The mean of RFC 3550 A.8's J.
    pub jitter: Duration,
    /// By the E-model, for the share of loss; none where nothing was received.
    pub mos: Option<f64>,
}

impl Transport {
    /// The share of packets that was lost, 0 to 1.
    pub fn loss(&self) -> f64 {
        match self.received + self.lost {
            0 => 0.0,
            expected => self.lost as f64 / expected as f64,
        }
    }
}

impl CallOutcome {
    /// A call of which nothing is known yet but that it began.
    pub fn new(mark: Mark, began: Duration) -> CallOutcome {
        CallOutcome {
            mark,
            began,
            ended: began,
            status: None,
            post_dial_delay: None,
            setup: None,
            media_start: None,
            talked: None,
            sent: 0,
            transport: None,
            faults: Vec::new(),
            content: None,
            failure: None,
        }
    }
}

/// Why a call failed: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Failure {
    /// The far end, or somebody on the way, said no; the status is the outcome's.
    Refused,
    /// Nothing at all came back to the INVITE (64*T1), or the connection for it was not to be had.
    NoResponse,
    /// It rang and nobody answered in time.
    NoAnswer,
    /// The far end asked for credentials that were not given, or did not take them.
    Credentials,
    /// The answer's SDP does not fit the offer, or names nothing to send to.
    BadAnswer,
    /// SIP was sent that is none, or breaks the call's rules.
    Protocol,
    /// The far end ended the call before it was due.
    EndedEarly,
    /// The far end never answered the BYE.
    NoGoodbye,
    /// Answered, and not one RTP packet came.
    NoMedia,
    /// RTP stopped coming in the middle.
    MediaStopped,
    /// The generator itself could not: no port, no socket, no memory.
    Own,
    /// Given up on at the end of the run, with its outcome unknown.
    Unfinished,
}

impl Failure {
    /// Every failure, in the order of the documents.
    pub const ALL: [Failure; 12] = [
        Failure::Refused,
        Failure::NoResponse,
        Failure::NoAnswer,
        Failure::Credentials,
        Failure::BadAnswer,
        Failure::Protocol,
        Failure::EndedEarly,
        Failure::NoGoodbye,
        Failure::NoMedia,
        Failure::MediaStopped,
        Failure::Own,
        Failure::Unfinished,
    ];

    /// The failure's word in reports and labels.
    pub const fn name(self) -> &'static str {
        match self {
            Failure::Refused => "refused",
            Failure::NoResponse => "no_response",
            Failure::NoAnswer => "no_answer",
            Failure::Credentials => "credentials",
            Failure::BadAnswer => "bad_answer",
            Failure::Protocol => "protocol",
            Failure::EndedEarly => "ended_early",
            Failure::NoGoodbye => "no_goodbye",
            Failure::NoMedia => "no_media",
            Failure::MediaStopped => "media_stopped",
            Failure::Own => "own",
            Failure::Unfinished => "unfinished",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
