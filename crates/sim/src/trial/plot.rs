//! What both sides of a call mean to do, as data. [`PLOTS`](super::plots::PLOTS) is the table
//! of all stories; a new flow is a line there and, where phones cannot do it yet, an [`Act`].

use squelch_call::EndReason;

/// One call's story.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot {
    pub(super) name: &'static str,
    pub(super) offer: Offer,
    pub(super) caller: &'static [Cue],
    pub(super) callee: &'static [Cue],
    /// Who answers the INVITE to OpenAI, behind a proxy that forks.
    pub(super) forks: u32,
    /// What OpenAI's first refusals are, before the callee gets to hear of the call.
    pub(super) first_refuses: Option<u16>,
    pub(super) api: Api,
    pub(super) limit: Limit,
    /// Header lines of the caller's INVITE, and of OpenAI's 200.
    pub(super) caller_says: &'static str,
    pub(super) callee_says: &'static str,
    /// What the caller proves itself with, where the trunk is asked to.
    pub(super) password: &'static str,
    /// OpenAI's side asks for digest.
    pub(super) challenged: bool,
    /// Whether the caller acknowledges, whether OpenAI answers at all.
    pub(super) caller_acknowledges: bool,
    pub(super) callee_hears: bool,
    /// How it may end while the network only loses, repeats and delays.
    pub(super) ends: &'static [EndReason],
}

/// After `mark`, between `least` and `most` milliseconds later, `act`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cue {
    pub(super) mark: Mark,
    pub(super) least: u32,
    pub(super) most: u32,
    pub(super) act: Act,
}

/// What happened to a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The caller's INVITE is out.
    Called,
    /// The caller hears ringing.
    Rung,
    /// The INVITE reached the callee.
    Invited,
    /// The call was accepted over the API, or by the application.
    Admitted,
    /// The ACK was sent, or came.
    Up,
    /// The caller was asked to call somebody else.
    Referred,
    /// The call is over.
    Over,
}

/// What a phone does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// INVITE.
    Call,
    /// 180.
    Ring,
    /// 183 with SDP.
    EarlyMedia,
    /// The same, repeated until its PRACK (RFC 3262).
    ReliableEarlyMedia,
    /// 200.
    Answer,
    /// This status.
    Refuse(u16),
    Cancel,
    EarlyBye,
    HangUp,
    /// A request in the dialog, without body; and one with these header lines.
    Ask(&'static str),
    AskWith(&'static str, &'static str),
    /// An UPDATE with an offer.
    Update(Media),
    /// A re-INVITE.
    Reinvite(Media),
    /// A NOTIFY of how a transfer goes: its Subscription-State and what the new call has come to.
    Notify(&'static str, &'static str),
    /// Never says or hears anything again.
    Vanish,
    /// All that was sent is sent again, so many times.
    Storm(u32),
}

/// What a re-INVITE asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// What there is.
    Same,
    /// `a=sendonly`.
    Hold,
    /// A format nobody speaks here.
    OtherCodec,
}

/// What the caller's INVITE carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    Good,
    None,
    Unreadable,
    NoCommonFormat,
    /// Good, with Max-Forwards 0.
    NoHops,
}

/// How OpenAI's API behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    Good,
    /// The webhook comes after some seconds.
    WebhookLate,
    WebhookTwice,
    WebhookNever,
    /// What the first accepts are answered with; 0 stands for no answer.
    Accepts(&'static [u16]),
    /// Accepts work, and are answered after half a minute.
    AcceptSlow,
}

/// A limit of the gateway's that the story is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Usual,
    /// `[limits] max_call` is 20 s.
    MaxCall,
    /// The media path tells of no packets.
    Silence,
}
