//! Dialogs (RFC 3261 section 12): what both ends of a call agreed on, and where it stands.

pub(crate) mod route;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::command::Reason;
use crate::digest::ClientDigest;
use crate::endpoint::{Reliable, ReplyPath, Session};
use crate::message::{NameAddr, Uri};
use crate::transaction::TransactionId;
use crate::transport::{ConnectionId, Protocol};

/// What identifies a dialog on the wire: Call-ID, our tag, the peer's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DialogKey {
    pub(crate) call_id: String,
    pub(crate) local_tag: String,
    pub(crate) remote_tag: String,
}

/// One call as this endpoint sees it, from the INVITE to its end.
#[derive(Debug)]
pub(crate) struct Dialog {
    pub(crate) call_id: String,
    /// Whether the call, and with it the Call-ID, is ours.
    pub(crate) is_caller: bool,
    /// Us, with our tag.
    pub(crate) local: NameAddr,
    /// The peer, with its tag as soon as there is one.
    pub(crate) remote: NameAddr,
    /// The number of our last request.
    pub(crate) local_cseq: u32,
    /// The number of the peer's last request.
    pub(crate) remote_cseq: Option<u32>,
    pub(crate) route_set: Vec<NameAddr>,
    /// Where the peer's Contact said it is.
    pub(crate) remote_target: Uri,
    pub(crate) peer: Peer,
    pub(crate) state: State,
    /// Our 2xx that waits for its ACK.
    pub(crate) unacknowledged: Option<Unacknowledged>,
    /// A re-INVITE of the peer that waits for the user.
    pub(crate) reinvite: Option<Reinvite>,
    /// Our provisional responses that the caller acknowledges, where it knows how.
    pub(crate) reliable: Option<Reliable>,
    /// The number of the last reliable provisional response to our INVITE, and its To tag.
    pub(crate) acknowledged: Option<(String, u32)>,
    /// A re-INVITE of ours that waits for its final response.
    pub(crate) our_reinvite: Option<TransactionId>,
    /// How long the session lives without a refresh.
    pub(crate) session: Session,
    /// An UPDATE with an offer, of the peer, that waits for the user.
    pub(crate) update: Option<TransactionId>,
    /// What the peer's challenges are answered with. Only calls that we place have it: nobody who
    /// calls us is told a password.
    pub(crate) digest: Option<ClientDigest>,
}

/// The neighbour we exchange this dialog's messages with.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) protocol: Protocol,
    /// Where its first message came from, or ours went to.
    pub(crate) remote: SocketAddr,
    /// Our address it knows (UDP).
    pub(crate) local: Option<SocketAddr>,
    /// The connection last used (TCP, TLS).
    pub(crate) connection: Option<ConnectionId>,
    /// The name its certificate must carry, where we connect.
    pub(crate) server_name: Option<String>,
}

/// What the dialog waits for.
#[derive(Debug)]
pub(crate) enum State {
    /// UAC: the peer's final response.
    Calling {
        transaction: TransactionId,
        cancel: Cancel,
    },
    /// UAC: the user's ACK for the 2xx to the INVITE of this transaction and number.
    Answered {
        transaction: TransactionId,
        cseq: u32,
    },
    /// UAS: the user's final response.
    Ringing { transaction: TransactionId },
    /// The end of the call.
    Confirmed,
    /// The answer to our BYE.
    Ending,
}

/// How far giving up an INVITE has got (RFC 3261 section 9.1).
#[derive(Debug)]
pub(crate) enum Cancel {
    /// Not wanted, and no provisional response yet.
    No,
    /// Not wanted, and a provisional response came: a CANCEL may go out at once.
    Possible,
    /// Wanted; waits for a provisional response.
    Wanted(Option<Reason>),
    /// Sent.
    Sent,
}

/// A 2xx to an INVITE, repeated until its ACK comes (RFC 3261 section 13.3.1.4).
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    pub(crate) path: ReplyPath,
    pub(crate) cseq: u32,
    pub(crate) response: Bytes,
    pub(crate) interval: Duration,
    /// Hang up as soon as the ACK is there: a callee may not send BYE earlier (section 15).
    pub(crate) then_bye: Option<Option<Reason>>,
}

/// A re-INVITE in progress.
#[derive(Debug)]
pub(crate) struct Reinvite {
    pub(crate) transaction: TransactionId,
    /// The new remote target, taken over with a 2xx.
    pub(crate) target: Option<Uri>,
}

impl Dialog {
    pub(crate) fn key(&self) -> DialogKey {
        DialogKey {
            call_id: self.call_id.clone(),
            local_tag: self.local.tag().unwrap_or_default().to_owned(),
            remote_tag: self.remote.tag().unwrap_or_default().to_owned(),
        }
    }

    /// The number of the next request.
    pub(crate) fn next_cseq(&mut self) -> u32 {
        self.local_cseq = self.local_cseq.saturating_add(1);
        self.local_cseq
    }

    /// Takes in the number of a request; false where it is lower than one before
    /// (RFC 3261 section 12.2.2).
    pub(crate) fn accept_cseq(&mut self, number: u32) -> bool {
        if self.remote_cseq.is_some_and(|last| number < last) {
            return false;
        }
        self.remote_cseq = Some(number);
        true
    }

    /// Whether `source` is the neighbour.
    pub(crate) fn is_peer(&self, source: SocketAddr) -> bool {
        self.peer.remote.ip().to_canonical() == source.ip().to_canonical()
    }
}
