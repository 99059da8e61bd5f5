//! How a call ended: two closed sets, used as labels and in records.

/// How a call ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CallResult {
    /// It was answered and ended as calls do.
    Completed,
    /// It was never to be: squelch or the caller said no.
    Rejected,
    /// Something went wrong.
    Failed,
    /// squelch stopped.
    Interrupted,
}

impl CallResult {
    /// The label: `completed`, `rejected`, `failed`, `interrupted`.
    pub const fn name(self) -> &'static str {
        match self {
            CallResult::Completed => "completed",
            CallResult::Rejected => "rejected",
            CallResult::Failed => "failed",
            CallResult::Interrupted => "interrupted",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $result:ident, $status:expr, $q850:literal;)*) => {
        /// Why a call ended. A closed set; docs/METRICS.md lists it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EndReason { $($(#[$doc])* $variant,)* }

        impl EndReason {
            /// All of them.
            pub const ALL: &'static [EndReason] = &[$(EndReason::$variant,)*];

            /// The label.
            pub const fn name(self) -> &'static str {
                match self { $(EndReason::$variant => $name,)* }
            }

            /// The result it goes with.
            pub const fn result(self) -> CallResult {
                match self { $(EndReason::$variant => CallResult::$result,)* }
            }

            /// The status that a carrier still waiting for the answer gets; `None` where it has hung up itself.
            ///
            /// **Source**: carriers fail over on 408, 480, 503 and 504, not on 486 and 603.
            pub const fn status(self) -> Option<u16> {
                match self { $(EndReason::$variant => $status,)* }
            }

            /// The cause that a BYE or CANCEL of ours names, for switches behind a carrier.
            ///
            /// **Source**: ITU-T Q.850 table 1; RFC 3398 section 8.2.6.1 for those that have a status.
            pub const fn q850(self) -> u16 {
                match self { $(EndReason::$variant => $q850,)* }
            }
        }
    };
}

reasons! {
    /// The carrier sent BYE.
    CarrierHangup = "carrier_hangup", Completed, None, 16;
    /// OpenAI sent BYE.
    OpenaiHangup = "openai_hangup", Completed, Some(503), 16;
    /// The carrier took the caller elsewhere, as OpenAI's REFER asked.
    Transferred = "transferred", Completed, None, 16;
    /// `[limits] max_call` was reached.
    MaxCall = "max_call", Completed, Some(503), 31;
    /// OpenAI's session was about to end, and `[openai] at_expiry` is `end`.
    OpenaiExpiry = "openai_expiry", Completed, Some(503), 31;
    /// The carrier sent CANCEL before the answer.
    Cancelled = "cancelled", Rejected, None, 16;
    /// Neither the INVITE carried an offer nor its ACK an answer to ours.
    NoOffer = "no_offer", Failed, Some(488), 88;
    /// The offer could not be read.
    BadSdp = "bad_sdp", Rejected, Some(488), 88;
    /// No format of the offer is one of the trunk's.
    NoCommonFormat = "no_common_format", Rejected, Some(488), 88;
    /// The offer's encryption is not what `srtp` asks for.
    Srtp = "srtp", Rejected, Some(488), 88;
    /// The offer names a media address that squelch may not send to.
    MediaAddress = "media_address", Rejected, Some(488), 88;
    /// Max-Forwards is used up.
    TooManyHops = "too_many_hops", Rejected, Some(483), 25;
    /// squelch placed this call itself: it came back.
    Loop = "loop", Rejected, Some(482), 25;
    /// The trunk's digest credentials were wrong.
    BadCredentials = "bad_credentials", Rejected, Some(403), 21;
    /// A limit of calls at once is reached.
    Full = "full", Rejected, Some(503), 42;
    /// The trunk's limit of new calls a second is reached.
    RateLimited = "rate_limited", Rejected, Some(503), 42;
    /// squelch is stopping.
    Draining = "draining", Rejected, Some(503), 41;
    /// No media port is left.
    NoPorts = "no_ports", Rejected, Some(503), 47;
    /// OpenAI answered 486.
    OpenaiBusy = "openai_busy", Failed, Some(486), 17;
    /// OpenAI answered 603.
    OpenaiDeclined = "openai_declined", Failed, Some(603), 21;
    /// OpenAI answered 480.
    OpenaiUnavailable = "openai_unavailable", Failed, Some(480), 18;
    /// OpenAI answered 408.
    OpenaiTimeout = "openai_timeout", Failed, Some(408), 102;
    /// OpenAI answered 488.
    OpenaiNotAcceptable = "openai_not_acceptable", Failed, Some(488), 88;
    /// OpenAI answered with another failure.
    OpenaiRefused = "openai_refused", Failed, Some(503), 41;
    /// OpenAI could not be reached: name, connection, certificate.
    OpenaiUnreachable = "openai_unreachable", Failed, Some(503), 38;
    /// OpenAI's answer can't be used: its SDP is broken or was not offered.
    OpenaiBadAnswer = "openai_bad_answer", Failed, Some(503), 88;
    /// OpenAI refused the session squelch accepted the call with, or could not be asked.
    AcceptFailed = "accept_failed", Failed, Some(503), 41;
    /// `[limits] setup` passed without a sign from OpenAI.
    SetupTimeout = "setup_timeout", Failed, Some(503), 102;
    /// `[limits] ring` passed without an answer.
    RingTimeout = "ring_timeout", Failed, Some(480), 19;
    /// The carrier never acknowledged the answer.
    NoAck = "no_ack", Failed, None, 102;
    /// A peer no longer refreshed the session, or no longer knew the call (RFC 4028).
    SessionExpired = "session_expired", Failed, None, 102;
    /// `[limits] media_timeout` passed without a packet from a leg.
    MediaTimeout = "media_timeout", Failed, Some(503), 41;
    /// Static that lasted longer than `[guard] hang_up_after`.
    Static = "static", Failed, Some(503), 41;
    /// squelch stopped and `[limits] drain` had passed.
    Drained = "drained", Interrupted, Some(503), 41;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reason_has_a_label_of_its_own() {
        let names: HashSet<_> = EndReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), EndReason::ALL.len());
    }
}
